// Keys, access tokens as Keycloak makes them, DPoP proofs, and the bad ones that every library must refuse.

import { createHash, createHmac, randomUUID } from "node:crypto";
import { loadOurs } from "./ours.mjs";

let loaded;
/** The test kit of the package that is measured, once that is installed. */
const kit = () => {
    loaded ??= loadOurs("oidc-spa-native/testing");
    return loaded;
};

/** A token's payload has this many bytes, as measured in a realm with a few roles. */
const PAYLOAD_BYTES = 788;
const LIFETIME_SECONDS = 24 * 3600;

const KINDS = {
    rs256: ["RS256"],
    rs4096: ["RS256", { modulusLength: 4096 }],
    es256: ["ES256"],
    es384: ["ES384"],
    eddsa: ["EdDSA"]
};

/** Names of issuers, one a kind of key. */
export const ISSUERS = Object.keys(KINDS);

/** An issuer of the test kit, and its key with its name. */
export function newIssuer(kind) {
    const key = kit().createTestKey(...KINDS[kind]);
    const issuer = kit().createTestIssuer({ keys: [key] });
    return { issuer, key: { ...key, kid: issuer.kids[0], jwk: issuer.jwks.keys[0] } };
}

/** A client's key. */
export const newClientKey = () => kit().createTestKey("ES256");

/** @returns {{ token: string, jti: string }} */
export function accessToken({ key, issuerUri, audience, jkt, change = {} }) {
    const jti = randomUUID();
    const header = { alg: key.algorithm, typ: "at+jwt", kid: key.kid };
    const payload = { ...claims({ issuerUri, audience, jti, jkt }), ...change };
    return { token: kit().signJws(header, payload, key), jti };
}

/** A proof of possession for one request. */
export function dpopProof({ key, token, method, url, change = {} }) {
    const header = { alg: key.algorithm, typ: "dpop+jwt", jwk: key.publicJwk };
    const ath = createHash("sha256").update(token).digest("base64url");
    return kit().signJws(
        header,
        { htm: method, htu: url, ath, iat: now(), jti: randomUUID(), ...change },
        key
    );
}

/** Bad access tokens, by what is wrong with them. */
export function badTokens({ key, issuerUri, audience, jkt }) {
    const make = change => accessToken({ key, issuerUri, audience, jkt, change }).token;
    const good = make({});
    const [header, payload, signature] = good.split(".");
    const bytes = Buffer.from(signature, "base64url");
    bytes[20] ^= 1;
    const unsigned = { alg: "none", typ: "at+jwt", kid: key.kid };
    const symmetric = `${encode({ alg: "HS256", typ: "at+jwt", kid: key.kid })}.${payload}`;
    const secret = JSON.stringify(key.jwk);
    const other = { ...JSON.parse(Buffer.from(payload, "base64url").toString()), sub: "somebody-else" };
    return [
        {
            what: "an expired token",
            token: make({ exp: now() - 3600, iat: now() - 7200, auth_time: now() - 7200 })
        },
        { what: "another issuer's token", token: make({ iss: "https://other.example.com" }) },
        { what: "a token for another audience", token: make({ aud: "https://other.example.com" }) },
        { what: "a changed signature", token: `${header}.${payload}.${bytes.toString("base64url")}` },
        { what: "changed claims", token: `${header}.${encode(other)}.${signature}` },
        { what: "alg none", token: `${encode(unsigned)}.${payload}.` },
        {
            what: "an HMAC with the public key",
            token: `${symmetric}.${createHmac("sha256", secret).update(symmetric).digest("base64url")}`
        },
        ...(key.algorithm === "RS256"
            ? [{ what: "an algorithm that is not configured (RS512)", token: rs512(key, payload) }]
            : [])
    ];
}

function rs512(key, payload) {
    return kit().signInput(
        `${encode({ alg: "RS512", typ: "at+jwt", kid: key.kid })}.${payload}`,
        key,
        "RS512"
    );
}

function claims({ issuerUri, audience, jti, jkt }) {
    const issued = now();
    const payload = {
        exp: issued + LIFETIME_SECONDS,
        iat: issued,
        auth_time: issued,
        jti,
        iss: issuerUri,
        aud: [audience, "account"],
        sub: randomUUID(),
        typ: "Bearer",
        azp: "web-app",
        client_id: "web-app",
        sid: randomUUID(),
        acr: "1",
        "allowed-origins": ["https://app.example.com"],
        realm_access: { roles: ["default-roles-example", "offline_access", "uma_authorization"] },
        resource_access: { account: { roles: ["manage-account", "manage-account-links", "view-profile"] } },
        scope: "openid email profile",
        ...(jkt !== undefined && { cnf: { jkt } }),
        email_verified: true,
        name: "",
        preferred_username: "jdoe",
        given_name: "Jo",
        family_name: "Doe",
        email: "jo.doe@example.com"
    };
    // The name takes what is left, so that every token has the same length.
    const missing = PAYLOAD_BYTES - JSON.stringify(payload).length;
    return { ...payload, name: "Jo Doe ".repeat(200).slice(0, Math.max(missing, 0)) };
}

function encode(object) {
    return Buffer.from(JSON.stringify(object)).toString("base64url");
}

function now() {
    return Math.floor(Date.now() / 1000);
}
