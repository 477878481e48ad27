// Keys and hand-made JWS: header and payload are text, so that duplicate members and odd numbers survive.

import {
    constants,
    createHash,
    createPrivateKey,
    generateKeyPairSync,
    sign as cryptoSign,
    type KeyObject
} from "node:crypto";
import { calculateJwkThumbprint } from "jose";

export type Alg =
    | "RS256"
    | "RS384"
    | "RS512"
    | "PS256"
    | "PS384"
    | "PS512"
    | "ES256"
    | "ES384"
    | "ES512"
    | "EdDSA"
    | "Ed25519";

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

export interface Key {
    readonly privateKey: KeyObject;
    readonly publicJwk: Jwk;
    readonly privateJwk: Jwk;
}

export type KeyKind = "rsa" | "P-256" | "P-384" | "P-521" | "Ed25519";

export function newKey(kind: KeyKind, modulusLength = 2048): Key {
    // As JWK from the start: in Node.js 20, a garbage collection that meets `KeyObject.export({ format: "jwk" })` of a
    // key just generated ends in a deadlock.
    const jwk = { publicKeyEncoding: { format: "jwk" }, privateKeyEncoding: { format: "jwk" } } as const;
    const pair: unknown =
        kind === "rsa"
            ? generateKeyPairSync("rsa", { modulusLength, ...jwk })
            : kind === "Ed25519"
              ? generateKeyPairSync("ed25519", jwk)
              : generateKeyPairSync("ec", { namedCurve: kind, ...jwk });
    const { publicKey: publicJwk, privateKey: privateJwk } = pair as { publicKey: Jwk; privateKey: Jwk };
    return { privateKey: createPrivateKey({ key: privateJwk, format: "jwk" }), publicJwk, privateJwk };
}

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

export function signature(alg: Alg, key: KeyObject, input: string | Buffer): Buffer {
    const data = Buffer.from(input);
    if (alg === "EdDSA" || alg === "Ed25519") {
        return cryptoSign(null, data, key);
    }
    const hash = `sha${alg.slice(2)}`;
    switch (alg.slice(0, 2)) {
        case "RS":
            return cryptoSign(hash, data, key);
        case "PS":
            return cryptoSign(hash, data, {
                key,
                padding: constants.RSA_PKCS1_PSS_PADDING,
                saltLength: constants.RSA_PSS_SALTLEN_DIGEST
            });
        default:
            return cryptoSign(hash, data, { key, dsaEncoding: "ieee-p1363" });
    }
}

export const b64u = (data: string | Buffer): string => Buffer.from(data).toString("base64url");

/** Signs parts that are already encoded. */
export function signParts(header: string, payload: string, alg: Alg, key: Key): string {
    return `${header}.${payload}.${b64u(signature(alg, key.privateKey, `${header}.${payload}`))}`;
}

type JsonObject = Record<string, unknown>;

/** A compact JWS. Header and payload: objects, or their JSON text, or bytes. */
export function jws(
    header: JsonObject | string | Buffer,
    payload: JsonObject | string | Buffer,
    alg: Alg,
    key: Key
): string {
    return signParts(b64u(textOf(header)), b64u(textOf(payload)), alg, key);
}

export function textOf(value: JsonObject | string | Buffer): string | Buffer {
    return typeof value === "string" || Buffer.isBuffer(value) ? value : JSON.stringify(value);
}

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
