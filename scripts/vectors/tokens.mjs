// Access tokens: algorithms, the compact form, the header.

import { createHmac, createPublicKey } from "node:crypto";
import { publicJwk, thumbprint } from "./keys.mjs";
import { ath, AUDIENCE, HTU, json, NOW } from "./making.mjs";
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

const headerToPad = () => padded('{"alg":"RS256","typ":"at+jwt","kid":"rsa-1"}');
const payloadToPad = s => padded(Buffer.from(s.token().split(".")[1], "base64url").toString());

const HEADER = '"alg":"RS256","typ":"at+jwt","kid":"rsa-1"';

export function headers(collector) {
    const { refusesToken, grantsToken } = collector.topic("header", "header-members");
    const bad = (...rest) => refusesToken("token_malformed", ...rest);
    const raw = (id, slug, title, rawHeader) => bad(id, slug, title, () => ({ rawHeader }));
    for (const [slug, text] of Object.entries({ list: "[]", text: '"x"', number: "1", null: "null" })) {
        raw("C01", slug, `The header is ${slug}, and no object`, text);
    }
    raw("C02", "values", "The header is a list of an object's values", '["RS256","at+jwt","rsa-1"]');
    raw("C03", "behind", "Something follows the header's object", `{${HEADER}}{}`);
    grantsToken("C04", "white-space", "White space in the header", () => ({
        rawHeader: `{ "alg" : "RS256",\n "typ":"at+jwt", "kid":"rsa-1" }\n`
    }));
    raw(["C05", "B6.23"], "bom", "A byte order mark before the header", `\ufeff{${HEADER}}`);
    raw(
        ["C06", "B6.5"],
        "latin-1",
        "The header is not UTF-8",
        Buffer.from(`{${HEADER},"x":"\u00e9"}`, "latin1")
    );
    raw(["C07", "B6.2"], "alg-twice", "alg twice, none first", `{"alg":"none",${HEADER}}`);
    raw(["C08", "B6.2"], "alg-twice", "alg twice, none last", `{${HEADER},"alg":"none"}`);
    raw("C09", "kid-twice", "kid twice", `{${HEADER},"kid":"rsa-1"}`);
    raw("C10", "escaped", "alg twice, once with an escape", `{${HEADER},"\\u0061lg":"RS256"}`);
    critical(raw);
    grantsToken("C22", "jku", "jku beside a good signature", () => ({
        header: { jku: "https://evil.example/jwks" }
    }));
    const unknown = (...rest) => refusesToken("key_unknown", ...rest);
    unknown(["C21", "B5.10"], "jku", "A key that jku leads to", () => ({
        by: ["stranger", "RS256"],
        header: { jku: "https://evil.example/jwks" }
    }));
    unknown("C23", "x5u", "A key that x5u leads to", () => ({
        by: ["stranger", "RS256"],
        header: { x5u: "https://evil.example/pem" }
    }));
    refusesToken("signature_invalid", ["C25", "B5.10"], "jwk", "A key that the token brings itself", () => ({
        by: ["stranger", "RS256"],
        header: { kid: "rsa-1", jwk: publicJwk("stranger") }
    }));
    for (const [slug, kid] of Object.entries({ number: 1, object: {}, list: ["rsa-1"], null: null })) {
        bad("C27", `kid-${slug}`, `kid is ${slug}, and no string`, () => ({ header: { kid } }));
    }
    unknown("C28", "kid-empty", "kid is empty", () => ({ header: { kid: "" } }));
    for (const [slug, kid] of Object.entries({ path: "../rsa-1", query: "rsa-1?a=b", sql: "' OR 1=1 --" })) {
        unknown(["C29", "B5.10"], `kid-${slug}`, "A kid that is made for something else", () => ({
            header: { kid }
        }));
    }
    unknown(["C30", "B6.6"], "kid-letters", "The kid in other letters", () => ({ header: { kid: "RSA-1" } }));
    for (const kid of ["__proto__", "constructor"]) {
        unknown("C31", `kid-${kid}`, "A kid that every object has", () => ({ header: { kid } }));
    }
    grantsToken(
        "C33",
        "no-kid",
        "No kid, and several keys that fit",
        () => ({ header: { kid: undefined } }),
        named
    );
    grantsToken(["C46", "B6.6"], "escapes", "Escapes in the header's strings", () => ({
        rawHeader: '{"alg":"\\u0052S256","typ":"at+jwt","kid":"rsa-1"}'
    }));
    raw(["C41"], "zip", "zip on a signed token", `{${HEADER},"zip":"DEF"}`);
    raw(["C42", "B5.3"], "enc", "enc on a signed token", `{${HEADER},"enc":"A256GCM"}`);
    raw("C44", "deep", "A member of great depth", `{${HEADER},"x":${"[".repeat(1000)}${"]".repeat(1000)}}`);
}

const named = { oidcSpa: { verdict: "refused", reason: "oidc-spa asks each token for the kid of its key" } };

function critical(raw) {
    const crit = (id, slug, title, text) => raw([id, "B6.4"], slug, title, `{${HEADER},${text}}`);
    crit(
        "C12",
        "unknown",
        "crit names an extension that nobody knows",
        '"crit":["http://example/x"],"http://example/x":1'
    );
    crit("C13", "empty", "crit is empty", '"crit":[]');
    for (const [slug, value] of Object.entries({
        text: '"b64"',
        true: "true",
        numbers: "[1]",
        null: "null"
    })) {
        crit("C14", slug, `crit is ${slug}, and no list of strings`, `"crit":${value}`);
    }
    crit("C15", "standard", "crit names a member of the standard", '"crit":["alg"]');
    crit("C16", "absent", "crit names a member that is not there", '"crit":["b64"]');
    crit("C17", "twice", "crit names a member twice", '"b64":true,"crit":["b64","b64"]');
    raw(["C18", "B6.8"], "b64", "b64 with crit", `{${HEADER},"b64":false,"crit":["b64"]}`);
    raw(["C19", "B6.8"], "b64-alone", "b64 without crit", `{${HEADER},"b64":false}`);
}

export function types(collector) {
    const { refusesToken, grantsToken } = collector.topic("types", "token-type-confusion");
    const bad = (...rest) => refusesToken("token_type_unexpected", ...rest);
    const strict = { configuration: { profile: "rfc9068" } };
    for (const typ of [
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "token-introspection+jwt",
        "statuslist+jwt",
        "id_token+jwt"
    ]) {
        const also = { "token-introspection+jwt": "B11.6", "logout+jwt": "B12.8", "secevent+jwt": "B12.8" }[
            typ
        ];
        bad(["C38", "B1.14", "B5.12", ...(also ? [also] : [])], typ, `typ is ${typ}`, () => ({
            header: { typ }
        }));
    }
    bad(
        ["C34", "B1.2"],
        "jwt",
        "typ is JWT, where RFC 9068 holds to the letter",
        () => ({ header: { typ: "JWT" } }),
        strict
    );
    bad(
        ["C35", "B1.2"],
        "absent",
        "There is no typ, where RFC 9068 holds to the letter",
        () => ({ header: { typ: undefined } }),
        strict
    );
    for (const typ of ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"]) {
        grantsToken(
            ["C36", "B1.2", "B5.11", "B6.3"],
            typ.replace("/", "-"),
            `typ is ${typ}`,
            () => ({ header: { typ } }),
            strict
        );
    }
    for (const [slug, typ] of Object.entries({
        path: "application/x/at+jwt",
        parameter: "at+jwt;v=1",
        space: " at+jwt"
    })) {
        bad("C37", slug, "A typ that only looks like at+jwt", () => ({ header: { typ } }), strict);
    }
    bad("C39", "list", "typ is a list", () => ({ header: { typ: ["at+jwt"] } }));
    const id = {
        header: { typ: "JWT" },
        claims: { scope: undefined, client_id: undefined, nonce: "n", at_hash: "x" }
    };
    bad(["E27", "B1.14", "B5.12"], "id-token", "An ID token for this audience", () => id, {
        oidcSpa: lenient
    });
    bad("E28", "refresh-token", "A refresh token", () => ({ claims: { typ: "Refresh" } }), {
        oidcSpa: lenient
    });
    bad(
        ["E28", "B12.8"],
        "logout-token",
        "A logout token",
        () => ({ claims: { events: { "http://schemas.openid.net/event/backchannel-logout": {} } } }),
        { oidcSpa: lenient }
    );
    refusesToken(
        "token_type_unexpected",
        ["J39", "B2.45"],
        "proof-as-token",
        "A proof in the place of a token",
        s => s.proof("x", { claims: { ...ids, ath: ath("x"), htu: HTU } })
    );
}

const ids = {
    iss: "https://as.example",
    aud: AUDIENCE,
    sub: "user-1",
    exp: NOW + 600,
    cnf: json(`{"jkt":"${thumbprint("client")}"}`)
};

const lenient = {
    verdict: "granted",
    reason: "oidc-spa does not look at what a token says of its kind, typ of the header aside"
};
