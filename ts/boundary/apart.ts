/**
 * Separates objects that live as long as the thread from the realm and the request in which they were made.
 *
 * In: functions. Out: functions that call them; the objects that they make. Never: the only reference to a function:
 * the caller must keep one.
 */

import { AsyncResource } from "node:async_hooks";
import { runInThisContext } from "node:vm";

type Stand = <Args extends unknown[]>(called: (...args: Args) => void) => (...args: Args) => void;

/**
 * A function that calls this one while other code holds a reference to this one.
 *
 * The addon holds its callbacks until the thread ends. A test runner such as Jest gives each file of tests a realm of
 * its own, and drops it after the last test. A function of that realm would keep the whole realm in memory. So this
 * function is made in the thread's first context, and holds only a weak reference.
 */
export const weakly = stand();

function stand(): Stand {
    try {
        return runInThisContext(
            "called => { const held = new WeakRef(called); return (...args) => { held.deref()?.(...args); }; }"
        ) as Stand;
    } catch {
        // workerd runs no code from texts, and has no realms.
        return called => called;
    }
}

const sinceLoading = new AsyncResource("oidc-spa-native", { requireManualDestroy: true });

/**
 * Makes a timer or a callback outside of the current `AsyncLocalStorage`. Otherwise the store of the first request (in
 * Jest, of the first test) would stay in memory as long as the timer or callback.
 */
export function apart<Made>(make: () => Made): Made {
    return sinceLoading.runInAsyncScope(make);
}
