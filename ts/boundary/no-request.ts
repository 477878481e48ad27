/**
 * The error of a question that came before any request did.
 *
 * In: why the run time refuses. Out: an error. Never: a failure of the engine, which has its own.
 */

const NO_REQUEST = "OIDC_SPA_NATIVE_NO_REQUEST";

/** At the top level of a module, workerd gives no random bytes, no timers and no network. */
export class NoRequestError extends Error {
    readonly code = NO_REQUEST;

    constructor(cause: unknown) {
        super(
            "oidc-spa-native: at the top level of a module this run time has no random bytes and no network. " +
                "Ask while a request is handled.",
            { cause }
        );
    }
}

/** Whether this is the error, of any realm. */
export const isNoRequest = (error: unknown): boolean =>
    error !== null && typeof error === "object" && (error as { readonly code?: unknown }).code === NO_REQUEST;
