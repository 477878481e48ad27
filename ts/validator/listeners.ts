/**
 * Who is told of refusals and of troubles: the functions `onRejected`, of a validator and of a route, and `onWarning`.
 *
 * In: functions of the application, refusals, warnings. Out: a listener that cannot fail. Never: a changed
 * answer, a Promise that ends the process.
 */

import type { OperatorWarning, Refused } from "../../index.js";
import { unexpected } from "./members.js";
import { messageOf, shown } from "./shown.js";

/** Tells of a refusal. It neither throws nor rejects. */
export type RefusalListener<Request = unknown> = (refusal: Refused, request: Request) => void;

/** The functions that a warning was about: one function may listen at many routes. */
const warned = new WeakSet<object>();

/** A listener of this function, whose failing is the application's to see, once, and changes no answer. */
function createListener<Told extends unknown[]>(
    called: (...told: Told) => unknown,
    name: string,
    code: string
): (...told: Told) => void {
    const warn = (error: unknown) => {
        if (!warned.has(called)) {
            warned.add(called);
            process.emitWarning(`${name} failed: ${shown(messageOf(error, "not with an Error"))}`, {
                type: "oidc-spa-native",
                code
            });
        }
    };
    return (...told) => {
        // In a Promise of its own, so that an async function's failing is caught too.
        new Promise(resolve => resolve(called(...told))).catch(warn);
    };
}

export const createRefusalListener = <Request>(
    onRejected: (refusal: Refused, request: Request) => unknown
): RefusalListener<Request> => createListener(onRejected, "onRejected", "OIDC_SPA_NATIVE_ON_REJECTED");

/** The listener of the option `onWarning`. */
export function warningListenerOf(onWarning: unknown): (warning: OperatorWarning) => void {
    if (typeof onWarning !== "function") {
        throw unexpected(
            "option",
            "onWarning",
            "a function",
            onWarning,
            "onWarning: ({ code, message }) => log.warn(code, message)"
        );
    }
    return createListener(
        onWarning as (warning: OperatorWarning) => unknown,
        "onWarning",
        "OIDC_SPA_NATIVE_ON_WARNING"
    );
}

/** The listener of the option, if there is one. It is called once for each refusal, from any caller. */
export function listenerOf(onRejected: unknown): RefusalListener | undefined {
    if (onRejected === undefined) {
        return undefined;
    }
    if (typeof onRejected !== "function") {
        throw unexpected("option", "onRejected", "a function", onRejected, EXAMPLE);
    }
    const notify = createRefusalListener(onRejected as RefusalListener);
    const told = new WeakSet<Refused>();
    return (refusal, request) => {
        if (!told.has(refusal)) {
            told.add(refusal);
            notify(refusal, request);
        }
    };
}

const EXAMPLE =
    "onRejected: ({ refusalId, code, debugErrorMessage }) => console.warn(refusalId, code, debugErrorMessage)";
