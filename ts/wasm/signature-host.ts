/**
 * What an engine asks about keys and signatures.
 *
 * In: nothing. Out: the interface of those who answer. Never: a signature.
 */

/** Holds the public keys of one engine, and verifies signatures with them. It decides which tokens are accepted. */
export interface SignatureHost {
    /** The number of a key that is to verify this algorithm, of a JWK in JSON; `NO_KEY`, or `NO_KEY_YET`. */
    import(jwk: string, algorithm: string): number;
    /** Whether the signature is good: `false` in case of doubt, `undefined` if it is not known yet. */
    verify(key: number, message: Uint8Array, signature: Uint8Array): boolean | undefined;
    /** The key of this number is not used again. */
    forget(key: number): void;
    /** The JWK, in JSON, of a public key in DER (SubjectPublicKeyInfo); or `null`. */
    jwkOfDer(der: Uint8Array): string | null;
}

/** What `import` answers for what is no key. */
export const NO_KEY = 0;
/** What `import` answers where it is not known yet whether this is a key. */
export const NO_KEY_YET = 2 ** 32 - 1;
