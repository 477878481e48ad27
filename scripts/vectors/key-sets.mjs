// JWK Sets: keys that verify nothing beside a good one, and keys that are good in an unusual way.

import { createHmac } from "node:crypto";
import { AUDIENCE, ISSUER } from "./making.mjs";
import { privateJwk, publicJwk } from "./keys.mjs";
import { b64u, numberBytes } from "./signing.mjs";

const good = publicJwk("ed-1", { kid: "ed-1" });
const ES = publicJwk("es-1");
const RSA = publicJwk("rsa-1");
const raw = text => Buffer.from(text, "base64url");

/** A configuration in which the issuer has these keys. */
const withKeys = keys => ({ issuers: [{ issuer: ISSUER, audience: AUDIENCE, keys: { keys } }] });

/** The token names a key that is passed over as if it were not there. */
const UNKNOWN = "key_unknown";

const byEs = { by: ["es-1", "ES256"] };
const byRsa = {};

export function keySets(collector) {
    const { refusesToken, grantsToken } = collector.topic("key-set", "key-material");
    /** The key is skipped, and a token by it refused; the same key, as it should be, verifies it. */
    const skipped = (
        id,
        slug,
        title,
        jwk,
        restored,
        token = byRsa,
        { code = "signature_invalid", goodToken = token } = {}
    ) =>
        refusesToken(code, id, slug, title, () => token, {
            configuration: withKeys([good, jwk]),
            good: () => goodToken,
            goodConfiguration: withKeys([good, restored])
        });
    const rsa = more => ({ kid: "rsa-1", ...RSA, ...more });
    const es = more => ({ kid: "es-1", ...ES, ...more });
    const rsaKey = (id, slug, title, more, code) =>
        skipped(id, slug, title, rsa(more), rsa(), byRsa, { code });
    const esKey = (id, slug, title, more) => skipped(id, slug, title, es(more), es(), byEs);
    const secret = { kty: "oct", kid: "rsa-1", k: b64u("a secret of thirty-two characters") };
    skipped(
        ["G01", "B5.5", "B6.14"],
        "symmetric",
        "A symmetric key, and an HMAC by it",
        secret,
        rsa(),
        {
            header: { alg: "HS256" },
            sign: (_make, input) => createHmac("sha256", raw(secret.k)).update(input).digest()
        },
        { code: "algorithm_not_allowed", goodToken: byRsa }
    );
    skipped(["G02", "B6.14"], "private", "A private key", { kid: "rsa-1", ...privateJwk("rsa-1") }, rsa());
    rsaKey(["G03", "B6.11"], "encryption", "A key for encryption", { use: "enc" }, UNKNOWN);
    rsaKey(["G04", "B6.11"], "sign", "A key that may sign, and not verify", { key_ops: ["sign"] });
    rsaKey("G04", "encrypt", "A key that may encrypt", { key_ops: ["encrypt"] });
    rsaKey(["G05", "B6.11"], "disagree", "use and key_ops disagree", { use: "sig", key_ops: ["encrypt"] });
    rsaKey("G06", "use-misspelt", "use is misspelt", { use: "signature" }, UNKNOWN);
    rsaKey("G06", "use-number", "use is a number", { use: 1 }, UNKNOWN);
    rsaKey("G07", "text", "key_ops is a text", { key_ops: "verify" });
    rsaKey(["G07", "B6.11"], "twice", "key_ops says a thing twice", { key_ops: ["verify", "verify"] });
    rsaKey(["G08", "B6.12"], "alg-of-ec", "alg is of another type of key", { alg: "ES256" });
    esKey(["A22", "B6.3"], "alg-misspelt", "alg is misspelt", { alg: "ES265" });
    skipped(
        ["G09", "B6.15"],
        "rsa-1024",
        "A key of RSA of 1024 bits",
        publicJwk("weak-rsa", { kid: "rsa-1" }),
        rsa(),
        { by: ["weak-rsa", "RS256"], header: { kid: "rsa-1" } },
        { goodToken: byRsa }
    );
    rsaKey("G10", "odd", "A key of RSA of 2047 bits", {
        n: b64u(raw(RSA.n).map((byte, i) => (i === 0 ? byte & 0x7f : byte)))
    });
    rsaKey("G11", "long", "A key of RSA of 16384 bits", {
        n: b64u(Buffer.concat([raw(RSA.n), Buffer.alloc(1792, 0xa5)]))
    });
    rsaKey("G12", "exponent-1", "The exponent of RSA is 1", { e: "AQ" });
    rsaKey("G12", "exponent-even", "The exponent of RSA is even", { e: "AQAC" });
    rsaKey("G15", "padding", "n with padding", { n: `${RSA.n}==` });
    rsaKey(["G16", "B6.13"], "no-e", "There is no e", { e: undefined });
    rsaKey(["G16", "B6.10"], "kty-letters", "kty in small letters", { kty: "rsa" }, UNKNOWN);
    curves(esKey);
    ed25519(skipped);
    rsaKey(["G28"], "ended", "A key that has ended", { exp: 1_700_000_000 }, UNKNOWN);
    unusual(grantsToken, rsa, es);
}

function curves(esKey) {
    const y = raw(ES.y);
    const off = Buffer.from(y);
    off[31] ^= 1;
    esKey(["F08", "B5.4"], "off-curve", "A point that is not on the curve", { y: b64u(off) });
    esKey(["F09", "B5.4"], "infinity", "x and y are zero", {
        x: b64u(Buffer.alloc(32)),
        y: b64u(Buffer.alloc(32))
    });
    const p = numberBytes(2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n, 32);
    esKey("F10", "field", "x is the order of the field", { x: b64u(p) });
    esKey(["F11", "B6.17"], "short", "A coordinate with a byte less", { x: b64u(raw(ES.x).subarray(1)) });
    esKey(["F12", "B6.17"], "long", "A coordinate with a zero in front", {
        x: b64u(Buffer.concat([Buffer.alloc(1), raw(ES.x)]))
    });
    esKey(["G21", "B6.22"], "secp256k1", "A curve that is not known", { crv: "secp256k1" });
}

/** Points of Ed25519 of small order, little-endian, in hexadecimal. */
const SMALL_ORDER = {
    identity: `01${"00".repeat(31)}`,
    two: `ec${"ff".repeat(30)}7f`,
    four: "00".repeat(32),
    eight: "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "eight-other": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
};

function ed25519(skipped) {
    const byEd = { by: ["ed-1", "EdDSA"], header: { kid: "ed-2" } };
    const restored = { ...publicJwk("ed-1"), kid: "ed-2" };
    const key = x => ({ kty: "OKP", crv: "Ed25519", kid: "ed-2", x });
    for (const [slug, hex] of Object.entries(SMALL_ORDER)) {
        const point = Buffer.from(hex, "hex");
        const forged = Buffer.concat([Buffer.from(SMALL_ORDER.identity, "hex"), Buffer.alloc(32)]);
        skipped(
            "F14",
            slug,
            "A key of Ed25519 of small order, and a signature that it takes for any text",
            key(b64u(point)),
            restored,
            { ...byEd, sign: () => forged },
            { goodToken: byEd }
        );
    }
    skipped(
        "F17",
        "short",
        "A key of Ed25519 with a byte less",
        key(b64u(raw(restored.x).subarray(1))),
        restored,
        byEd
    );
    skipped(
        "F16",
        "not-normal",
        "A key of Ed25519 beyond the field",
        key(b64u(Buffer.from(`ee${"ff".repeat(30)}7f`, "hex"))),
        restored,
        byEd
    );
}

function unusual(grantsToken, rsa, es) {
    const grants = (id, slug, title, keys, token = byRsa, more = {}) =>
        grantsToken(id, slug, title, () => token, { configuration: withKeys(keys), ...more });
    grants(["G17", "B6.12"], "two-types", "One kid, two types of keys", [es({ kid: "rsa-1" }), rsa()]);
    grants(
        ["G18"],
        "two-keys",
        "One kid, two keys of a type",
        [{ ...publicJwk("rsa-2"), kid: "rsa-1" }, rsa()],
        byRsa,
        { oidcSpa: { verdict: "refused", reason: "oidc-spa takes a kid for one key" } }
    );
    grants(
        "G19",
        "no-kid",
        "No key has a kid, and the token names none",
        [rsa({ kid: undefined })],
        { header: { kid: undefined } },
        { oidcSpa: { verdict: "refused", reason: "oidc-spa asks each token for the kid of its key" } }
    );
    const broken = [
        { kty: "EC", kid: "x" },
        { kty: "RSA", kid: "y", n: "!", e: "AQAB" },
        {},
        { kty: "AKP", kid: "z" },
        { kty: "OKP", crv: "X25519", x: ES.x, kid: "w" }
    ];
    grants(["G20", "G21", "B6.13"], "broken-beside", "Broken and unknown keys beside a good one", [
        ...broken,
        rsa()
    ]);
    grants(["G27", "B6.10"], "further-members", "Further members of a key", [rsa({ foo: 1, x5t: "AA" })]);
    grants("G14", "zeros", "A zero in front of n", [
        rsa({ n: b64u(Buffer.concat([Buffer.alloc(1), raw(RSA.n)])) })
    ]);
    grants("A29", "no-alg", "A key without alg", [rsa()]);
    grants(
        ["C32"],
        "no-kid-of-token",
        "The token names no key, and one fits",
        [rsa()],
        { header: { kid: undefined } },
        { oidcSpa: { verdict: "refused", reason: "oidc-spa asks each token for the kid of its key" } }
    );
}
