// Signatures: by the wrong key, over the wrong text, of the wrong form.

import { privateJwk, publicJwk } from "./keys.mjs";
import { CLAIMS, objectText } from "./making.mjs";
import { b64u, numberBytes, orderOf, otherSignature, pss, pssThatBeginsWithZero } from "./signing.mjs";

export function signatures(collector) {
    const { refusesToken, grantsToken } = collector.topic("signatures", "signature-verification");
    const bad = (id, slug, title, change) => refusesToken("signature_invalid", id, slug, title, () => change);
    const es = (sign, more) => ({ by: ["es-1", "ES256"], sign, ...more });
    const n = numberBytes(orderOf("P-256"), 32);
    const zeros = Buffer.alloc(32);
    bad(
        "F01",
        "zeros",
        "A signature of zeros",
        es(() => Buffer.alloc(64))
    );
    bad(
        "F02",
        "r-zero",
        "r is zero",
        es(make => Buffer.concat([zeros, make().subarray(32)]))
    );
    bad(
        "F02",
        "s-zero",
        "s is zero",
        es(make => Buffer.concat([make().subarray(0, 32), zeros]))
    );
    bad(
        "F03",
        "order",
        "r and s are the order of the curve",
        es(() => Buffer.concat([n, n]))
    );
    bad(
        "F03",
        "ones",
        "r and s are all ones",
        es(() => Buffer.alloc(64, 0xff))
    );
    bad(
        ["F04", "B6.15"],
        "der",
        "The signature in DER",
        es(make => der(make()))
    );
    bad(
        ["F05", "B6.15"],
        "short",
        "A byte less",
        es(make => make().subarray(0, 63))
    );
    bad(
        "F05",
        "long",
        "A byte more",
        es(make => Buffer.concat([make(), Buffer.alloc(1)]))
    );
    bad("F07", "p521-short", "A signature of P-521 with a byte less", {
        by: ["es-5", "ES512"],
        sign: make => make().subarray(0, 131)
    });
    grantsToken("F06", "high-s", "The other of two signatures that mean the same", () =>
        es(make => otherSignature(make(), "P-256"))
    );
    bad("F13", "ed25519-ones", "A signature of Ed25519 beyond its order", {
        by: ["ed-1", "EdDSA"],
        sign: make => Buffer.concat([make().subarray(0, 32), Buffer.alloc(32, 0xff)])
    });
    bad("F17", "ed25519-short", "A signature of Ed25519 with a byte less", {
        by: ["ed-1", "EdDSA"],
        sign: make => make().subarray(0, 63)
    });
    bad("F22", "rsa-short", "A signature of RSA with a byte less", { sign: make => make().subarray(0, 255) });
    bad("F22", "rsa-long", "A signature of RSA with a zero in front", {
        sign: make => Buffer.concat([Buffer.alloc(1), make()])
    });
    const beginsWithZero = input => pssThatBeginsWithZero(Buffer.from(input), privateJwk("ps-1"));
    grantsToken("F22", "pss-zero", "A signature of PSS that begins with a zero", () => ({
        by: ["ps-1", "PS256"],
        sign: (_make, input) => beginsWithZero(input)
    }));
    bad("F22", "pss-without-zero", "A signature of PSS without the zero that it begins with", {
        by: ["ps-1", "PS256"],
        sign: (_make, input) => beginsWithZero(input).subarray(1)
    });
    bad("F22", "rsa-modulus", "A signature that is the modulus", { sign: () => publicJwk("rsa-1").n });
    bad("F23", "other-hash", "RS384 under the name of RS256", {
        by: ["rsa-2", "RS256"],
        sign: (make, input) => make(input, "rsa-2", "RS384")
    });
    for (const [slug, length] of [
        ["no-salt", 0],
        ["short-salt", 20]
    ]) {
        bad(["F23", "B6.15"], slug, "A salt of another length than the hash", {
            by: ["ps-1", "PS256"],
            sign: (_make, input) => pss(Buffer.from(input), privateJwk("ps-1"), "sha256", length)
        });
    }
    bad(["F23", "B6.15"], "mask-sha1", "A mask of SHA-1", {
        by: ["ps-1", "PS256"],
        sign: (_make, input) => pss(Buffer.from(input), privateJwk("ps-1"), "sha256", 32, "sha1")
    });
    bad(["F24", "B1.10", "B6.5"], "other-key", "Another key of the set signed", {
        sign: (make, input) => make(input, "rsa-2", "RS256")
    });
    bad(["F24", "B1.10"], "stranger", "A stranger signed", {
        sign: (make, input) => make(input, "stranger", "RS256")
    });
    bad("F25", "decoded", "Signed before it was encoded", {
        sign: (make, input) =>
            make(
                input
                    .split(".")
                    .map(part => Buffer.from(part, "base64url").toString())
                    .join(".")
            )
    });
    refusesToken(
        "signature_invalid",
        ["F26", "B6.5"],
        "other-payload",
        "Another payload under a good signature",
        s =>
            s.token({
                after: text =>
                    [
                        text.split(".")[0],
                        b64u(objectText({ ...CLAIMS, sub: "admin" })),
                        text.split(".")[2]
                    ].join(".")
            })
    );
}

function der(signature) {
    const integer = bytes => {
        const trimmed = Buffer.from(bytes.toString("hex").replace(/^(00)+(?=..)/, ""), "hex");
        const value = trimmed[0] > 0x7f ? Buffer.concat([Buffer.alloc(1), trimmed]) : trimmed;
        return Buffer.concat([Buffer.of(2, value.length), value]);
    };
    const content = Buffer.concat([integer(signature.subarray(0, 32)), integer(signature.subarray(32))]);
    return Buffer.concat([Buffer.of(0x30, content.length), content]);
}
