/**
 * A request as adapters hand it to a guard.
 *
 * In: what a framework holds. Out: `Incoming`. Never: a value.
 */

import type { RequestLike } from "../../index.js";

/** A request, as an adapter passes it. */
export interface Incoming<Request> {
    /** The framework's own object, for `onRejected` and `target`. */
    readonly request: Request;
    /** An object that `validateRequest` reads. It is the same object for all routes of a request. */
    readonly source: RequestLike;
    readonly method: string | undefined;
    /** A header field of the request, by its name in lower case. */
    readonly header: (name: string) => unknown;
}
