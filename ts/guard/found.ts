/**
 * The grants of one guard, by request: the proof that this guard let a request pass.
 *
 * In: requests that a guard let pass, and their grants. Out: the grant, or an error. Never: a value that other code put
 * on a request.
 */

import { invalid } from "../validator/members.js";

/** The grants of a guard. Each is kept no longer than its request. */
export class Found<Auth> {
    readonly #auths = new WeakMap<object, Auth>();

    constructor(
        /** The line that puts the guard before a route, for the error. */
        private readonly example: string
    ) {}

    /**
     * The guard begins to judge. The old grant is removed, since a server may use the same object for another request.
     */
    forget(request: object): void {
        this.#auths.delete(request);
    }

    set(request: object, auth: Auth): void {
        this.#auths.set(request, auth);
    }

    /** The grant; `undefined` if this guard has not let this request pass. */
    get(request: object): Auth | undefined {
        return this.#auths.get(request);
    }

    /** The grant. Throws if this guard has not let this request pass. */
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
