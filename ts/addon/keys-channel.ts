/**
 * Hears what the addon tells of issuers and their keys; tells what happens to keys on `node:diagnostics_channel`.
 *
 * In: the addon's events, JSON texts of `KeysEvent` and `FetchEvent`; failed questions of `issuers`. Out: messages of the channel `oidc-spa-native:keys`, warnings. Never: a rule
 * about keys, an exception for the addon.
 */

import { channel } from "node:diagnostics_channel";
import type { KeysEvent } from "../../index.js";
import { onKeysEvent } from "./native.js";
import { apart, weakly } from "../boundary/apart.js";
import { hasOwn } from "../boundary/own.js";
import { isFetchTraced, traceFetch, type FetchEvent } from "./fetch-channel.js";
import { hasListeners } from "./tracing.js";
import { warnOfEvent, type NativeEvent } from "./warnings.js";

// Held here, since Node.js drops a channel without references.
const keys = channel("oidc-spa-native:keys");

let isListening = false;

/**
 * Begins to publish in this JavaScript environment (the main thread, or one worker thread); only the first call has an
 * effect. An environment without a validator gets no events of others.
 *
 * An error of a subscriber reaches neither the addon nor the other subscribers: `publish` makes it an uncaught
 * exception of the process, as on every channel of Node.js. Catching it here would hide it.
 */
export function publishKeysEvents(): void {
    if (isListening) {
        return;
    }
    isListening = true;
    apart(() => onKeysEvent(weakly(publish)));
}

function publish(text: string): void {
    const event = JSON.parse(text) as NativeEvent | FetchEvent;
    if (hasOwn(event, "fetch")) {
        if (isFetchTraced()) {
            traceFetch(event);
        }
        return;
    }
    warnOfEvent(event);
    if (hasListeners(keys) && !event.type.startsWith("store-")) {
        keys.publish(event);
    }
}

/** Publishes that the application's function gave no answer for an issuer. */
export function tellOfLookup(error: string): void {
    if (hasListeners(keys)) {
        keys.publish({ type: "lookup-failed", issuerUri: "", error } satisfies KeysEvent);
    }
}
