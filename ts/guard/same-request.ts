/**
 * Whether an object still holds the request that it held before: a server may put another one into it.
 *
 * In: a request as a guard reads it. Out: what tells it from the next one. Never: a verdict.
 */

import type { RequestLike } from "../../index.js";
import type { Incoming } from "./incoming.js";

/** What tells one request from another in the same object. */
export interface Fingerprint {
    readonly authorization: unknown;
    readonly proof: unknown;
    /** What holds the header fields: a proof that comes again is another request, though its fields are the same. */
    readonly fields: object | undefined;
}

export function fingerprintOf({ source, header }: Incoming<unknown>): Fingerprint {
    return { authorization: header("authorization"), proof: header("dpop"), fields: fieldsOf(source) };
}

export function isSameRequest(before: Fingerprint, { source, header }: Incoming<unknown>): boolean {
    return (
        before.authorization === header("authorization") &&
        before.proof === header("dpop") &&
        before.fields === fieldsOf(source)
    );
}

/** `undefined` for a `Request` of the Fetch API, of which no server makes another one. */
function fieldsOf(source: RequestLike): object | undefined {
    if ("raw" in source) {
        return fieldsOf(source.raw);
    }
    if ("req" in source) {
        return fieldsOf(source.req);
    }
    const { headers } = source;
    if (typeof headers.get === "function") {
        return undefined;
    }
    // Middleware may put other fields in the place of `headers`; nobody has a reason to do so with these.
    const { rawHeaders } = source as { readonly rawHeaders?: unknown };
    return Array.isArray(rawHeaders) ? rawHeaders : headers;
}
