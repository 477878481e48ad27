// Access tokens: the payload's JSON, times, claims.

import { AUDIENCE, CLAIMS, ISSUER, json, NOW, objectText } from "./making.mjs";

const FULL = objectText(CLAIMS);
const INSIDE = FULL.slice(1, -1);

export function payloads(collector) {
    const { refusesToken, grantsToken } = collector.topic("payload", "json-ambiguity");
    const bad = (id, slug, title, rawPayload, more) =>
        refusesToken("token_malformed", id, slug, title, () => ({ rawPayload }), more);
    for (const [slug, text] of Object.entries({ list: "[]", text: '"x"', number: "1", null: "null" })) {
        bad("D01", slug, `The payload is ${slug}, and no object`, text);
    }
    bad("D02", "blank", "The payload is a space", " ");
    bad(
        "D03",
        "values",
        "The payload is a list of an object's values",
        JSON.stringify(Object.values(CLAIMS))
    );
    bad("C40", "nested", "The payload is a token", "eyJhbGciOiJub25lIn0.e30.");
    bad("D04", "behind", "Something follows the object", `${FULL}{}`);
    bad(["D05", "B6.23"], "bom", "A byte order mark before the payload", `\ufeff${FULL}`);
    bad(["D06", "B5.7"], "utf-16", "The payload is UTF-16", Buffer.from(FULL, "utf16le"));
    const bytes = (...inside) =>
        Buffer.concat([Buffer.from(`{${INSIDE},"x":"`), Buffer.from(inside), Buffer.from('"}')]);
    bad(["D08", "B5.7", "B6.23"], "overlong", "An overlong form of NUL", bytes(0xc0, 0x80));
    bad(["D08", "B6.23"], "surrogate", "A surrogate in UTF-8", bytes(0xed, 0xa0, 0x80));
    bad(
        ["D09", "B6.23"],
        "lone-surrogate",
        "An escaped surrogate that stands alone",
        `{${INSIDE},"x":"\\ud800"}`
    );
    bad("D11", "line-feed", "A raw line feed in a string", `{${INSIDE},"x":"a\nb"}`);
    const lenient = {
        comment: `{/* */${INSIDE}}`,
        comma: `{${INSIDE},}`,
        quotes: `{${INSIDE},'x':1}`,
        nan: `{${INSIDE},"x":NaN}`
    };
    for (const [slug, text] of Object.entries(lenient)) {
        bad("D12", slug, "What lenient readers take for JSON", text);
    }
    bad("D13", "leading-zero", "A number with a zero in front", `{${INSIDE},"x":0123}`);
    bad("D13", "plus", "A number with a plus in front", `{${INSIDE},"x":+1}`);
    const twice = (...rest) => bad(...rest);
    twice(["D14", "B6.18"], "exp-twice", "exp twice: over, then ahead", `{"exp":1,${INSIDE}}`);
    twice(["D15", "B6.18"], "exp-twice", "exp twice: ahead, then over", `{${INSIDE},"exp":1}`);
    for (const name of ["iss", "aud", "sub", "scope"]) {
        twice(
            "D16",
            `${name}-twice`,
            `${name} twice`,
            `{${INSIDE},"${name}":${JSON.stringify(CLAIMS[name])}}`
        );
    }
    twice("D16", "cnf-twice", "cnf twice", `{${INSIDE},"cnf":{},"cnf":{}}`);
    twice("D17", "jkt-twice", "jkt twice", `{${INSIDE},"cnf":{"jkt":"a","jkt":"a"}}`);
    twice("D18", "deep-twice", "A member twice, in another claim", `{${INSIDE},"address":{"a":1,"a":2}}`);
    twice(["D19", "B6.6"], "escaped", "exp twice, once with an escape", `{${INSIDE},"\\u0065xp":1}`);
    bad("D40", "deep", "A claim of great depth", `{${INSIDE},"x":${"[".repeat(1000)}${"]".repeat(1000)}}`);
    grantsToken("D40", "less-deep", "A claim of a depth of twenty", () => ({
        rawPayload: `{${INSIDE},"x":${"[".repeat(20)}${"]".repeat(20)}}`
    }));
    grantsToken("D43", "proto", "A claim named __proto__", () => ({
        rawPayload: `{${INSIDE},"__proto__":{"isAdmin":true}}`
    }));
    for (const name of ["constructor", "toString", "then", "toJSON"]) {
        grantsToken("D44", name, `A claim named ${name}`, () => ({ claims: { [name]: "x" } }));
    }
    grantsToken("D45", "large", "An integer that a double does not hold", () => ({
        claims: { account: json("12345678901234567890") }
    }));
    grantsToken(["D46", "B6.6"], "iss-escaped", "Escapes in iss", () => ({
        claims: { iss: json(`"${ISSUER.replaceAll("/", "\\/")}"`) }
    }));
}

export function times(collector) {
    const { refusesToken, grantsToken } = collector.topic("times", "claim-validation");
    const malformed = (id, slug, title, claims, more) =>
        refusesToken("claim_malformed", id, slug, title, () => ({ claims }), more);
    const odd = { null: null, true: true, text: String(NOW + 600), list: [NOW + 600], object: {} };
    for (const [slug, exp] of Object.entries(odd)) {
        malformed(["D22", "B6.18"], `exp-${slug}`, `exp is ${slug}, and no number`, { exp });
    }
    malformed("D23", "exp-text", "exp is a text with a space and a number", { exp: ` ${NOW + 600}` });
    for (const [id, slug, text] of [
        ["D24", "fraction", `${NOW + 600}.5`],
        ["D25", "exponent", `${(NOW + 600) / 1e9}e9`],
        ["D26", "fraction-zero", `${NOW + 600}.0`]
    ]) {
        grantsToken([id, "B6.18"], slug, `exp is ${text}`, () => ({ claims: { exp: json(text) } }));
    }
    refusesToken("token_malformed", "D28", "infinite", "exp is greater than any number", () => ({
        claims: { exp: json("1e999") }
    }));
    refusesToken("token_expired", "D29", "nearly-zero", "exp is nearly zero", () => ({
        claims: { exp: json("1e-300") }
    }));
    for (const text of ["9223372036854775808", "1e20"]) {
        malformed(
            "D30",
            `exp-${text}`,
            "exp beyond what integers hold",
            { exp: json(text) },
            { oidcSpa: far }
        );
    }
    malformed("D32", "milliseconds", "exp in milliseconds", { exp: (NOW + 600) * 1000 }, { oidcSpa: far });
    refusesToken("token_expired", ["E01", "B1.11", "B3.11"], "over", "exp was a second ago", () => ({
        claims: { exp: NOW - 1 }
    }));
    refusesToken("token_expired", ["E01", "B1.11", "B3.11"], "long-over", "exp was an hour ago", () => ({
        claims: { iat: NOW - 7200, exp: NOW - 3600 }
    }));
    refusesToken("token_not_yet_valid", "D39", "nbf-far", "nbf an hour ahead", () => ({
        claims: { nbf: NOW + 3600, exp: NOW + 7200 }
    }));
    refusesToken("token_expired", ["E02", "B1.11", "B6.18"], "now", "exp is now", () => ({
        claims: { exp: NOW }
    }));
    grantsToken("E02", "a-second-ahead", "exp is a second ahead", () => ({ claims: { exp: NOW + 1 } }));
    const configuration = { leewaySeconds: 60 };
    grantsToken(
        "E03",
        "within-leeway",
        "exp a second within the leeway",
        () => ({ claims: { iat: NOW - 600, exp: NOW - 59 } }),
        { configuration }
    );
    refusesToken(
        "token_expired",
        "E03",
        "beyond-leeway",
        "exp at the end of the leeway",
        () => ({ claims: { iat: NOW - 600, exp: NOW - 60 } }),
        { configuration }
    );
    grantsToken("D39", "nbf-within", "nbf at the end of the leeway", () => ({ claims: { nbf: NOW + 60 } }), {
        configuration
    });
    refusesToken(
        "token_not_yet_valid",
        ["D39", "B6.18"],
        "nbf-beyond",
        "nbf a second beyond the leeway",
        () => ({ claims: { nbf: NOW + 61 } }),
        { configuration }
    );
    refusesToken("token_malformed", "D31", "digits", "exp of a thousand digits", () => ({
        claims: { exp: json(`1${"0".repeat(999)}`) }
    }));
    malformed("D38", "nbf-text", "nbf is a text", { nbf: String(NOW - 10) });
    refusesToken("claim_missing", "D33", "no-iat", "There is no iat", () => ({ claims: { iat: undefined } }));
    malformed("D34", "iat-text", "iat is a text", { iat: "now" });
    malformed("D34", "iat-null", "iat is null", { iat: null });
    refusesToken(
        "token_not_yet_valid",
        ["D35", "B12.3"],
        "iat-ahead",
        "iat an hour ahead",
        () => ({ claims: { iat: NOW + 3600, exp: NOW + 7200 } }),
        { oidcSpa: ahead }
    );
    grantsToken(["D36", "B12.3"], "iat-some-ahead", "iat ten seconds ahead", () => ({
        claims: { iat: NOW + 10 }
    }));
    malformed("D37", "iat-after-exp", "iat after exp", { iat: NOW + 30, exp: NOW + 20 }, { oidcSpa: ahead });
    const aged = { configuration: { maxTokenAgeSeconds: 300 } };
    refusesToken(
        "token_expired",
        "E03",
        "too-old",
        "Older than the application accepts",
        () => ({ claims: { iat: NOW - 301 } }),
        { ...aged, clause: "" }
    );
}

const far = { verdict: "granted", reason: "oidc-spa has no latest exp" };
const ahead = { verdict: "granted", reason: "oidc-spa does not compare iat" };

export function claims(collector) {
    const { refusesToken, grantsToken } = collector.topic("claims", "claim-validation");
    const strict = { configuration: { profile: "rfc9068" } };
    const changed = (code, id, slug, title, claims, more) =>
        refusesToken(code, id, slug, title, () => ({ claims }), more);
    changed("claim_missing", "E06", "iss-absent", "There is no iss", { iss: undefined });
    changed("claim_malformed", "E06", "iss-list", "iss is a list", { iss: [ISSUER] });
    for (const [slug, iss] of Object.entries({
        behind: `${ISSUER}.evil.example`,
        shorter: "https://as.exampl",
        before: `https://evil.example/${ISSUER}`
    })) {
        changed(
            "issuer_mismatch",
            ["E07", "B1.8", "B5.8"],
            `iss-${slug}`,
            "An iss that only looks like the issuer's",
            { iss }
        );
    }
    changed(
        "issuer_mismatch",
        ["E08", "B1.8"],
        "iss-slash",
        "iss with a slash more, to the letter of RFC 9068",
        { iss: `${ISSUER}/` },
        strict
    );
    for (const [slug, iss] of Object.entries({ letters: "https://AS.example", port: `${ISSUER}:443` })) {
        changed(
            "issuer_mismatch",
            ["E09", "B1.8"],
            `iss-${slug}`,
            "iss in another spelling of the same address",
            { iss }
        );
    }
    changed("issuer_mismatch", "D10", "iss-nul", "iss with NUL and more", { iss: `${ISSUER}\u0000.evil` });
    const others = {
        other: "https://other.example",
        longer: `${AUDIENCE}.evil`,
        slash: `${AUDIENCE}/`,
        nul: `${AUDIENCE}\u0000`
    };
    for (const [slug, aud] of Object.entries(others)) {
        const id = { slash: "E22", nul: "D10" }[slug] ?? "E15";
        changed("audience_mismatch", [id, "B1.9", "B5.9", "B12.4"], `aud-${slug}`, "aud is not this API", {
            aud
        });
    }
    grantsToken(["E15", "B1.9", "B6.18"], "aud-among-others", "This API is one of several in aud", () => ({
        claims: { aud: ["https://other.example", AUDIENCE] }
    }));
    changed("claim_missing", ["E15", "B1.3"], "aud-absent", "There is no aud", { aud: undefined });
    for (const [slug, aud] of Object.entries({
        nested: [[AUDIENCE]],
        object: { 0: AUDIENCE },
        mixed: [AUDIENCE, 1],
        null: null
    })) {
        changed("claim_malformed", ["E18", "B6.18"], `aud-${slug}`, "aud is no text and no list of texts", {
            aud
        });
    }
    changed("audience_mismatch", "E35", "azp", "azp is this API, and aud is not", {
        azp: AUDIENCE,
        aud: "https://other.example"
    });
    changed("claim_missing", "E23", "sub-absent", "There is no sub", { sub: undefined });
    changed("claim_malformed", "D47", "sub-list", "sub is a list", { sub: ["user-1"] });
    grantsToken("D47", "sub-long", "A sub of four thousand characters", () => ({
        claims: { sub: "x".repeat(4_000) }
    }));
    grantsToken("E19", "aud-many", "This API is the last of two hundred in aud", () => ({
        claims: { aud: [...Array.from({ length: 199 }, (_, i) => `https://api-${i}.example`), AUDIENCE] }
    }));
    changed("claim_malformed", "E23", "sub-number", "sub is a number", { sub: 1 });
    changed(
        "claim_malformed",
        ["E23", "B1.3"],
        "sub-empty",
        "sub is empty, to the letter of RFC 9068",
        { sub: "" },
        strict
    );
    for (const [name, id] of [
        ["client_id", "E24"],
        ["jti", "E26"],
        ["iat", "D33"],
        ["exp", "B1.3"],
        ["sub", "E23"],
        ["aud", "E15"]
    ]) {
        changed(
            "claim_missing",
            [id, "B1.3"],
            `${name}-absent-strict`,
            `There is no ${name}, to the letter of RFC 9068`,
            { [name]: undefined },
            strict
        );
    }
    changed(
        "claim_malformed",
        "E24",
        "client-id-number",
        "client_id is a number, to the letter of RFC 9068",
        { client_id: 1 },
        strict
    );
    changed(
        "claim_malformed",
        "E26",
        "jti-number",
        "jti is a number, to the letter of RFC 9068",
        { jti: 1 },
        strict
    );
    changed("claim_missing", "D20", "exp-letters", "exp in other letters alone", {
        exp: undefined,
        Exp: NOW + 600,
        EXP: NOW + 600
    });
    grantsToken(
        ["B6.18", "B1.4"],
        "unknown-claims",
        "Claims that nobody knows, and those of RFC 9068",
        () => ({ claims: { foo: {}, auth_time: NOW - 20, acr: "mfa", amr: ["otp"], act: { sub: "proxy" } } }),
        { clause: "RFC 7519 section 4" }
    );
    issuers(collector);
}

const two = {
    issuers: [
        { issuer: ISSUER, audience: AUDIENCE, keys: "default" },
        { issuer: "https://partner.example", audience: AUDIENCE, keys: "partner" }
    ]
};

function issuers(collector) {
    const { refusesToken, grantsToken } = collector.topic("issuers", "issuer-confusion");
    const partner = { iss: "https://partner.example" };
    const configuration = two;
    refusesToken(
        "signature_invalid",
        ["E11", "H39", "B5.8"],
        "key-of-another",
        "One issuer's key under another one's name",
        () => ({ claims: partner }),
        {
            configuration,
            good: () => ({ by: ["partner-1", "RS256"], header: { kid: "rsa-1" }, claims: partner })
        }
    );
    refusesToken(
        "signature_invalid",
        ["E11", "H39", "B5.8"],
        "name-of-another",
        "The other one's key under the first one's name",
        () => ({ by: ["partner-1", "RS256"], header: { kid: "rsa-1" } }),
        { configuration }
    );
    refusesToken(
        "issuer_mismatch",
        "E12",
        "third",
        "An issuer that is not configured",
        () => ({ claims: { iss: "https://third.example" } }),
        { configuration }
    );
    grantsToken(
        ["E11", "B1.15"],
        "each",
        "Each issuer's token by its own key",
        () => ({ by: ["rsa-2", "RS256"] }),
        { configuration }
    );
}
