/**
 * Handles a Promise from callbacks of the application that must be synchronous.
 *
 * In: what a callback returned. Out: whether it is a Promise, whose rejection then does not end the process; one
 * warning. Never: a wait.
 */

/** The callbacks with a warning. Each gets only one warning, for any number of requests. */
const warned = new Set<string>();

/**
 * Whether the answer is a Promise or another thenable. Its result is not known yet, so it does not count; but its
 * rejection must not end the process.
 *
 * @param callback - which function answered, for the warning
 */
export function isPromise(answer: unknown, callback: string): boolean {
    if (!isThenable(answer)) {
        return false;
    }
    Promise.resolve(answer).catch(() => undefined);
    if (!warned.has(callback)) {
        warned.add(callback);
        process.emitWarning(
            `${callback} returned a Promise. It must be synchronous: requests are refused until it is. What has to be ` +
                "waited for belongs before the guard, or into the schema of `claims`, which may be asynchronous.",
            { type: "oidc-spa-native", code: "OIDC_SPA_NATIVE_ASYNC_CALLBACK" }
        );
    }
    return true;
}

/** Of any realm. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
    try {
        return (
            ((typeof value === "object" && value !== null) || typeof value === "function") &&
            "then" in value &&
            typeof value.then === "function"
        );
    } catch {
        return false; // a getter that throws
    }
}
