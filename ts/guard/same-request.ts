/**
 * Whether an object still holds the request that it held before: a server may put another one into it.
 *
 * In: a request as a guard reads it. Out: the identity of the request. Never: a verdict.
 */

import type { RequestLike } from "../../index.js";
import type { Incoming } from "./incoming.js";

/** The members by which two requests in the same object differ. */
export interface Fingerprint {
    readonly authorization: unknown;
    readonly proof: unknown;
    /** The object of the header fields: a repeated request is another request, also with the same fields. */
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

/** `undefined` for a `Request` of the Fetch API, since no server uses it for another request. */
function fieldsOf(source: RequestLike): object | undefined {
    if ("raw" in source) {
        return fieldsOfInner(source.raw);
    }
    if ("req" in source) {
        return fieldsOfInner(source.req);
    }
    const { headers } = source;
    if (typeof headers.get === "function") {
        return undefined;
    }
    // Middleware may replace `headers`; there is no reason to replace these.
    const { rawHeaders } = source as { readonly rawHeaders?: unknown };
    return Array.isArray(rawHeaders) ? rawHeaders : headers;
}

/** Only an object is followed: the error of `in` for a text would show the text, which may be a token. */
const fieldsOfInner = (inner: RequestLike): object | undefined =>
    typeof inner === "object" && inner !== null ? fieldsOf(inner) : undefined;
