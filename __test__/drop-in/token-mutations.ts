// Access tokens, each with one thing changed and signed again with the right key (unless the signature is the case).

import { createHmac, createPublicKey, type JsonWebKey } from "node:crypto";
import type { ValidateAndDecodeAccessToken } from "oidc-spa-native/server";
import { AUDIENCE, kidOf, tokenHeader, type Fixtures } from "../support/fixtures.js";
import {
    ALGS,
    b64u,
    jws,
    mutated,
    newKey,
    signature,
    signParts,
    trailingBitTwin,
    type Alg
} from "../support/jwt.js";

type Params = ValidateAndDecodeAccessToken.Params;

/** Which pair of validators a case is for: how both were bootstrapped. */
export type Setup = "plain" | "any audience" | "slash" | "schema";

export interface ValidateCase {
    readonly id: string;
    readonly params: Params;
    /** The same without the mutation: both must accept it. */
    readonly twin: Params;
    readonly setup?: Setup;
    /** Sent before, to both. */
    readonly before?: readonly Params[];
}

export const bearer = (accessToken: string, reject = true): Params => ({
    scheme: "Bearer",
    accessToken,
    rejectIfAccessTokenDPoPBound: reject
});

/** JSON text of values that a member may take instead of its own. `undefined`: the member is not there. */
export const JSON_VALUES: Readonly<Record<string, string | undefined>> = {
    absent: undefined,
    null: "null",
    true: "true",
    false: "false",
    zero: "0",
    one: "1",
    "minus one": "-1",
    fraction: "0.5",
    overflow: "1e999",
    "empty string": '""',
    string: '"x"',
    "numeric string": '"1800000600"',
    "empty array": "[]",
    "array of string": '["x"]',
    "array of number": "[1]",
    "nested array": '[["x"]]',
    "empty object": "{}",
    object: '{"a":1}'
};

/** JSON text of `members` with one of them written as given. */
export function withMember(members: object, name: string, json: string | undefined): string {
    const marker = "@@value@@";
    if (json === undefined) {
        return JSON.stringify({ ...members, [name]: undefined });
    }
    return JSON.stringify({ ...members, [name]: marker }).replace(`"${marker}"`, () => json);
}

/** JSON text of `members` with further text at its beginning or end: duplicates survive. */
export const withTextBefore = (members: object, text: string): string =>
    `{${text},${JSON.stringify(members).slice(1)}`;
export const withTextAfter = (members: object, text: string): string =>
    `${JSON.stringify(members).slice(0, -1)},${text}}`;

const CLAIMS = ["iss", "sub", "aud", "exp", "iat", "client_id", "scope", "jti", "nbf", "auth_time", "cnf"];

export function tokenCases(f: Fixtures, now: number): ValidateCase[] {
    const alg: Alg = "ES256";
    const key = f.keyOf(alg);
    const header = tokenHeader(alg);
    const claims = f.claims(now);
    const original = f.token(now);
    const twin = bearer(original);
    const cases: ValidateCase[] = [];

    const add = (id: string, accessToken: string, options: Partial<ValidateCase> = {}): void => {
        cases.push({ id, params: bearer(mutated(original, accessToken)), twin, ...options });
    };
    const withPayload = (payload: string | Buffer): string => jws(header, payload, alg, key);
    const withHeader = (headerText: string | Buffer): string => jws(headerText, claims, alg, key);

    // --- Every algorithm, as it should be.
    for (const other of ALGS) {
        const token = f.token(now, { jti: "of its own" }, other);
        add(`token/alg/${other}`, token);
    }

    // --- Each claim in each wrong type.
    for (const claim of CLAIMS) {
        for (const [name, json] of Object.entries(JSON_VALUES)) {
            if (json === undefined && !(claim in claims)) {
                continue; // absent already
            }
            add(`token/claim/${claim}/${name}`, withPayload(withMember(claims, claim, json)));
        }
    }

    // --- Times (D22 to D39, E01, E02).
    const times: Record<string, string> = {
        "D26 whole with .0": `${now + 600}.0`,
        "D25 exponent": "1.8000006e9",
        "D24 fraction": `${now + 600}.5`,
        "E01 one second ago": String(now - 1),
        "E02 now": String(now),
        "in one second": String(now + 1),
        "D30 year 9999": "253402300799",
        "D30 after year 9999": "253402300800",
        "D30 2^53": "9007199254740992",
        "D30 2^63": "9223372036854775808",
        "D30 2^64": "18446744073709551616",
        "D30 1e20": "1e20",
        "D32 in milliseconds": String((now + 600) * 1000),
        "D29 minus overflow": "-1e999",
        "D29 underflow": "1e-999",
        "D23 string with white space": `" ${now + 600}"`
    };
    for (const [name, json] of Object.entries(times)) {
        for (const claim of ["exp", "nbf", "iat", "auth_time"]) {
            add(`token/time/${claim}/${name}`, withPayload(withMember(claims, claim, json)));
        }
    }
    for (const [name, json] of Object.entries({
        "D12 hex": "0x6b49d200",
        "D13 leading zero": "01",
        "D13 plus": "+1"
    })) {
        add(`token/time/exp/${name}`, withPayload(withMember(claims, "exp", json)));
    }
    add(
        "token/time/exp/D31 ten thousand digits",
        withPayload(withMember(claims, "exp", `1${"0".repeat(9_999)}`))
    );
    add("token/time/iat/D35 one hour ahead", withPayload(withMember(claims, "iat", String(now + 3600))));
    add("token/time/iat/D37 after exp", withPayload(withMember(claims, "iat", String(now + 601))));
    add("token/time/nbf/D39 next second", withPayload(withMember(claims, "nbf", String(now + 1))));

    // --- Issuer and audience (E06 to E22).
    const { issuerUri } = f.issuer;
    const issuers: Record<string, string> = {
        "E07 suffix": `${issuerUri}.evil.example`,
        "E07 prefix": issuerUri.slice(0, -1),
        "E08 slash": `${issuerUri}/`,
        "two slashes": `${issuerUri}//`,
        "E09 upper case": issuerUri.toUpperCase(),
        "D10 NUL": `${issuerUri}\u0000.evil`,
        quote: `${issuerUri}"`,
        "line break": `${issuerUri}\r\nx: y`,
        other: "https://evil.example"
    };
    for (const [name, iss] of Object.entries(issuers)) {
        add(`token/iss/${name}`, f.token(now, { iss }));
        add(`token/iss/configured with slash/${name}`, f.token(now, { iss }), { setup: "slash" });
    }
    add(
        "token/iss/D46 escaped solidus",
        withPayload(withMember(claims, "iss", JSON.stringify(issuerUri).replaceAll("/", "\\/")))
    );
    const audiences: Record<string, unknown> = {
        "list of the one": [AUDIENCE],
        "list with the one": ["https://other.example.com", AUDIENCE],
        "list without": ["https://other.example.com", "x"],
        "list with the one and a number": [AUDIENCE, 1],
        "E15 other": "https://other.example.com",
        "E15 prefix": AUDIENCE.slice(0, -1),
        "E15 superset": `${AUDIENCE}.evil`,
        "E22 slash": `${AUDIENCE}/`,
        "upper case": AUDIENCE.toUpperCase(),
        "E18 nested": [[AUDIENCE]],
        "E18 object": { 0: AUDIENCE, length: 1 },
        "D10 NUL": `${AUDIENCE}\u0000`,
        'quote and solidus: "/': 'a"/\\b',
        "not ASCII": "https://bücher.example"
    };
    for (const [name, aud] of Object.entries(audiences)) {
        add(`token/aud/${name}`, f.token(now, { aud }));
        add(`token/aud/any audience/${name}`, f.token(now, { aud }), { setup: "any audience" });
    }
    add(
        "token/aud/E19 a thousand entries",
        f.token(now, { aud: Array.from({ length: 1000 }, (_, i) => `a${i}`) })
    );

    // --- Confirmation, as Bearer (N01, N07, N08, N10, N11, N14, N15).
    const confirmations: Record<string, unknown> = {
        "N01 jkt": { jkt: f.jkt },
        "N07 jkt number": { jkt: 1 },
        "N07 jkt null": { jkt: null },
        "N07 jkt array": { jkt: ["a"] },
        "N07 jkt empty": { jkt: "" },
        "N08 empty object": {},
        "N11 certificate": { "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0" },
        "N14 jkt and certificate": { jkt: f.jkt, "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0" },
        "N15 x5t": { x5t: "abc" },
        "unknown method": { "urn:x": 1 },
        "RFC 7800 jwk": { jwk: f.client.publicJwk },
        "RFC 7800 kid": { kid: "x" }
    };
    for (const [name, cnf] of Object.entries(confirmations)) {
        const token = f.token(now, { cnf });
        add(`token/cnf/${name}`, token);
        add(`token/cnf/bound tokens may pass/${name}`, token, { params: bearer(token, false) });
    }
    add("token/cnf/N10 jkt at the wrong place", f.token(now, { jkt: f.jkt }));

    // --- Each header member in each wrong type.
    for (const member of ["alg", "typ", "kid"]) {
        for (const [name, json] of Object.entries(JSON_VALUES)) {
            add(`token/header/${member}/${name}`, withHeader(withMember(header, member, json)));
        }
    }
    for (const typ of [
        "JWT",
        "jwt",
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/At+Jwt",
        "application/jwt",
        "application/x/at+jwt",
        "at+jwt;v=1",
        " at+jwt",
        "at+jwt\u0000",
        "dpop+jwt",
        "application/dpop+jwt",
        "logout+jwt",
        "id_token",
        "ID",
        "Bearer",
        "secevent+jwt",
        "token-introspection+jwt",
        "statuslist+jwt",
        "JWE"
    ]) {
        const text = withMember(header, "typ", JSON.stringify(typ));
        if (text !== JSON.stringify(header)) {
            add(`token/header/typ/${typ.replace("\u0000", "NUL")}`, withHeader(text));
        }
    }
    for (const name of [
        "none",
        "None",
        "NONE",
        "nOnE",
        "HS256",
        "es256",
        "ES256 ",
        "ES256\u0000",
        "ES256K",
        "ESP256",
        "RS1",
        "ML-DSA-65",
        "PBES2-HS256+A128KW",
        "RS255",
        "Ed448"
    ]) {
        add(
            `token/header/alg/${name.replace("\u0000", "NUL")}`,
            withHeader(withMember(header, "alg", JSON.stringify(name)))
        );
    }
    const kids: Record<string, string> = {
        "H28 unknown": "unknown",
        "C30 upper case": "ES256",
        "of another key": "es384",
        "of a key of another type": "rs256",
        "of an Ed25519 key": "eddsa",
        "C31 __proto__": "__proto__",
        "C31 constructor": "constructor",
        "O01 quote and line break": 'x"\r\n{"level":"info"}',
        "right-to-left override": "x\u202ey",
        "not ASCII": "schlüssel",
        path: "../../etc/passwd",
        long: "k".repeat(2_000)
    };
    for (const [name, kid] of Object.entries(kids)) {
        add(`token/header/kid/${name}`, withHeader(withMember(header, "kid", JSON.stringify(kid))));
    }
    const extras: Record<string, string> = {
        "C12 crit unknown": '"crit":["http://x/y"],"http://x/y":1',
        "C13 crit empty": '"crit":[]',
        "C14 crit string": '"crit":"b64"',
        "C14 crit null": '"crit":null',
        "C14 crit numbers": '"crit":[1]',
        "C15 crit standard": '"crit":["alg"]',
        "C16 crit absent member": '"crit":["b64"]',
        "C18 b64 with crit": '"crit":["b64"],"b64":true',
        "C19 b64 false without crit": '"b64":false',
        "C19 b64 true without crit": '"b64":true',
        "C22 jku": '"jku":"https://evil.example/jwks"',
        "C23 x5u": '"x5u":"https://evil.example/x"',
        "C23 x5c": '"x5c":["AAAA"]',
        "C24 x5t": '"x5t":"AAAA"',
        "C25 jwk": `"jwk":${JSON.stringify(f.client.publicJwk)}`,
        "C40 cty": '"cty":"JWT"',
        "C41 zip": '"zip":"DEF"',
        "C42 enc": '"enc":"A256GCM"',
        "unknown string": '"x":"y"',
        "unknown number": '"x":1',
        "unknown null": '"x":null',
        "unknown object": '"x":{"y":[1]}',
        "C07 duplicate alg, none last": '"alg":"none"',
        "duplicate alg, the same": '"alg":"ES256"',
        "C10 duplicate alg by escape": '"\\u0061lg":"ES256"',
        "duplicate kid": '"kid":"es256"',
        "duplicate typ": '"typ":"at+jwt"',
        "duplicate in an unknown member": '"x":{"a":1,"a":2}',
        "C44 deep": `"x":${"[".repeat(100)}${"]".repeat(100)}`,
        "C45 a thousand members": Array.from({ length: 1_000 }, (_, i) => `"m${i}":0`).join(","),
        "Q10 lone surrogate": '"x":"\\ud800"',
        __proto__: '"__proto__":{"alg":"none"}'
    };
    for (const [name, text] of Object.entries(extras)) {
        add(`token/header/extra/${name}`, withHeader(withTextAfter(header, text)));
    }
    add(
        "token/header/extra/C08 duplicate alg, none first",
        withHeader(withTextBefore(header, '"alg":"none"'))
    );
    add(
        "token/header/extra/C25 jwk of an attacker",
        jws({ ...header, jwk: f.client.publicJwk }, claims, alg, f.client)
    );
    add(
        "token/header/extra/C46 escaped alg",
        withHeader(JSON.stringify(header).replace('"ES256"', () => '"\\u0045S256"'))
    );

    // --- Header and payload as JSON (C01 to C06, D01 to D21).
    const texts = (text: string): Record<string, string | Buffer> => ({
        array: "[]",
        "array like a struct": '["ES256","at+jwt","es256"]',
        string: '"x"',
        number: "1",
        null: "null",
        empty: "",
        "trailing bytes": `${text}x`,
        "two objects": `${text}{}`,
        "white space": ` ${text.replaceAll(":", " : ")}\n`,
        BOM: `\ufeff${text}`,
        "UTF-16": Buffer.from(text, "utf16le"),
        "invalid UTF-8": Buffer.concat([
            Buffer.from(`${text.slice(0, -1)},"x":"`),
            Buffer.from([0xc0, 0x80]),
            Buffer.from('"}')
        ]),
        "encoded surrogate": Buffer.concat([
            Buffer.from(`${text.slice(0, -1)},"x":"`),
            Buffer.from([0xed, 0xa0, 0x80]),
            Buffer.from('"}')
        ]),
        "control character": `${text.slice(0, -1)},"x":"a\nb"}`,
        comment: `${text.slice(0, -1)}/* x */}`,
        "trailing comma": `${text.slice(0, -1)},}`,
        "single quotes": text.replaceAll('"', "'"),
        NaN: `${text.slice(0, -1)},"x":NaN}`,
        unclosed: text.slice(0, -1)
    });
    for (const [name, text] of Object.entries(texts(JSON.stringify(header)))) {
        add(`token/header json/${name}`, withHeader(text));
    }
    for (const [name, text] of Object.entries(texts(JSON.stringify(claims)))) {
        add(`token/payload json/${name}`, withPayload(text));
    }
    const members: Record<string, string> = {
        "D14 duplicate exp": `"exp":${now + 600}`,
        "D14 duplicate exp, past last": '"exp":1',
        "D16 duplicate sub": '"sub":"user-2"',
        "D16 duplicate iss": `"iss":${JSON.stringify(issuerUri)}`,
        "D16 duplicate aud": `"aud":${JSON.stringify(AUDIENCE)}`,
        "D18 duplicate in a nested object": '"address":{"a":1,"a":2}',
        "D19 duplicate by escape": `"\\u0065xp":${now + 600}`,
        "duplicate custom claim": '"x":1,"x":1',
        "D20 another case": '"EXP":1',
        "D40 depth 60": `"x":${"[".repeat(60)}${"]".repeat(60)}`,
        "D40 depth 70": `"x":${"[".repeat(70)}${"]".repeat(70)}`,
        "D40 depth 300": `"x":${"[".repeat(300)}${"]".repeat(300)}`,
        "D43 __proto__": '"__proto__":{"isAdmin":true}',
        "D44 constructor": '"constructor":{"a":1},"toString":"x","hasOwnProperty":1,"then":"y","toJSON":"z"',
        "D45 large integer": '"acct":12345678901234567890,"neg":-0,"f":1.10',
        "Q10 lone surrogate": '"x":"\\ud800"',
        "paired surrogates": '"x":"\\ud83d\\ude00 😀"',
        "null character": '"x":"\\u0000"',
        "E28 Keycloak typ Refresh": '"typ":"Refresh"',
        "E27 Keycloak typ ID": '"typ":"ID"',
        "E28 Keycloak typ Logout": '"typ":"Logout"',
        "Keycloak typ Bearer": '"typ":"Bearer"',
        "E27 at_hash": '"at_hash":"x","nonce":"y"',
        "E27 c_hash": '"c_hash":"x"',
        "E28 logout events": '"events":{"http://schemas.openid.net/event/backchannel-logout":{}}'
    };
    for (const [name, text] of Object.entries(members)) {
        add(`token/payload/${name}`, withPayload(withTextAfter(claims, text)));
        add(`token/payload/schema/${name}`, withPayload(withTextAfter(claims, text)), { setup: "schema" });
    }
    add(
        "token/payload/D20 only in another case",
        withPayload(withMember({ ...claims, EXP: now + 600 }, "exp", undefined))
    );

    // --- The application's schema.
    for (const [name, json] of Object.entries(JSON_VALUES)) {
        add(`token/schema/realm_access ${name}`, withPayload(withMember(claims, "realm_access", json)), {
            setup: "schema"
        });
    }

    // --- Compact serialisation (B01 to B22).
    const [h, p, s] = original.split(".") as [string, string, string];
    const compact: Record<string, string> = {
        empty: "",
        "one part": h,
        "B01 two parts": `${h}.${p}`,
        "B02 empty signature": `${h}.${p}.`,
        "B03 empty header": `.${p}.${s}`,
        "B03 empty payload": `${h}..${s}`,
        "B04 four parts": `${original}.AA`,
        "B04 trailing dot": `${original}.`,
        "B05 leading dot": `.${original}`,
        "B06 five parts": `${original}.AA.AA`,
        "B07 dots": ".".repeat(10_000),
        "B08 JSON serialisation": JSON.stringify({ payload: p, protected: h, signature: s }),
        "B09 padding on the header": `${h}=.${p}.${s}`,
        "B09 padding on the payload": `${h}.${p}==.${s}`,
        "B09 padding on the signature": `${original}==`,
        "B12 question mark in the signature": `${h}.${p}.${s.slice(0, -1)}?`,
        "B12 question mark appended": `${original}?`,
        "B12 percent in the header": `%${h}.${p}.${s}`,
        "B12 not ASCII": `${original}é`,
        "B13 trailing bits of the signature": `${h}.${p}.${trailingBitTwin(s)}`,
        "B16 one character more": `${original}A`,
        "B17 encoded dots": original.replaceAll(".", "%2E"),
        "B18 scheme repeated": `Bearer ${original}`,
        "B19 BOM": `\ufeff${original}`,
        "space before": ` ${original}`,
        "space after": `${original} `,
        "line feed after": `${original}\n`,
        "line feed in the signature": `${h}.${p}.${s.slice(0, 10)}\n${s.slice(10)}`,
        "space in the payload": `${h}.${p.slice(0, 10)} ${p.slice(10)}.${s}`,
        "Q10 lone surrogate": `${original}\ud800`,
        "NUL after": `${original}\u0000`
    };
    for (const [name, token] of Object.entries(compact)) {
        add(`token/compact/${name}`, token);
    }
    const paddable = (text: string): string => {
        // White space at the end of JSON changes nothing but the length, until there are unused bits.
        let padded = text;
        while (b64u(padded).length % 4 === 0) {
            padded += " ";
        }
        return b64u(padded);
    };
    const headerPart = paddable(JSON.stringify(header));
    const payloadPart = paddable(JSON.stringify(claims));
    add("token/compact/B14 trailing bits of the header", signParts(trailingBitTwin(headerPart), p, alg, key));
    add(
        "token/compact/B15 trailing bits of the payload",
        signParts(h, trailingBitTwin(payloadPart), alg, key)
    );
    add("token/compact/B09 signed padding of the payload", signParts(h, `${payloadPart}=`, alg, key));
    add("token/compact/B09 signed padding of the header", signParts(`${headerPart}=`, p, alg, key));
    const withStandardAlphabet = b64u(JSON.stringify({ ...claims, x: "???>>>~~~ÿÿÿ" }));
    add(
        "token/compact/B10 standard alphabet",
        signParts(
            h,
            mutated(withStandardAlphabet, withStandardAlphabet.replaceAll("_", "/").replaceAll("-", "+")),
            alg,
            key
        )
    );
    const withSize = (bytes: number): string => {
        const empty = f.token(now, { x: "" });
        return f.token(now, { x: "a".repeat(Math.floor(((bytes - empty.length) * 3) / 4) - 4) });
    };
    add("token/compact/B20 just under the limit", withSize(16 * 1024));
    add("token/compact/B20 over the limit", withSize(17 * 1024));

    // --- Signature (F05, F06, F22 to F26, A09 to A28).
    const signatureBytes = Buffer.from(s, "base64url");
    const flipped = (at: number): string => {
        const bytes = Buffer.from(signatureBytes);
        bytes[at] = (bytes[at] as number) ^ 1;
        return b64u(bytes);
    };
    const signatures: Record<string, string> = {
        "first bit": flipped(0),
        "last bit": flipped(signatureBytes.length - 1),
        "middle bit": flipped(32),
        "F01 zeros": b64u(Buffer.alloc(64)),
        "F05 63 bytes": b64u(signatureBytes.subarray(0, 63)),
        "F05 65 bytes": b64u(Buffer.concat([signatureBytes, Buffer.alloc(1)])),
        "F05 zero in front": b64u(Buffer.concat([Buffer.alloc(1), signatureBytes])),
        "F06 high S": b64u(highS(signatureBytes)),
        "F24 of another key": signature("ES256", newKey("P-256"), `${h}.${p}`),
        "F25 over the decoded text": signature("ES256", key, JSON.stringify(claims))
    };
    for (const [name, part] of Object.entries(signatures)) {
        add(`token/signature/${name}`, `${h}.${p}.${part}`);
    }
    add(
        "token/signature/claims of another token",
        `${h}.${b64u(JSON.stringify({ ...claims, sub: "admin" }))}.${s}`
    );
    for (const key of ["RS256", "PS384", "ES256", "ES512", "EdDSA"] as const) {
        for (const named of ALGS) {
            if (named !== key) {
                // The key of `key`, signing as `key` does, under a header that names another algorithm.
                const text = { ...tokenHeader(named), kid: kidOf(key) };
                add(`token/alg swap/${key} signature named ${named}`, jws(text, claims, key, f.keyOf(key)));
            }
        }
    }
    for (const named of ["RS256", "RS512", "PS256", "PS512"] as const) {
        const text = { ...tokenHeader(named), kid: kidOf("RS384") };
        add(`token/alg swap/RSA key without alg signs ${named}`, jws(text, claims, named, f.keyOf("RS384")));
    }
    const rsa = f.keyOf("RS256");
    const macs: Record<string, string | Buffer> = {
        "A09 public key as PEM": rsaPem(rsa.publicJwk),
        "A13 empty key": "",
        kid: kidOf("RS256")
    };
    for (const [name, secret] of Object.entries(macs)) {
        const input = `${b64u(JSON.stringify({ alg: "HS256", typ: "at+jwt", kid: kidOf("RS256") }))}.${p}`;
        add(
            `token/alg swap/HS256 with ${name}`,
            `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`
        );
    }
    add("token/alg swap/A01 none", `${b64u(JSON.stringify({ ...header, alg: "none" }))}.${p}.`);

    return cases;
}

const P256_ORDER = BigInt("0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");

/** The other signature that verifies wherever an ECDSA signature does: s is replaced by n - s. */
function highS(bytes: Buffer): Buffer {
    const s = BigInt(`0x${bytes.subarray(32).toString("hex")}`);
    const twin = (P256_ORDER - s).toString(16).padStart(64, "0");
    return Buffer.concat([bytes.subarray(0, 32), Buffer.from(twin, "hex")]);
}

function rsaPem(jwk: Record<string, unknown>): string {
    return createPublicKey({ key: jwk as JsonWebKey, format: "jwk" }).export({
        type: "spki",
        format: "pem"
    }) as string;
}
