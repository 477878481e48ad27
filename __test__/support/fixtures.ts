// The tokens and proofs that the tests start from. Every one of them is accepted as it is.

import { randomUUID } from "node:crypto";
import { startLocalIssuer, type LocalIssuer } from "./local-issuer.js";
import { ALGS, athOf, jws, kindOf, newKey, type Alg, type Jwk, type Key } from "./jwt.js";

export const AUDIENCE = "https://api.example.com";
export const ITEMS = "https://api.example.com/v1/items";

export interface Fixtures {
    readonly issuer: LocalIssuer;
    /** The issuer's keys by `kid`, which is the algorithm's name in lower case. */
    readonly keys: ReadonlyMap<string, Key>;
    /** The client's key, P-256, and its thumbprint. */
    readonly client: Key;
    readonly jkt: string;
    keyOf(alg: Alg): Key;
    claims(now: number, changes?: Record<string, unknown>): Record<string, unknown>;
    /** An unbound token. */
    token(now: number, changes?: Record<string, unknown>, alg?: Alg): string;
    /** A token that is bound to the client's key. */
    boundToken(now: number, changes?: Record<string, unknown>, alg?: Alg): string;
    proofHeader(): Record<string, unknown>;
    proofClaims(now: number, accessToken: string, changes?: Record<string, unknown>): Record<string, unknown>;
    proof(now: number, accessToken: string, changes?: Record<string, unknown>): string;
}

export const kidOf = (alg: Alg): string => alg.toLowerCase();

/** Seconds since the epoch. */
export const nowInSeconds = (): number => Math.floor(Date.now() / 1000);

export async function createFixtures({ path = "" } = {}): Promise<Fixtures> {
    const keys = new Map(ALGS.map(alg => [kidOf(alg), newKey(kindOf(alg))]));
    const jwks: Jwk[] = [...keys].map(([kid, key]) => ({ ...key.publicJwk, kid, use: "sig" }));
    const issuer = await startLocalIssuer({ keys: jwks, path });
    const client = newKey("P-256");
    const jkt = client.thumbprint;

    const fixtures: Fixtures = {
        issuer,
        keys,
        client,
        jkt,
        keyOf: alg => keys.get(kidOf(alg)) as Key,
        claims: (now, changes = {}) => ({
            iss: issuer.issuerUri,
            sub: "user-1",
            aud: AUDIENCE,
            client_id: "app-1",
            jti: "token-1",
            scope: "read write",
            iat: now - 10,
            exp: now + 600,
            realm_access: { roles: ["admin"] },
            ...changes
        }),
        token: (now, changes = {}, alg = "ES256") =>
            jws(tokenHeader(alg), fixtures.claims(now, changes), alg, fixtures.keyOf(alg)),
        boundToken: (now, changes = {}, alg = "ES256") =>
            fixtures.token(now, { cnf: { jkt }, ...changes }, alg),
        proofHeader: () => ({ typ: "dpop+jwt", alg: "ES256", jwk: publicMembers(client.publicJwk) }),
        proofClaims: (now, accessToken, changes = {}) => ({
            jti: randomUUID(),
            htm: "GET",
            htu: ITEMS,
            iat: now,
            ath: athOf(accessToken),
            ...changes
        }),
        proof: (now, accessToken, changes = {}) =>
            jws(fixtures.proofHeader(), fixtures.proofClaims(now, accessToken, changes), "ES256", client)
    };
    return fixtures;
}

export const tokenHeader = (alg: Alg): Record<string, unknown> => ({ alg, typ: "at+jwt", kid: kidOf(alg) });

export function publicMembers(jwk: Jwk): Jwk {
    const { kty, crv, x, y, n, e } = jwk;
    return JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as Jwk;
}
