// Access tokens: the header, and the kind of token that it names.

import { publicJwk, thumbprint } from "./keys.mjs";
import { ath, AUDIENCE, HTU, ISSUER, json, NOW, TYP } from "./making.mjs";

const HEADER = `"alg":"RS256","typ":"${TYP}","kid":"rsa-1"`;

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
        rawHeader: `{ "alg" : "RS256",\n "typ":"${TYP}", "kid":"rsa-1" }\n`
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
    unknown(["O01", "B4.8"], "kid-breaks-out", "A kid that would break out of the challenge", () => ({
        header: { kid: 'x", error="none\r\nSet-Cookie: a=b' }
    }));
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
        rawHeader: `{"alg":"\\u0052S256","typ":"${TYP}","kid":"rsa-1"}`
    }));
    raw(["C41"], "zip", "zip on a signed token", `{${HEADER},"zip":"DEF"}`);
    raw(["C42", "B5.3"], "enc", "enc on a signed token", `{${HEADER},"enc":"A256GCM"}`);
    grantsToken("C24", "x5t", "An x5t that fits no key, beside a kid that does", () => ({
        header: { x5t: "AAAAAAAAAAAAAAAAAAAAAAAAAAA" }
    }));
    grantsToken("C45", "many", "Three hundred members in the header", () => ({
        header: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`a${i}`, 0]))
    }));
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
    iss: ISSUER,
    aud: AUDIENCE,
    sub: "user-1",
    exp: NOW + 600,
    cnf: json(`{"jkt":"${thumbprint("client")}"}`)
};

const lenient = {
    verdict: "granted",
    reason: "oidc-spa does not look at what a token says of its kind, typ of the header aside"
};
