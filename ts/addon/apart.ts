/**
 * Keeps what lives as long as the thread apart from the realm and the request that it was made in.
 *
 * In: functions. Out: functions that stand for them; what they make. Never: the last hold on a function: whoever hands
 * one in holds it.
 */

import { AsyncResource } from "node:async_hooks";
import { runInThisContext } from "node:vm";

type Stand = <Args extends unknown[]>(called: (...args: Args) => void) => (...args: Args) => void;

/**
 * A function that calls this one for as long as somebody else holds it.
 *
 * The addon holds its callbacks until the thread ends. A test runner such as Jest gives each file of tests a realm of its
 * own, and lets go of it after the last test: a function of that realm would keep all of it. So this one is made in the
 * thread's first context, and holds weakly.
 */
export const weakly = runInThisContext(
    "called => { const held = new WeakRef(called); return (...args) => { held.deref()?.(...args); }; }"
) as Stand;

const sinceLoading = new AsyncResource("oidc-spa-native", { requireManualDestroy: true });

/**
 * Makes a timer or a callback without what an `AsyncLocalStorage` holds here: of the request that happens to be the first
 * (or of the test, in Jest), it would be held for as long as what is made.
 */
export function apart<Made>(make: () => Made): Made {
    return sinceLoading.runInAsyncScope(make);
}
