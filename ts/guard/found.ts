/**
 * What one guard found, by request: the proof that this guard let this request pass.
 *
 * In: requests that a guard let pass, and who it is. Out: who it is, or an error. Never: what somebody else put on a
 * request.
 */

import { invalid } from "../validator/members.js";

/** What a guard found. Nothing is kept longer than the request. */
export class Found<Auth> {
    readonly #auths = new WeakMap<object, Auth>();

    constructor(
        /** The line that puts the guard before a route, for the error. */
        private readonly example: string
    ) {}

    /** The guard begins to judge: a server may put another request into an object that it had before. */
    forget(request: object): void {
        this.#auths.delete(request);
    }

    set(request: object, auth: Auth): void {
        this.#auths.set(request, auth);
    }

    /** Who it is, `undefined` where this guard has not let this request pass. */
    get(request: object): Auth | undefined {
        return this.#auths.get(request);
    }

    /** Who it is. Throws where this guard has not let this request pass. */
    readonly of = (request: object): Auth => {
        if (!this.#auths.has(request)) {
            throw invalid(
                "this guard has not let this request pass: it does not stand before this route, or another one does. Write " +
                    `${this.example}, and ask the same guard`
            );
        }
        return this.#auths.get(request) as Auth;
    };
}
