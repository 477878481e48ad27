/**
 * Makes the addon's validator from options that were read.
 *
 * In: options. Out: the addon's validator, and the function that completes its answers. Never: a rule about tokens.
 */

import type { CustomReplayStore, ValidatorHealth } from "../../index.js";
import { fetchAccess, theFetches } from "../addon/application-fetch.js";
import { lendAuthorities } from "../addon/authorities.js";
import { watchFleet } from "../addon/fleet.js";
import { publishKeysEvents } from "../addon/keys-channel.js";
import { NativeValidator, type Internals, type Settings } from "../addon/native.js";
import { replayAccess, type Conclude } from "../addon/replay-store.js";
import { warnerOfProcess, watchTroubles, type Warner } from "../addon/warnings.js";
import type { NumberedFetch } from "../boundary/functions.js";
import { checkNothingNear } from "./members.js";
import { plainCopy } from "./options.js";
import { messageOf } from "./shown.js";

/** The addon's validator, its settings, the function that completes its answers, and its health. */
export interface Native {
    readonly native: NativeValidator;
    readonly settings: Settings;
    readonly conclude: Conclude;
    readonly health: () => ValidatorHealth;
}

const STORE_MEMBERS = ["checkAndStore", "timeoutMs", "onUnavailable"] satisfies (keyof CustomReplayStore)[];

/** Keeps the application's function as long as its validator. */
const functionOf = new WeakMap<NativeValidator, NumberedFetch>();

/** Makes the addon's validator. A wrong option is an error of the program: a TypeError. */
export function createNativeValidator(
    options: { readonly [option: string]: unknown },
    internals: Pick<Internals, "dropIn" | "ownClock" | "asksForIssuers"> = {},
    warn: (warning: string) => void = warnOfOptions,
    warner: Warner = warnerOfProcess()
): Native {
    // Without a prototype, so that members of `Object.prototype` are not options.
    const policy = Object.assign(Object.create(null), options) as typeof options;
    const { replayStore: store } = policy;
    if (typeof store === "object" && store !== null && "checkAndStore" in store) {
        checkNothingNear(store, "replayStore", STORE_MEMBERS);
    }
    const { option: replayStore, isOfApplication, concluding } = replayAccess(store);
    const { option: network, made } = fetchAccess(policy.network);
    const text = JSON.stringify(plainCopy({ ...policy, replayStore, network }, ""));
    lendAuthorities();
    let native: NativeValidator;
    try {
        const all = { ...internals, applicationStore: isOfApplication };
        native =
            made === undefined
                ? new NativeValidator(text, all)
                : new NativeValidator(text, { ...all, fetch: made.number }, theFetches());
    } catch (error) {
        throw new TypeError(`oidc-spa-native: ${messageOf(error)}`, { cause: error });
    }
    if (made !== undefined) {
        functionOf.set(native, made);
    }
    const settings = JSON.parse(native.settings()) as Settings;
    for (const warning of settings.warnings) {
        warn(warning);
    }
    // Before the first fetch, so that no event of this validator's issuers is missed.
    watchTroubles(
        native,
        {
            issuerUris: settings.issuerUris,
            asksRedis: settings.hasReplayStore && !isOfApplication
        },
        warner
    );
    publishKeysEvents();
    return {
        native,
        settings,
        conclude: concluding(settings.storeTimeoutMs, warner),
        health: watchFleet(native, {
            isShared: settings.hasReplayStore,
            acceptsDpop: settings.dpop !== "disabled"
        })
    };
}

export function warnOfOptions(warning: string): void {
    process.emitWarning(warning, { type: "oidc-spa-native", code: "OIDC_SPA_NATIVE_OPTIONS" });
}
