// One mutation is one thing that is otherwise than in a good request. Each has a name; reasons name mutations.

import { createHmac } from "node:crypto";
import {
    BASE64_CHANGES,
    JSON_CHANGES,
    onPart,
    PARTS_CHANGES,
    SIGNATURE_CHANGES
} from "./compact-changes.mjs";
import { base64url, KEYS, NOW } from "./drafts.mjs";
import { AUTHORIZATION_FORMS, HTU_FORMS, PROOF_FIELDS } from "./field-forms.mjs";

/** Values of JSON, of each kind. */
const VALUES = [
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e21,
    9007199254740992,
    "",
    " ",
    "x",
    "1800000000",
    "\u0000",
    "é",
    "\ud83d\ude00",
    "x".repeat(300),
    [],
    ["x"],
    [null],
    [[]],
    {},
    { x: 1 }
];

const ALGORITHMS = [
    "none",
    "None",
    "HS256",
    "HS512",
    "RS256",
    "PS256",
    "ES384",
    "ES512",
    "EdDSA",
    "es256",
    "ES256K",
    "ESP256",
    "ML-DSA-44",
    ""
];
const TYPES = [
    "JWT",
    "at+jwt",
    "AT+JWT",
    "application/at+jwt",
    "Application/AT+JWT",
    "dpop+jwt",
    "logout+jwt",
    "jwt",
    "id_token",
    "secevent+jwt",
    "at+jwt;v=1"
];

const set = (object, name, value) => {
    if (value === undefined) {
        delete object[name];
    } else {
        object[name] = value;
    }
};

const hmac = secret => input => createHmac("sha256", secret).update(input).digest("base64url");

const nearNow = pick => NOW + pick(700) - 350 + (pick(4) === 0 ? 0.5 : 0);
const oneOf = (pick, values) => values[pick(values.length)];
const keyOf = (pick, object) => oneOf(pick, Object.keys(object));

/** A part of a draft: with a proof, half of the mutations are its own. */
function partOf(draft, pick) {
    const name = draft.isBound && pick(2) === 0 ? "proof" : "token";
    return [name, draft[name]];
}

/**
 * Each mutates a draft and returns its name. `mustRefuse` is set where the request must be refused whatever else is
 * changed: nobody with the key signed what is sent.
 */
const MUTATIONS = [
    function member(draft, pick) {
        const [name, part] = partOf(draft, pick);
        const inHeader = pick(3) === 0;
        const object = inHeader ? part.header : part.claims;
        const foreign = inHeader
            ? ["crit", "b64", "zip", "enc", "cty", "jku", "x5u", "x5c", "x5t", "nonce"]
            : ["nbf", "exp", "nonce", "acr", "typ", "events", "at_hash", "cnf"];
        const which = oneOf(pick, [...Object.keys(object), ...foreign]);
        const isRemoved = pick(6) === 0;
        const value = oneOf(pick, VALUES);
        // Replay is not the question here: no identifier of a proof comes twice.
        const isIdentifier = name === "proof" && which === "jti" && typeof value === "string" && value !== "";
        set(object, which, isRemoved ? undefined : isIdentifier ? value + object.jti : value);
        return `${name}/${inHeader ? "header" : "claim"}/${which}/${isRemoved ? "absent" : "odd"}`;
    },
    function times(draft, pick) {
        const [name, part] = partOf(draft, pick);
        const which = oneOf(pick, ["exp", "nbf", "iat"]);
        part.claims[which] = nearNow(pick);
        return `${name}/times/${which}`;
    },
    function type(draft, pick) {
        const [name, part] = partOf(draft, pick);
        part.header.typ = oneOf(pick, TYPES);
        return `${name}/typ/${part.header.typ}`;
    },
    function json(draft, pick) {
        const [name, part] = partOf(draft, pick);
        const [where, text] = pick(2) === 0 ? ["header", "headerText"] : ["claims", "claimsText"];
        const change = keyOf(pick, JSON_CHANGES);
        part[text] = JSON_CHANGES[change];
        return `${name}/json/${where}/${change}`;
    },
    function base64(draft, pick) {
        const [name, part] = partOf(draft, pick);
        const index = pick(3);
        const change = keyOf(pick, BASE64_CHANGES);
        const where = ["header", "payload", "signature"][index];
        // Signed as it is sent, or changed on the way.
        const isSigned = index < 2 && pick(2) === 0;
        if (isSigned) {
            part.input = onPart(index, BASE64_CHANGES[change]);
        } else {
            part.after.push(onPart(index, BASE64_CHANGES[change]));
        }
        return `${name}/base64/${where}${isSigned ? " signed" : ""}/${change}`;
    },
    function signature(draft, pick) {
        const [name, part] = partOf(draft, pick);
        const change = keyOf(pick, SIGNATURE_CHANGES);
        part.after.push(SIGNATURE_CHANGES[change](pick));
        // Twice exchanged, they are as before.
        draft.mustRefuse ||= change !== "halves exchanged";
        return `${name}/signature/${change}`;
    },
    function parts(draft, pick) {
        const [name, part] = partOf(draft, pick);
        const change = keyOf(pick, PARTS_CHANGES);
        part.after.push(PARTS_CHANGES[change]);
        // Twice exchanged, they are as before.
        draft.mustRefuse ||= change !== "parts exchanged";
        return `${name}/parts/${change}`;
    },
    function payload(draft, pick) {
        const [name, part] = partOf(draft, pick);
        part.after.push(
            onPart(1, text => {
                const claims = Buffer.from(text, "base64url").toString();
                return base64url(claims.replace(/("(?:sub|jti)":")/, "$1x"));
            })
        );
        draft.mustRefuse = true;
        return `${name}/payload changed after it was signed`;
    },
    function algorithm(draft, pick) {
        const [name, part] = partOf(draft, pick);
        part.header.alg = oneOf(pick, ALGORITHMS);
        draft.mustRefuse ||= part.header.alg !== KEYS[part.key].algorithm;
        return `${name}/alg/${part.header.alg}`;
    },
    function confusion(draft, pick) {
        const [name, part] = partOf(draft, pick);
        const key = KEYS[part.key];
        const ways = {
            "signed by a stranger": () => {
                part.key = "stranger";
            },
            "HMAC with the JWK": () => {
                part.header.alg = "HS256";
                part.sign = hmac(JSON.stringify(key.publicJwk));
            },
            "HMAC with nothing": () => {
                part.header.alg = "HS256";
                part.sign = hmac("");
            },
            "none, unsigned": () => {
                part.header.alg = "none";
                part.sign = () => "";
            },
            "a stranger's jwk in the header": () => {
                part.key = "stranger";
                part.header.jwk = KEYS.stranger.publicJwk;
            },
            "a private jwk in the header": () => {
                part.header.jwk = key.privateJwk;
            },
            "the kid of another key": () => {
                part.header.kid = draft.kids.RS256;
            },
            "an unknown kid": () => {
                part.header.kid = "unknown";
            },
            "no kid": () => {
                delete part.header.kid;
            },
            "another key's algorithm": () => {
                part.header.alg = key.algorithm === "RS256" ? "ES256" : "RS256";
                part.header.kid = draft.kids[part.header.alg];
            }
        };
        const way = keyOf(pick, ways);
        ways[way]();
        // A name of a key may be taken back by the other mutation.
        draft.mustRefuse ||= !/kid$|of another key$|another key's|private/.test(way);
        return `${name}/confusion/${way}`;
    },
    function audience(draft, pick) {
        const aud = draft.token.claims.aud ?? "x";
        draft.token.claims.aud = oneOf(pick, [
            [aud],
            [aud, "x"],
            ["x", aud],
            [aud, 1],
            [aud, aud],
            `${aud}/`,
            "HTTPS://api.example",
            []
        ]);
        return "token/audience";
    },
    function issuer(draft, pick) {
        const iss = String(draft.token.claims.iss);
        draft.token.claims.iss = oneOf(pick, [
            `${iss}/`,
            iss.toUpperCase(),
            `${iss}//`,
            `${iss}?`,
            `${iss} `,
            [iss],
            "https://other.example"
        ]);
        return "token/issuer";
    },
    function confirmation(draft, pick) {
        const { client, stranger } = KEYS;
        draft.token.claims.cnf = oneOf(pick, [
            { jkt: stranger.thumbprint },
            { jkt: `${client.thumbprint}=` },
            { jkt: client.thumbprint, kid: "x" },
            { "x5t#S256": client.thumbprint },
            { jkt: client.thumbprint, "x5t#S256": client.thumbprint },
            { jwk: client.publicJwk },
            { jkt: "" },
            { jkt: 1 },
            {},
            { kid: "x" },
            { jkt: client.thumbprint }
        ]);
        return "token/confirmation";
    },
    function proofOnly(draft, pick) {
        draft.dpop = draft.isBound ? PROOF_FIELDS[keyOf(pick, PROOF_FIELDS)] : proof => [proof];
        return draft.isBound ? "request/proof field" : "request/proof with an unbound token";
    },
    function htu(draft, pick) {
        const form = keyOf(pick, HTU_FORMS);
        draft.proof.claims.htu = HTU_FORMS[form]();
        return draft.isBound ? `proof/htu/${form}` : "nothing";
    },
    function method(draft, pick) {
        const value = oneOf(pick, ["get", "GET ", "POST", "HEAD", "Get"]);
        if (pick(2) === 0) {
            draft.proof.claims.htm = value;
            return draft.isBound ? `proof/htm/${value}` : "nothing";
        }
        draft.method = oneOf(pick, ["POST", "HEAD", "PUT", "OPTIONS"]);
        return draft.isBound ? "request/method" : "nothing";
    },
    function target(draft, pick) {
        const [target, host] = oneOf(pick, [
            ["/v1/items?x=1", "api.example"],
            ["/v1/items/", "api.example"],
            ["/v1/./items", "api.example"],
            ["/v1/%69tems", "api.example"],
            ["/v1/items", "API.example"],
            ["/v1/items", "api.example:443"],
            ["/v1/items", "other.example"],
            ["https://api.example/v1/items", "api.example"],
            ["//v1/items", "api.example"],
            ["/v1/items#x", "api.example"]
        ]);
        Object.assign(draft, { target, host });
        return draft.isBound ? `request/target/${host}${target}` : "nothing";
    },
    function authorization(draft, pick) {
        const form = keyOf(pick, AUTHORIZATION_FORMS);
        const scheme = draft.isBound ? "DPoP" : "Bearer";
        draft.authorization = token => AUTHORIZATION_FORMS[form](token, scheme);
        return `request/authorization/${form}`;
    },
    function forwarded(draft, pick) {
        draft.further.push(
            oneOf(pick, [
                ["X-Forwarded-Host", "other.example"],
                ["X-Forwarded-Proto", "http"],
                ["Forwarded", "host=other.example;proto=http"],
                ["X-Forwarded-Prefix", "/x"],
                ["X-Original-URL", "/x"]
            ])
        );
        return "request/forwarded";
    }
];

/** Mutates a good draft one to two times. Returns the names of the mutations. */
export function mutate(draft, pick) {
    if (pick(8) === 0) {
        draft.token.header = { alg: "RS256", typ: "at+jwt", kid: draft.kids.RS256 };
        draft.token.key = "issuer-rsa";
    }
    const count = pick(4) === 0 ? 2 : 1;
    return Array.from({ length: count }, () => oneOf(pick, MUTATIONS)(draft, pick));
}
