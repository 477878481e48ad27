/**
 * Makes JWS with any header and payload that a test wants.
 *
 * In: a header and a payload, as objects, as text or as bytes. Out: a compact JWS. Never: a member that was not written.
 */

import { invalid, kindOf } from "../validator/members.js";
import { checkAlgorithm, checkKey, signatureOf, type SigningAlgorithm, type TestKey } from "./keys.js";

/** A header or a payload: an object, which becomes its JSON text; or a text or bytes, which are not changed. */
export type JwsPart = { readonly [member: string]: unknown } | string | Uint8Array;

/**
 * Signs a compact JWS (RFC 7515 section 7.1). It adds nothing and checks nothing, not even `alg`: a test may write a
 * member twice, for example. Members that are `undefined` are left out.
 *
 * @param key - of `createTestKey`
 * @param algorithm - how it is signed, whatever the header says. Default: the key's
 * @example
 * ```ts
 * import { createTestKey, signJws } from "oidc-spa-native/testing";
 *
 * const key = createTestKey("ES256");
 * const jws = signJws('{"alg":"ES256","alg":"none"}', { sub: "ann" }, key);
 * ```
 */
export function signJws(
    header: JwsPart,
    payload: JwsPart,
    key: TestKey,
    algorithm?: SigningAlgorithm
): string {
    return signInput(signingInput(header, payload), key, algorithm);
}

/**
 * Signs a text that is the first two parts of a compact JWS (RFC 7515 section 5.1), or a wrong one: with padding, or
 * with other bits at its end.
 *
 * @param key - of `createTestKey`
 * @param algorithm - how it is signed. Default: the key's
 * @returns the text, a dot and the signature
 * @example
 * ```ts
 * import { createTestKey, signInput } from "oidc-spa-native/testing";
 *
 * const padded = signInput("eyJhbGciOiJFUzI1NiJ9.e30=", createTestKey());
 * ```
 */
export function signInput(input: string, key: TestKey, algorithm?: SigningAlgorithm): string {
    if (typeof input !== "string") {
        throw invalid(`signInput takes a text first; got ${kindOf(input)}`);
    }
    checkKey(key, "signing");
    const way = algorithm === undefined ? key.algorithm : algorithm;
    checkAlgorithm(way, "signing");
    return `${input}.${signatureOf(input, key, way)}`;
}

/** The signed text: both parts, encoded. */
export const signingInput = (header: JwsPart, payload: JwsPart): string =>
    `${encoded(header)}.${encoded(payload)}`;

function encoded(part: JwsPart): string {
    const bytes =
        typeof part === "string"
            ? Buffer.from(part)
            : ArrayBuffer.isView(part)
              ? Buffer.from(part as Uint8Array)
              : Buffer.from(JSON.stringify(objectOf(part)));
    return bytes.toString("base64url");
}

function objectOf(part: unknown): object {
    if (typeof part !== "object" || part === null) {
        throw invalid(`a header or payload is an object, a text or bytes; got ${kindOf(part)}`);
    }
    return part;
}
