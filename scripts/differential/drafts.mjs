// A request that every engine grants, as parts that mutations change, and the request that the parts make.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createTestKey, signInput } from "oidc-spa-native/testing";

/** The time of every request, in seconds. */
export const NOW = 1_800_000_000;
export const AUDIENCE = "https://api.example";

const { keys: vectors } = JSON.parse(
    readFileSync(new URL("../../vectors/keys.json", import.meta.url), "utf8")
);
const keyOf = (name, algorithm = "ES256") => createTestKey(algorithm, { privateJwk: vectors[name] });

/** The keys of the vectors, so that each run has the same ones. */
export const KEYS = {
    issuer: keyOf("es-1"),
    "issuer-rsa": keyOf("rsa-1", "RS256"),
    client: keyOf("client"),
    stranger: keyOf("client-2")
};

export const base64url = bytes => Buffer.from(bytes).toString("base64url");
const sha256 = text => createHash("sha256").update(text).digest("base64url");

/** A draft for an issuer of the test kit that has the two keys. `name` is the identifier of the proof. */
export function goodDraft({ issuerUri, jwks }, isBound, name) {
    const kids = Object.fromEntries(jwks.keys.map(({ alg, kid }) => [alg, kid]));
    return {
        isBound,
        kids,
        token: {
            header: { alg: "ES256", typ: "at+jwt", kid: kids.ES256 },
            claims: {
                iss: issuerUri,
                sub: "user-1",
                aud: AUDIENCE,
                client_id: "app-1",
                jti: "token-1",
                scope: "read write",
                iat: NOW - 10,
                exp: NOW + 600,
                ...(isBound && { cnf: { jkt: KEYS.client.thumbprint } })
            },
            key: "issuer",
            after: []
        },
        proof: {
            header: { typ: "dpop+jwt", alg: "ES256", jwk: KEYS.client.publicJwk },
            claims: { jti: name, htm: "GET", htu: "https://api.example/v1/items", iat: NOW },
            key: "client",
            after: []
        },
        method: "GET",
        target: "/v1/items",
        host: "api.example",
        authorization: token => `${isBound ? "DPoP" : "Bearer"} ${token}`,
        dpop: proof => (isBound ? [proof] : []),
        further: []
    };
}

/** The JSON text of a part: `text` changes it after it was written. */
const textOf = (value, change) => (change ?? String)(JSON.stringify(value));

/** A compact JWS of a draft's part. `input` changes the text before it is signed, `after` the whole. */
function compactOf({ header, claims, key, headerText, claimsText, input, sign, after }) {
    const unsigned = `${base64url(textOf(header, headerText))}.${base64url(textOf(claims, claimsText))}`;
    const text = (input ?? String)(unsigned);
    const signed = sign === undefined ? signInput(text, KEYS[key]) : `${text}.${sign(text)}`;
    return after.reduce((compact, change) => change(compact), signed);
}

/** The request of a draft. */
export function requestOf(draft) {
    const token = compactOf(draft.token);
    const { claims } = draft.proof;
    // `ath` is that of the token as it is sent, unless a mutation wrote another one.
    const proof = compactOf({
        ...draft.proof,
        claims: "ath" in claims ? claims : { ...claims, ath: sha256(token) }
    });
    return {
        method: draft.method,
        target: draft.target,
        fields: [
            ["Host", draft.host],
            ...[draft.authorization(token)].flat().map(value => ["Authorization", value]),
            ...draft.dpop(proof).map(value => ["DPoP", value]),
            ...draft.further
        ]
    };
}
