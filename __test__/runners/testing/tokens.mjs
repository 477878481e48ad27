import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createValidator } from "oidc-spa-native";

const ISSUER = "https://issuer.test";
const AUDIENCE = "https://api.test";
const issuerKey = newKey();

/** The keys that an issuer of a test publishes. */
export const jwks = { keys: [{ ...issuerKey.jwk, kid: "test" }] };

/** The validator of a test: it knows the key of `token()`, asks no issuer, and needs no closing. */
export function testValidator(options = {}) {
    return createValidator({ issuerUri: ISSUER, expectedAudience: AUDIENCE, keys: { jwks }, ...options });
}

/** An access token; claims and header can be changed for what a test is about. */
export function token(claims = {}, header = {}) {
    const now = Math.floor(Date.now() / 1000);
    const usual = { iss: ISSUER, aud: AUDIENCE, sub: "ann", iat: now, exp: now + 300 };
    return jwt({ kid: "test", typ: "at+jwt", ...header }, { ...usual, ...claims }, issuerKey);
}

/** A client with a key of its own: tokens that are bound to it, and its DPoP proofs. */
export function dpopClient() {
    const key = newKey();
    const { crv, kty, x, y } = key.jwk;
    const jkt = sha256(JSON.stringify({ crv, kty, x, y }));
    return {
        token: (claims = {}) => token({ cnf: { jkt }, ...claims }),
        proof: (accessToken, htm, htu) => {
            const claims = { jti: randomUUID(), iat: Math.floor(Date.now() / 1000), htm, htu };
            return jwt({ typ: "dpop+jwt", jwk: key.jwk }, { ...claims, ath: sha256(accessToken) }, key);
        }
    };
}

function newKey() {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return { privateKey, jwk: publicKey.export({ format: "jwk" }) };
}

function jwt(header, claims, { privateKey }) {
    const parts = [{ alg: "ES256", ...header }, claims];
    const input = parts.map(part => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const signature = sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" });
    return `${input}.${signature.toString("base64url")}`;
}

function sha256(text) {
    return createHash("sha256").update(text).digest("base64url");
}
