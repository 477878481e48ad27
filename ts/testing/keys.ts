/**
 * Keys of a test, and what is signed with them.
 *
 * In: an algorithm, bytes. Out: a key pair, a signature. Never: a claim, a key that is kept anywhere else.
 */

import {
    constants,
    createHash,
    createPrivateKey,
    generateKeyPairSync,
    sign,
    type KeyObject,
    type SigningOptions
} from "node:crypto";
import type { Algorithm } from "../../index.js";
import { invalid, kindOf } from "../validator/members.js";
import { shown } from "../validator/shown.js";

/** The algorithms that the kit signs with: those of Node.js 20. */
export type SigningAlgorithm = Exclude<Algorithm, `ML-DSA-${string}`>;

/** A key (RFC 7517). */
export interface TestJwk {
    readonly kty: string;
    readonly [member: string]: unknown;
}

/** A key pair of a test. */
export interface TestKey {
    /** What it signs with. */
    readonly algorithm: SigningAlgorithm;
    /** The public half, with the members that the thumbprint is made of and no others. */
    readonly publicJwk: TestJwk;
    readonly privateJwk: TestJwk;
    /** The SHA-256 thumbprint of the public half (RFC 7638), as `cnf.jkt` of a bound token holds it. */
    readonly thumbprint: string;
}

/** For each algorithm, its key as `node:crypto` generates it. */
const KINDS: Readonly<Record<SigningAlgorithm, readonly [type: string, options: object]>> = {
    RS256: ["rsa", { modulusLength: 2048 }],
    RS384: ["rsa", { modulusLength: 2048 }],
    RS512: ["rsa", { modulusLength: 2048 }],
    PS256: ["rsa", { modulusLength: 2048 }],
    PS384: ["rsa", { modulusLength: 2048 }],
    PS512: ["rsa", { modulusLength: 2048 }],
    ES256: ["ec", { namedCurve: "P-256" }],
    ES384: ["ec", { namedCurve: "P-384" }],
    ES512: ["ec", { namedCurve: "P-521" }],
    EdDSA: ["ed25519", {}],
    Ed25519: ["ed25519", {}]
};

/** The algorithms that the kit signs with. */
export const SIGNING_ALGORITHMS = Object.keys(KINDS) as readonly SigningAlgorithm[];

type Generate = (
    type: string,
    options: object
) => { readonly publicKey: TestJwk; readonly privateKey: TestJwk };

/**
 * Makes a key pair. One of RSA takes some 100 milliseconds, any other less than one.
 *
 * @param algorithm - what it signs with. Default `"ES256"`
 * @throws TypeError if the algorithm is none of those that the kit signs with
 * @example
 * ```ts
 * import { createTestKey, dpopClient } from "oidc-spa-native/testing";
 *
 * const key = createTestKey("EdDSA");
 * const client = dpopClient({ key, token: "a token that is bound to key.thumbprint" });
 * ```
 */
export function createTestKey(algorithm: SigningAlgorithm = "ES256"): TestKey {
    checkAlgorithm(algorithm, "createTestKey");
    const [type, options] = KINDS[algorithm];
    // As JWK from the start: in Node.js 20, a garbage collection that meets `KeyObject.export({ format: "jwk" })` of a
    // key just generated ends in a deadlock.
    const jwk = { publicKeyEncoding: { format: "jwk" }, privateKeyEncoding: { format: "jwk" } };
    const { publicKey, privateKey } = (generateKeyPairSync as unknown as Generate)(type, {
        ...options,
        ...jwk
    });
    return {
        algorithm,
        publicJwk: publicKey,
        privateJwk: privateKey,
        thumbprint: thumbprintOf(publicKey)
    };
}

/** Throws where the kit does not sign with this. */
export function checkAlgorithm(algorithm: unknown, of: string): asserts algorithm is SigningAlgorithm {
    if (!(SIGNING_ALGORITHMS as readonly unknown[]).includes(algorithm)) {
        const found = typeof algorithm === "string" ? JSON.stringify(shown(algorithm)) : kindOf(algorithm);
        throw invalid(`${of}: the kit signs with ${SIGNING_ALGORITHMS.join(", ")}; got ${found}`);
    }
}

/** RFC 7638: the members that make the key, in the order of their names. */
function thumbprintOf({ crv, e, kty, n, x, y }: TestJwk): string {
    return sha256(JSON.stringify({ crv, e, kty, n, x, y }));
}

/** The SHA-256 of a text, in base64url: `ath` of a proof, and thumbprints. */
export const sha256 = (text: string): string => createHash("sha256").update(text).digest("base64url");

const privateKeys = new WeakMap<TestKey, KeyObject>();

function privateKeyOf(key: TestKey): KeyObject {
    const known = privateKeys.get(key);
    if (known !== undefined) {
        return known;
    }
    const made = createPrivateKey({ key: key.privateJwk, format: "jwk" });
    privateKeys.set(key, made);
    return made;
}

/** A JWS signature (RFC 7518 section 3, RFC 8037), in base64url. */
export function signatureOf(input: string, key: TestKey, algorithm: SigningAlgorithm): string {
    const [hash, options] = waysOf(algorithm);
    return sign(hash, Buffer.from(input), { key: privateKeyOf(key), ...options }).toString("base64url");
}

function waysOf(algorithm: SigningAlgorithm): readonly [hash: string | null, options: SigningOptions] {
    const hash = `sha${algorithm.slice(2)}`;
    switch (algorithm.slice(0, 2)) {
        case "RS":
            return [hash, {}];
        case "PS":
            return [
                hash,
                { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
            ];
        case "ES":
            return [hash, { dsaEncoding: "ieee-p1363" }];
        default:
            return [null, {}];
    }
}
