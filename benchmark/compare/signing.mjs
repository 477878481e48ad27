// Keys, access tokens as Keycloak makes them, DPoP proofs, and the bad ones that every library must refuse.

import {
    constants,
    createHash,
    createHmac,
    createPrivateKey,
    generateKeyPairSync,
    randomBytes,
    randomUUID,
    sign
} from "node:crypto";
import { promisify } from "node:util";

const signInPool = promisify(sign);

/** A token's payload has this many bytes, as measured in a realm with a few roles. */
const PAYLOAD_BYTES = 788;
const LIFETIME_SECONDS = 24 * 3600;

const KINDS = {
    rs256: ["rsa", { modulusLength: 2048 }, "RS256"],
    rs4096: ["rsa", { modulusLength: 4096 }, "RS256"],
    es256: ["ec", { namedCurve: "P-256" }, "ES256"],
    es384: ["ec", { namedCurve: "P-384" }, "ES384"],
    eddsa: ["ed25519", {}, "EdDSA"]
};

/** Names of issuers, one a kind of key. */
export const ISSUERS = Object.keys(KINDS);

export function newKey(kind) {
    const [type, options, algorithm] = KINDS[kind];
    // As JWK from the start: in Node.js 20, a garbage collection that meets `KeyObject.export({ format: "jwk" })` of a
    // key just generated ends in a deadlock.
    const jwk = { publicKeyEncoding: { format: "jwk" }, privateKeyEncoding: { format: "jwk" } };
    const { publicKey, privateKey } = generateKeyPairSync(type, { ...options, ...jwk });
    const kid = randomBytes(32).toString("base64url");
    return {
        algorithm,
        kid,
        privateKey: createPrivateKey({ key: privateKey, format: "jwk" }),
        publicJwk: publicKey,
        jwk: { ...publicKey, kid, alg: algorithm, use: "sig" }
    };
}

/** @returns {{ token: string, jti: string }} */
export async function accessToken({ key, issuerUri, audience, jkt, change = {} }) {
    const jti = randomUUID();
    const header = { alg: key.algorithm, typ: "at+jwt", kid: key.kid };
    const payload = { ...claims({ issuerUri, audience, jti, jkt }), ...change };
    return { token: await jws(header, payload, key), jti };
}

/** A proof of possession for one request. */
export async function dpopProof({ key, token, method, url, change = {} }) {
    const header = { alg: key.algorithm, typ: "dpop+jwt", jwk: key.publicJwk };
    const ath = createHash("sha256").update(token).digest("base64url");
    return jws(header, { htm: method, htu: url, ath, iat: now(), jti: randomUUID(), ...change }, key);
}

/** RFC 7638, for the P-256 keys of clients. */
export function thumbprint({ crv, kty, x, y }) {
    return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}

/** Bad access tokens, by what is wrong with them. */
export async function badTokens({ key, issuerUri, audience, jkt }) {
    const make = async change => (await accessToken({ key, issuerUri, audience, jkt, change })).token;
    const good = await make({});
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
            token: await make({ exp: now() - 3600, iat: now() - 7200, auth_time: now() - 7200 })
        },
        { what: "another issuer's token", token: await make({ iss: "https://other.example.com" }) },
        { what: "a token for another audience", token: await make({ aud: "https://other.example.com" }) },
        { what: "a changed signature", token: `${header}.${payload}.${bytes.toString("base64url")}` },
        { what: "changed claims", token: `${header}.${encode(other)}.${signature}` },
        { what: "alg none", token: `${encode(unsigned)}.${payload}.` },
        {
            what: "an HMAC with the public key",
            token: `${symmetric}.${createHmac("sha256", secret).update(symmetric).digest("base64url")}`
        },
        ...(key.algorithm === "RS256"
            ? [{ what: "an algorithm that is not configured (RS512)", token: await rs512(key, payload) }]
            : [])
    ];
}

async function rs512(key, payload) {
    const input = `${encode({ alg: "RS512", typ: "at+jwt", kid: key.kid })}.${payload}`;
    const options = { key: key.privateKey, padding: constants.RSA_PKCS1_PADDING };
    return `${input}.${(await signInPool("sha512", Buffer.from(input), options)).toString("base64url")}`;
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

async function jws(header, payload, key) {
    const input = `${encode(header)}.${encode(payload)}`;
    const signature = await signatureOf(key, Buffer.from(input));
    return `${input}.${signature.toString("base64url")}`;
}

function signatureOf({ algorithm, privateKey }, data) {
    switch (algorithm) {
        case "EdDSA":
            return sign(null, data, privateKey);
        case "RS256":
            // Dear enough for another thread.
            return signInPool("sha256", data, privateKey);
        default:
            return sign(`sha${algorithm.slice(2)}`, data, { key: privateKey, dsaEncoding: "ieee-p1363" });
    }
}

function encode(object) {
    return Buffer.from(JSON.stringify(object)).toString("base64url");
}

function now() {
    return Math.floor(Date.now() / 1000);
}
