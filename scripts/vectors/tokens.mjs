// Access tokens: algorithms, the compact form.

import { createHmac, createPublicKey } from "node:crypto";
import { publicJwk } from "./keys.mjs";
import { TYP } from "./making.mjs";
import { b64u } from "./signing.mjs";

/** A MAC in the place of a signature. */
const hmac =
    (secret, hash = "sha256") =>
    (_make, input) =>
        createHmac(hash, secret).update(input).digest();

const pem = (name, type, format = "pem") =>
    createPublicKey({ key: publicJwk(name), format: "jwk" }).export({ type, format });

const part = (text, index, change) =>
    text
        .split(".")
        .map((part, i) => (i === index ? change(part) : part))
        .join(".");

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The same bytes in another spelling: unused bits of the last character are set. */
function withStrayBits(text) {
    const unused = { 2: 0b1111, 3: 0b0011 }[text.length % 4];
    if (unused === undefined) {
        return undefined;
    }
    const last = ALPHABET.indexOf(text.at(-1));
    return text.slice(0, -1) + ALPHABET[last | (1 & unused)];
}

/** Pads a JSON text with white space until its encoding has unused bits. */
function padded(text) {
    for (let pad = text; ; pad += " ") {
        if (b64u(pad).length % 4 !== 0) {
            return pad;
        }
    }
}

export function algorithms(collector) {
    const { refusesToken, grantsToken } = collector.topic("algorithms", "algorithm-confusion");
    const bad = (...rest) => refusesToken("algorithm_not_allowed", ...rest);
    const none = alg => s => s.token({ header: { alg }, sign: () => "" });
    bad(["A01", "B1.1", "B6.16"], "none", "alg none, and no signature", none("none"));
    for (const alg of ["None", "NONE", "nOnE"]) {
        bad("A02", `none-${alg}`, `alg ${alg}, and no signature`, none(alg));
    }
    bad("A03", "none-signed", "alg none, over a good signature", () => ({ header: { alg: "none" } }));
    for (const [name, alg] of Object.entries({ null: null, number: 256, list: ["RS256"], object: {} })) {
        refusesToken("token_malformed", "A05", `alg-${name}`, `alg is ${name}, and no string`, () => ({
            header: { alg }
        }));
    }
    refusesToken("token_malformed", "A06", "alg-absent", "There is no alg", () => ({
        header: { alg: undefined }
    }));
    bad("A07", "small-letters", "alg in small letters", () => ({ header: { alg: "rs256" } }));
    bad("A08", "space", "A space behind alg", () => ({ header: { alg: "RS256 " } }));
    bad("A08", "nul", "NUL behind alg", () => ({ header: { alg: "RS256\u0000" } }));
    const secrets = {
        "A09-spki": pem("rsa-1", "spki"),
        "A09-pkcs1": pem("rsa-1", "pkcs1"),
        "A10-newline": `\n${pem("rsa-1", "spki")}`,
        "A10-trimmed": String(pem("rsa-1", "spki")).trim(),
        "A10-der": pem("rsa-1", "spki", "der"),
        "A11-jwk": JSON.stringify(publicJwk("rsa-1")),
        "A11-n": Buffer.from(publicJwk("rsa-1").n, "base64url"),
        "A12-x": Buffer.from(publicJwk("es-1").x, "base64url"),
        "A13-empty": ""
    };
    for (const [name, secret] of Object.entries(secrets)) {
        const [id, ...slug] = name.split("-");
        bad(id, `hmac-${slug}`, "An HMAC whose secret everybody knows", () => ({
            header: { alg: "HS256" },
            sign: hmac(secret)
        }));
    }
    const unfit = (...rest) => refusesToken("signature_invalid", ...rest);
    unfit("A21", "rs384-named-rs256", "RS384 under the name of RS256", () => ({
        by: ["rsa-2", "RS384"],
        header: { alg: "RS256" }
    }));
    unfit("A28", "es256-by-rsa", "ES256 under the kid of a key of RSA", () => ({
        by: ["es-1", "ES256"],
        header: { kid: "rsa-1" }
    }));
    unfit("A17", "rs256-by-ps256-key", "RS256 by a key that is for PS256", () => ({ by: ["ps-1", "RS256"] }));
    unfit("A18", "ps256-by-rs256-key", "PS256 by a key that is for RS256", () => ({
        by: ["rsa-1", "PS256"]
    }));
    unfit("A19", "rs512-by-rs256-key", "RS512 by a key that is for RS256", () => ({
        by: ["rsa-1", "RS512"]
    }));
    unfit("A20", "es256-by-p384", "ES256 by a key of P-384", () => ({
        header: { alg: "ES256", kid: "es-3" },
        by: ["es-1", "ES256"]
    }));
    bad("A26", "esp256", "ESP256, which is a name of COSE alone", () => ({
        by: ["es-1", "ES256"],
        header: { alg: "ESP256" }
    }));
    bad("F27", "ml-dsa", "ML-DSA-65, where no option names it", () => ({ header: { alg: "ML-DSA-65" } }));
    unfit("A27", "kid-of-ec", "RS256 under the kid of a key of P-256", () => ({ header: { kid: "es-1" } }));
    const each = [
        ["rsa-1", "RS256"],
        ["rsa-2", "RS384"],
        ["rsa-2", "RS512"],
        ["ps-1", "PS256"],
        ["rsa-2", "PS384"],
        ["rsa-2", "PS512"],
        ["es-1", "ES256"],
        ["es-3", "ES384"],
        ["es-5", "ES512"]
    ];
    for (const [key, alg] of each) {
        grantsToken(["A29", "B6.15"], `${alg.toLowerCase()}`, `${alg} by its key is good`, () => ({
            by: [key, alg]
        }));
    }
    grantsToken(["A23", "B6.20"], "eddsa", "EdDSA with a key of Ed25519 is good", () => ({
        by: ["ed-1", "EdDSA"]
    }));
    grantsToken(["A24", "B6.21"], "ed25519", "Ed25519 with the same key is good", () => ({
        by: ["ed-1", "Ed25519"]
    }));
    const configuration = { algorithms: ["ES256"] };
    bad(["A16", "B5.1"], "not-listed", "RS256, where ES256 alone is accepted", () => ({}), {
        configuration,
        good: () => ({ by: ["es-1", "ES256"] })
    });
}

export function compactForm(collector) {
    const { refusesToken } = collector.topic("compact-form", "encoding");
    const bad = (...rest) => refusesToken("token_malformed", ...rest);
    bad("B01", "two-parts", "Two parts", s =>
        s.token({ after: text => text.split(".").slice(0, 2).join(".") })
    );
    refusesToken("signature_invalid", "B02", "no-signature", "An empty signature", s =>
        s.token({ sign: () => "" })
    );
    bad("B03", "empty-header", "An empty header", s => s.token({ after: text => part(text, 0, () => "") }));
    bad("B03", "empty-payload", "An empty payload", s => s.token({ parts: header => [header, ""] }));
    bad("B04", "four-parts", "Four parts", s => s.token({ after: text => `${text}.AA` }));
    bad("B04", "dot-behind", "A dot behind the signature", s => s.token({ after: text => `${text}.` }));
    bad("B05", "dot-before", "A dot before the header", s => s.token({ after: text => `.${text}` }));
    const jwe = { alg: "RSA-OAEP-256", enc: "A256GCM", kid: "rsa-1" };
    bad(
        ["B06", "B1.7", "B6.9"],
        "encrypted",
        "Five parts: an encrypted token",
        () => `${b64u(JSON.stringify(jwe))}.AA.AA.AA.AA`
    );
    const bomb = { alg: "PBES2-HS256+A128KW", enc: "A256GCM", p2c: 2_147_483_647 };
    bad(
        ["C43", "B5.13"],
        "many-rounds",
        "An encrypted token that asks for two billion rounds",
        () => `${b64u(JSON.stringify(bomb))}.AA.AA.AA.AA`
    );
    const json = s =>
        JSON.stringify(
            Object.fromEntries(
                s
                    .token()
                    .split(".")
                    .map((part, i) => [["protected", "payload", "signature"][i], part])
            )
        );
    refusesToken("credentials_malformed", "B08", "json", "The JSON form of a JWS", json);
    refusesToken("credentials_malformed", "B11", "line-feed", "A line feed in the payload", s =>
        s.token({ parts: (h, p) => [h, `${p.slice(0, 8)}\n${p.slice(8)}`] })
    );
    refusesToken("credentials_malformed", "B17", "percent", "Dots that are percent-encoded", s =>
        s.token({ after: text => text.replaceAll(".", "%2E") })
    );
    refusesToken(
        "credentials_malformed",
        "B19",
        "bom",
        "A byte order mark before the token",
        s => s.token({ after: text => `\ufeff${text}` }),
        {
            oidcSpa: {
                verdict: "granted",
                reason: "oidc-spa takes what JavaScript calls white space for some, and the mark is among it"
            }
        }
    );
    bad("B10", "alphabet", "The alphabet of base64 in the payload", s =>
        s.token({
            rawPayload: payloadWithBothEnds(s),
            parts: (h, p) => [h, p.replaceAll("-", "+").replaceAll("_", "/")]
        })
    );
    bad("B07", "dots", "A thousand dots", () => ".".repeat(1000));
    refusesToken("credentials_malformed", "B09", "padding-header", "Padding behind the header", s =>
        s.token({ rawHeader: headerToPad(), parts: (h, p) => [`${h}=`, p] })
    );
    refusesToken("credentials_malformed", "B09", "padding-payload", "Padding behind the payload", s =>
        s.token({ rawPayload: payloadToPad(s), parts: (h, p) => [h, `${p}=`] })
    );
    refusesToken("token_malformed", "B09", "padding-signature", "Padding behind the signature", s =>
        s.token({ after: text => `${text}==` })
    );
    bad(["B12", "B6.1"], "question-mark", "A character of no alphabet in the payload", s =>
        s.token({ parts: (h, p) => [h, `${p.slice(0, 8)}~${p.slice(8)}`] })
    );
    bad(["B13", "B6.1"], "stray-bits-signature", "Unused bits of the signature are set", s =>
        s.token({ after: text => part(text, 2, withStrayBits) })
    );
    bad(["B14", "B6.1"], "stray-bits-header", "Unused bits of the header are set, before it was signed", s =>
        s.token({ rawHeader: headerToPad(), parts: (h, p) => [withStrayBits(h), p] })
    );
    bad(
        ["B15", "B6.1"],
        "stray-bits-payload",
        "Unused bits of the payload are set, before it was signed",
        s => s.token({ rawPayload: payloadToPad(s), parts: (h, p) => [h, withStrayBits(p)] })
    );
    bad("B16", "one-more", "A payload of an impossible length", s =>
        s.token({ parts: (h, p) => [h, `${p}${"A".repeat((5 - (p.length % 4)) % 4)}`] })
    );
    const sized = claims => s => s.token({ claims: { name: "x".repeat(claims) } });
    bad("B20", "too-long", "A token longer than 16 KiB", sized(16_000), { good: sized(1_000) });
    bad(
        "B21",
        "header-too-long",
        "A header longer than 4 KiB",
        () => ({ header: { name: "x".repeat(4_200) } }),
        { good: () => ({ header: { name: "x".repeat(1_000) } }) }
    );
}

/** A payload whose encoding has both characters in which the alphabets differ. */
const payloadWithBothEnds = s =>
    `${payloadToPad(s).trimEnd().slice(0, -1)},"x":"${"\u00ff\u00fe?>~".repeat(3)}"}`;

const headerToPad = () => padded(`{"alg":"RS256","typ":"${TYP}","kid":"rsa-1"}`);
const payloadToPad = s => padded(Buffer.from(s.token().split(".")[1], "base64url").toString());
