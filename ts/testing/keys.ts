/**
 * Keys of a test, and their signatures.
 *
 * In: an algorithm, bytes. Out: a key pair, a signature, or whether it is one. Never: a claim, a key that is kept anywhere else.
 */

import {
    constants,
    createHash,
    createPrivateKey,
    createPublicKey,
    generateKeyPairSync,
    sign,
    verify,
    type KeyObject,
    type SigningOptions
} from "node:crypto";
import type { Algorithm } from "../../index.js";
import { invalid, kindOf, readMembers, unexpected, type Members } from "../validator/members.js";
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
    /** The algorithm of its signatures. */
    readonly algorithm: SigningAlgorithm;
    /** The public half, with only the members of the thumbprint. */
    readonly publicJwk: TestJwk;
    readonly privateJwk: TestJwk;
    /** The SHA-256 thumbprint of the public half (RFC 7638), as `cnf.jkt` of a bound token holds it. */
    readonly thumbprint: string;
}

type KeyType = "rsa" | "ec" | "ed25519";

/** What `node:crypto` calls a kind of key → what a JWK calls it. */
const KTY: Readonly<Record<KeyType, string>> = { rsa: "RSA", ec: "EC", ed25519: "OKP" };

interface KeyShape {
    readonly modulusLength?: number;
    readonly namedCurve?: string;
}

/** For each algorithm, its key as `node:crypto` generates it. */
const KINDS: Readonly<Record<SigningAlgorithm, readonly [type: KeyType, options: KeyShape]>> = {
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

/** Options of a test's key. */
export interface TestKeyOptions {
    /** Bits of a key of RSA. Default 2048. From 1024 to 8192. */
    modulusLength?: number | undefined;
    /** The key itself, in the place of a new one: a private JWK of the right kind. */
    privateJwk?: TestJwk | undefined;
}

const KEY: Members = {
    of: "createTestKey",
    noun: "option",
    names: ["modulusLength", "privateJwk"] satisfies (keyof TestKeyOptions)[],
    example: 'createTestKey("RS256", { modulusLength: 3072 })'
};

/**
 * Makes a key pair. An RSA key takes some 100 milliseconds, any other key less than one.
 *
 * @param algorithm - what it signs with. Default `"ES256"`
 * @throws TypeError if the kit does not sign with the algorithm, or an option is wrong
 * @example
 * ```ts
 * import { createTestKey, dpopClient } from "oidc-spa-native/testing";
 *
 * const key = createTestKey("EdDSA");
 * const client = dpopClient({ key, token: "a token that is bound to key.thumbprint" });
 * ```
 */
export function createTestKey(algorithm: SigningAlgorithm = "ES256", options: TestKeyOptions = {}): TestKey {
    checkAlgorithm(algorithm, "createTestKey");
    const { modulusLength, privateJwk = newPrivateJwk(algorithm, modulusLength) }: TestKeyOptions =
        readMembers(options, KEY);
    const [type, { namedCurve }] = KINDS[algorithm];
    if (typeof privateJwk !== "object" || privateJwk === null || Array.isArray(privateJwk)) {
        throw unexpected("option", "privateJwk", "a private JWK", privateJwk);
    }
    if (privateJwk.kty !== KTY[type] || typeof privateJwk["d"] !== "string") {
        throw invalid(`privateJwk must be a private key of kty "${KTY[type]}", for ${algorithm}`);
    }
    const { crv, e, kty, n, x, y } = privateJwk;
    if (namedCurve !== undefined && crv !== namedCurve) {
        throw invalid(`privateJwk must be a key of the curve ${namedCurve}, for ${algorithm}`);
    }
    const members = Object.entries({ crv, e, kty, n, x, y }).filter(([, value]) => value !== undefined);
    // RFC 7638: the members that make the key, in the order of their names.
    const publicJwk = Object.fromEntries(members) as unknown as TestJwk;
    return { algorithm, publicJwk, privateJwk, thumbprint: sha256(JSON.stringify(publicJwk)) };
}

function newPrivateJwk(algorithm: SigningAlgorithm, modulusLength: number | undefined): TestJwk {
    const [type, options] = KINDS[algorithm];
    const isLength = Number.isInteger(modulusLength) && modulusLength! >= 1024 && modulusLength! <= 8192;
    if (modulusLength !== undefined && (type !== "rsa" || !isLength)) {
        throw invalid(
            `modulusLength is a number from 1024 to 8192, for keys of RSA alone. Write ${KEY.example}`
        );
    }
    // As JWK from the start: in Node.js 20, a garbage collection that meets `KeyObject.export({ format: "jwk" })` of a
    // key just generated ends in a deadlock.
    const jwk = { publicKeyEncoding: { format: "jwk" }, privateKeyEncoding: { format: "jwk" } };
    const length = modulusLength === undefined ? {} : { modulusLength };
    const generate = generateKeyPairSync as unknown as Generate;
    return generate(type, { ...options, ...length, ...jwk }).privateKey;
}

/** Throws if the kit does not sign with this algorithm. */
export function checkAlgorithm(algorithm: unknown, of: string): asserts algorithm is SigningAlgorithm {
    if (!(SIGNING_ALGORITHMS as readonly unknown[]).includes(algorithm)) {
        const found = typeof algorithm === "string" ? JSON.stringify(shown(algorithm)) : kindOf(algorithm);
        throw invalid(`${of}: the kit signs with ${SIGNING_ALGORITHMS.join(", ")}; got ${found}`);
    }
}

/** Throws if it is no key of this kit, or of its JSON in another process. */
export function checkKey(key: unknown, of: string): asserts key is TestKey {
    const { algorithm, publicJwk, privateJwk, thumbprint } = Object(key) as Partial<
        Record<keyof TestKey, unknown>
    >;
    if (typeof privateJwk !== "object" || typeof publicJwk !== "object" || typeof thumbprint !== "string") {
        throw invalid(`${of} takes a key of createTestKey; got ${kindOf(key)}. Write createTestKey("ES256")`);
    }
    checkAlgorithm(algorithm, of);
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

/** Whether it is a signature of this key, with the key's algorithm. */
export function isSignatureOf(signature: string, input: string, key: TestKey): boolean {
    const [hash, options] = waysOf(key.algorithm);
    const publicKey = createPublicKey({ key: key.publicJwk, format: "jwk" });
    return verify(
        hash,
        Buffer.from(input),
        { key: publicKey, ...options },
        Buffer.from(signature, "base64url")
    );
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
