// Credentials that clients of the programs come with: tokens of a real authorization server, and odd ones beside them.

import { randomUUID } from "node:crypto";
import { importJWK, type CryptoKey } from "jose";
import { createTestKey, type TestJwk } from "oidc-spa-native/testing";
import { nowInSeconds, publicMembers } from "../../support/fixtures.js";
import { athOf, b64u, jws, newKey, type Jwk, type Key } from "../../support/jwt.js";
import {
    API,
    clientCredentials,
    generateSigningKeys,
    OTHER_API,
    startIssuer,
    type Issuer,
    type KeyPair
} from "../../support/real-issuer.js";

// An hour: all programs together may take longer than the usual five minutes on a busy machine.
const lifetimeSeconds = 3600;
const SERVICES = [
    { clientId: "reader", algorithm: "ES256", lifetimeSeconds },
    { clientId: "reader-rs256", algorithm: "RS256", lifetimeSeconds },
    { clientId: "reader-eddsa", algorithm: "EdDSA", lifetimeSeconds },
    { clientId: "editor", algorithm: "ES256", lifetimeSeconds }
];

export interface ProofRequest {
    readonly method?: string;
    readonly url: string;
    readonly accessToken: string;
    readonly changes?: Record<string, unknown>;
    readonly key?: Key;
}

export interface Credentials {
    readonly issuer: Issuer;
    /** Unbound, of `reader`: ES256, and by name what else there is. */
    readonly bearer: {
        readonly good: string;
        readonly rs256: string;
        readonly eddsa: string;
        readonly editor: string;
        readonly otherAudience: string;
        readonly expired: string;
        readonly ofAnotherKey: string;
        readonly unsigned: string;
        readonly ofAnotherIssuer: string;
    };
    /** Bound to the client's key. */
    readonly bound: { readonly reader: string; readonly editor: string };
    /** A proof of the client's key, or of another, for `GET`. */
    proof(request: ProofRequest): string;
    readonly otherKey: Key;
}

export async function createCredentials(): Promise<Credentials> {
    const keys = generateSigningKeys();
    const issuer = await startIssuer({
        keys,
        services: SERVICES,
        tokenClaims: ({ clientId }) => ({
            realm_access: { roles: clientId === "editor" ? ["editor"] : ["reader"] }
        })
    });
    const client = newKey("P-256");
    const otherKey = newKey("P-256");
    const dpopKeyPair = await keyPairOf(client);
    const token = (clientId: string, resource = API) => clientCredentials(issuer, { clientId, resource });
    const boundToken = (clientId: string) =>
        clientCredentials(issuer, { clientId, resource: API, dpopKeyPair });

    const good = await token("reader");
    const [header, claims] = good
        .split(".", 2)
        .map(part => JSON.parse(Buffer.from(part, "base64url").toString())) as [
        Record<string, unknown>,
        Record<string, unknown>
    ];
    const issuersJwk = keys.find(({ kid }) => kid === header.kid) as Jwk;
    const issuersKey = createTestKey("ES256", { privateJwk: issuersJwk as TestJwk });
    const signed = (changes: Record<string, unknown>, key = issuersKey) =>
        jws(header, { ...claims, ...changes }, "ES256", key);

    return {
        issuer,
        bearer: {
            good,
            rs256: await token("reader-rs256"),
            eddsa: await token("reader-eddsa"),
            editor: await token("editor"),
            otherAudience: await token("reader", OTHER_API),
            expired: signed({ iat: nowInSeconds() - 600, exp: nowInSeconds() - 300 }),
            ofAnotherKey: signed({}, otherKey),
            unsigned: `${b64u(JSON.stringify({ ...header, alg: "none" }))}.${b64u(JSON.stringify(claims))}.`,
            ofAnotherIssuer: signed({ iss: "https://issuer.example.com" })
        },
        bound: { reader: await boundToken("reader"), editor: await boundToken("editor") },
        proof: ({ method = "GET", url, accessToken, changes = {}, key = client }) =>
            jws(
                { typ: "dpop+jwt", alg: "ES256", jwk: publicMembers(key.publicJwk) },
                {
                    jti: randomUUID(),
                    htm: method,
                    htu: url,
                    iat: nowInSeconds(),
                    ath: athOf(accessToken),
                    ...changes
                },
                "ES256",
                key
            ),
        otherKey
    };
}

async function keyPairOf({ privateJwk, publicJwk }: Key): Promise<KeyPair> {
    const imported = (jwk: Jwk) =>
        importJWK(jwk as { kty: string }, "ES256", { extractable: true }) as Promise<CryptoKey>;
    return { privateKey: await imported(privateJwk), publicKey: await imported(publicJwk) };
}
