/**
 * A request as adapters hand it to a guard.
 *
 * In: what a framework holds. Out: `Incoming`. Never: a value.
 */

import type { RequestLike } from "../../index.js";

/** What an adapter hands over of a request. */
export interface Incoming<Request> {
    /** As the framework's users know it, for `onRejected` and `target`. */
    readonly request: Request;
    /** Something that `validateRequest` reads. One object a request, however many routes it passes. */
    readonly source: RequestLike;
    readonly method: string | undefined;
    /** A header field of the request, by its name in lower case. */
    readonly header: (name: string) => unknown;
}
