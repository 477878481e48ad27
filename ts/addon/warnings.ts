/**
 * Warns operators when a trouble begins and when it ends: of keys, of a replay store, of the function `issuers`.
 *
 * In: the addon's events, what the application's functions do. Out: warnings of the process, or calls of `onWarning`.
 * Never: a warning a request, one for each thread, an exception for what a listener does.
 */

import type { OperatorWarning } from "../../index.js";
import { apart } from "../boundary/apart.js";
import { NativeTroubles } from "./native.js";

/** The beginning or the end of a trouble. A trouble begins for the first of `things`; it ends for all of them. */
export interface Turn extends Pick<OperatorWarning, "code" | "state" | "issuerUri" | "error"> {
    readonly things: readonly [string, ...string[]];
    readonly message: string;
}

/** Receives the troubles of one validator, or of all validators without `onWarning`. */
export type Warner = (turn: Turn) => void;

/** The end of the last warning of a period. */
const NO_MORE =
    " This is the last of 20 such warnings within 10 minutes; further troubles are not warned of in that time. health() lists them.";

function createWarner(troubles: NativeTroubles, tell: (warning: OperatorWarning) => void): Warner {
    return ({ things, message, ...turn }) => {
        if (turn.state === "recovered") {
            // All of them end, also those that were not reported.
            const reported = things.filter(thing => troubles.end(thing));
            reported.length > 0 && tell({ ...turn, message });
            return;
        }
        const answer = troubles.begin(things[0]);
        if (answer > 0) {
            tell({ ...turn, message: answer === 2 ? message + NO_MORE : message });
        }
    };
}

let ofProcess: Warner | undefined;

/** Emits warnings of the process, whichever of its threads sees the trouble first. */
export function warnerOfProcess(): Warner {
    ofProcess ??= createWarner(new NativeTroubles(true), ({ code, message }) =>
        process.emitWarning(message, { type: "oidc-spa-native", code })
    );
    return ofProcess;
}

/** Calls this function, which neither throws nor rejects. */
export const warnerCalling = (tell: (warning: OperatorWarning) => void): Warner =>
    createWarner(new NativeTroubles(false), warning => apart(() => tell(warning)));

/** What a validator hears of. */
export interface Watched {
    readonly issuerUris: readonly string[];
    /** Whether it asks Redis about proofs. */
    readonly asksRedis: boolean;
}

interface Watch {
    readonly warner: Warner;
}

/** The watches of each issuer and of Redis. They do not keep a validator alive. */
const watches = new Map<string, Set<WeakRef<Watch>>>();
const REDIS = "redis";
const ofIssuer = (issuerUri: string): string => `issuer ${issuerUri}`;
/** A watch lives as long as what it is for. */
const watchOf = new WeakMap<object, Watch>();

/** After how many new watches those of collected validators are removed. As many as lived at the last removal. */
let untilRemoval = 64;

/**
 * Removes what collected validators left. Not with a `FinalizationRegistry`: Node.js may call one while a worker thread
 * ends, when no JavaScript may run any more. That ends the whole process.
 */
function removeGone(): void {
    let alive = 0;
    for (const [key, all] of watches) {
        for (const watch of all) {
            watch.deref() === undefined && all.delete(watch);
        }
        alive += all.size;
        all.size === 0 && watches.delete(key);
    }
    untilRemoval = Math.max(64, alive);
}

/** Calls a validator's warner for its issuers and for Redis, while the validator lives. */
export function watchTroubles(validator: object, { issuerUris, asksRedis }: Watched, warner: Warner): void {
    const watch: Watch = { warner };
    const reference = new WeakRef(watch);
    const keys = [...issuerUris.map(ofIssuer), ...(asksRedis ? [REDIS] : [])];
    watchOf.set(validator, watch);
    for (const key of keys) {
        const all = watches.get(key) ?? new Set();
        watches.set(key, all.add(reference));
    }
    untilRemoval -= keys.length;
    untilRemoval <= 0 && removeGone();
}

/** Calls each warner that the key concerns, once. */
function warnThose(key: string, turn: Turn): void {
    const alive = Array.from(watches.get(key) ?? [], watch => watch.deref()?.warner);
    for (const warner of new Set(alive)) {
        warner?.(turn);
    }
}

/** An event of the addon. Those of the store are no events of keys. */
export interface NativeEvent {
    readonly type: string;
    readonly issuerUri: string;
    readonly error?: string;
}

/** Warns of what an event begins or ends. */
export function warnOfEvent({ type, issuerUri, error = "" }: NativeEvent): void {
    const [failed, stale] = [`failed ${issuerUri}`, `stale ${issuerUri}`];
    const keys = (turn: Pick<Turn, "state" | "things" | "message">): void =>
        warnThose(ofIssuer(issuerUri), {
            ...turn,
            code: "OIDC_SPA_NATIVE_KEYS",
            issuerUri,
            error: error === "" ? null : error
        });
    switch (type) {
        case "failed":
            keys({
                state: "failed",
                things: [failed],
                message:
                    `The keys of ${issuerUri} cannot be fetched: ${error}. Keys that are there serve on for a time ` +
                    "(keysOutageSeconds); without keys requests are refused with 503."
            });
            break;
        case "stale":
            keys({
                state: "stale",
                things: [stale],
                message:
                    `The keys of ${issuerUri} are beyond their age, and serve on while the issuer cannot be reached. When ` +
                    "keysOutageSeconds have passed, requests are refused with 503."
            });
            break;
        case "recovered":
            keys({
                state: "recovered",
                things: [failed, stale],
                message: `The keys of ${issuerUri} are fetched again.`
            });
            break;
        case "store-failed":
            warnThose(REDIS, storeTurn(error, "redis"));
            break;
        case "store-recovered":
            warnThose(REDIS, storeTurn(null, "redis"));
            break;
        default:
    }
}

/** A replay store that gives no answer, and why; or that answers again. */
export function storeTurn(error: string | null, kind: "redis" | "custom"): Turn {
    return {
        code: "OIDC_SPA_NATIVE_REPLAY_STORE",
        state: error === null ? "recovered" : "failed",
        things: [`store ${kind}`],
        issuerUri: null,
        error,
        message:
            error === null
                ? "The replay store answers again."
                : `The replay store gives no answer: ${error}. Requests with a DPoP proof are refused with 503, or judged by ` +
                  "the memory of this process where replayStore.onUnavailable says so."
    };
}

/** The function `issuers` that cannot say whether an issuer is accepted, and why; or that answers again. */
export function lookupTurn(error: string | null): Turn {
    return {
        code: "OIDC_SPA_NATIVE_ISSUER_LOOKUP",
        state: error === null ? "recovered" : "failed",
        things: ["lookup"],
        issuerUri: null,
        error,
        message:
            error === null
                ? "The function issuers answers again."
                : `The function issuers cannot say whether an issuer is accepted: ${error}. Requests whose token names it are ` +
                  "refused with 503."
    };
}
