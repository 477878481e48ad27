// Keys and hand-made JWS for the tests, all of them the kit's: header and payload may be text, so that duplicate members
// and odd numbers survive.

import { createHash } from "node:crypto";
import { calculateJwkThumbprint } from "jose";
import {
    createTestKey,
    signInput,
    signJws,
    type JwsPart,
    type SigningAlgorithm,
    type TestKey
} from "oidc-spa-native/testing";

export type Alg = SigningAlgorithm;

export const ALGS: readonly Alg[] = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519"
];

export type Jwk = Record<string, unknown>;

export type Key = TestKey;

export type KeyKind = "rsa" | "P-256" | "P-384" | "P-521" | "Ed25519";

/** An algorithm of each kind of key. */
const ALG_OF = {
    rsa: "RS256",
    "P-256": "ES256",
    "P-384": "ES384",
    "P-521": "ES512",
    Ed25519: "EdDSA"
} as const satisfies Record<KeyKind, Alg>;

export const newKey = (kind: KeyKind, modulusLength?: number): Key =>
    createTestKey(ALG_OF[kind], { modulusLength });

export function kindOf(alg: Alg): KeyKind {
    switch (alg) {
        case "ES256":
            return "P-256";
        case "ES384":
            return "P-384";
        case "ES512":
            return "P-521";
        case "EdDSA":
        case "Ed25519":
            return "Ed25519";
        default:
            return "rsa";
    }
}

export const b64u = (data: string | Buffer): string => Buffer.from(data).toString("base64url");

/** Signs parts that are already encoded. */
export const signParts = (header: string, payload: string, alg: Alg, key: Key): string =>
    signInput(`${header}.${payload}`, key, alg);

/** The signature alone of any text, in base64url. */
export const signature = (alg: Alg, key: Key, input: string): string =>
    signInput(input, key, alg).slice(input.length + 1);

/** A compact JWS. Header and payload: objects, or their JSON text, or bytes. */
export const jws = (header: JwsPart, payload: JwsPart, alg: Alg, key: Key): string =>
    signJws(header, payload, key, alg);

/** Of a key that may have members which it should not have. */
export const thumbprint = (jwk: Jwk): Promise<string> => calculateJwkThumbprint(jwk as { kty: string });

export const athOf = (accessToken: string): string =>
    createHash("sha256").update(accessToken).digest("base64url");

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The same bytes in another base64url spelling: the unused bits of the last character are set (RFC 4648 section 3.5). */
export function trailingBitTwin(part: string): string {
    const unused = part.length % 4 === 2 ? 4 : part.length % 4 === 3 ? 2 : 0;
    if (unused === 0) {
        throw new Error("a part without unused bits has no twin");
    }
    const last = ALPHABET.indexOf(part.at(-1) as string);
    return part.slice(0, -1) + (ALPHABET[last + 1] as string);
}

/** Fails where a mutation left its input as it was: such a case would pass for nothing. */
export function mutated(before: string, after: string): string {
    if (before === after) {
        throw new Error("the mutation changed nothing");
    }
    return after;
}
