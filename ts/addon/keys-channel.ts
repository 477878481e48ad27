/**
 * Tells what happens to issuers' keys on `node:diagnostics_channel`.
 *
 * In: the addon's events, JSON text of `KeysEvent`; failed questions of `issuers`. Out: messages of the channel `oidc-spa-native:keys`, warnings. Never: a rule
 * about keys, an exception for the addon.
 */

import { channel } from "node:diagnostics_channel";
import type { KeysEvent } from "../../index.js";
import { onKeysEvent } from "./native.js";
import { apart, weakly } from "./apart.js";
import { warnOfEvent, type NativeEvent } from "./warnings.js";

// Held here: Node.js keeps no channel that nobody holds.
const keys = channel("oidc-spa-native:keys");

let isListening = false;

/**
 * Begins to publish in this JavaScript environment (the main thread, or one worker thread); once, however often it is
 * called. An environment without a validator is not woken for events of others.
 *
 * A subscriber that throws reaches neither the addon nor the other subscribers: `publish` hands what it threw to the
 * process as an uncaught exception, as it does on every channel of Node.js. Catching it here would hide it.
 */
export function publishKeysEvents(): void {
    if (isListening) {
        return;
    }
    isListening = true;
    apart(() => onKeysEvent(weakly(publish)));
}

function publish(event: string): void {
    const told = JSON.parse(event) as NativeEvent;
    warnOfEvent(told);
    if (keys.hasSubscribers && !told.type.startsWith("store-")) {
        keys.publish(told);
    }
}

/** Tells that the application's function could not say of an issuer whether it is accepted. */
export function tellOfLookup(error: string): void {
    if (keys.hasSubscribers) {
        keys.publish({ type: "lookup-failed", issuerUri: "", error } satisfies KeysEvent);
    }
}
