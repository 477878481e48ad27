/**
 * The application's own replay store. It is asked for a limited time, and only `true` and `false` count as answers.
 *
 * In: the option `replayStore`; a request that waits for the store's answer. Out: its verdict. Never: a verdict of its
 * own, an exception for a fault of the store.
 */

import type { CustomReplayStore } from "../../index.js";
import { inTheEnd } from "./inbox.js";
import type { NativeAnswer, NativeUnsettled, VerdictText } from "./native.js";
import { isWait, isVerdictText } from "./verdict-text.js";
import { storeTurn, type Warner } from "./warnings.js";

/** Requests that wait for one replay store at a time. More are refused at once. */
const MAX_WAITING = 10_000;
/** So long after its time, in milliseconds, a request that still waits is gone: workerd ends all that it has begun. */
const GRACE_MS = 1000;
// Fake timers of an application's tests may replace this later.
const steady = performance.now.bind(performance);

/** Completes an answer: waits for the store if it must, and returns the verdict. */
export type Conclude = (answer: NativeAnswer) => VerdictText | Promise<VerdictText>;

/** The option for the addon, and the function that completes answers. */
export interface ReplayAccess {
    /** The option as the addon reads it. */
    readonly option: unknown;
    /** Whether it is the application's own store, which the addon does not ask. */
    readonly isOfApplication: boolean;
    /** Time limit of the application's store, and the receiver of warnings about it. */
    readonly concluding: (timeoutMs: number, warner: Warner) => Conclude;
}

/** Reads the option. The application's store stays here; the addon only learns that there is one. */
export function replayAccess(option: unknown): ReplayAccess {
    refuseClients(option);
    if (typeof option !== "object" || option === null || !("checkAndStore" in option)) {
        return {
            option,
            isOfApplication: false,
            concluding: () => answer => conclude(answer, refuseToSettle)
        };
    }
    const store = option as CustomReplayStore;
    if (typeof store.checkAndStore !== "function") {
        const { checkAndStore: got } = store as { readonly checkAndStore: unknown };
        throw new TypeError(
            `oidc-spa-native: the option "replayStore.checkAndStore": expected a function; got ${got === null ? "null" : `a value of type ${typeof got}`}. ` +
                "Write checkAndStore: async (key, expiresAt) => …, which resolves to true where the key is new, and to false " +
                "where it is not."
        );
    }
    if ("redis" in option) {
        throw new TypeError("oidc-spa-native: replayStore takes either redis or checkAndStore, not both.");
    }
    // Read once: the addon checks them.
    const { timeoutMs, onUnavailable } = store;
    return {
        option: { timeoutMs, onUnavailable },
        isOfApplication: true,
        concluding: (timeoutMs, warner) => {
            const ask = asker(store, timeoutMs, warner);
            return answer => conclude(answer, ask);
        }
    };
}

/** A client of Redis that the application has already: it goes into `checkAndStore`. */
function refuseClients(option: unknown): void {
    const redis: unknown = Object(option).redis;
    const isClient = "checkAndStore" in Object(option) ? false : typeof Object(option).set === "function";
    if (isClient || (typeof redis === "object" && redis !== null) || typeof redis === "function") {
        throw new TypeError(
            `oidc-spa-native: ${isClient ? "replayStore" : "replayStore.redis"}: expected ` +
                `${isClient ? "{ redis }" : "redis"} with a URL, for example "redis://127.0.0.1:6379", but an object was given. ` +
                "A client of ioredis or node-redis goes into a function, replayStore: { checkAndStore }, which docs/dpop.md shows."
        );
    }
}

type Settle = (unsettled: NativeUnsettled) => VerdictText | Promise<VerdictText>;

function conclude(answer: NativeAnswer, settle: Settle): VerdictText | Promise<VerdictText> {
    if (isVerdictText(answer)) {
        return answer;
    }
    return isWait(answer)
        ? inTheEnd(ticket => answer.answerUnder(ticket)).then(verdict => conclude(verdict, settle))
        : settle(answer);
}

function refuseToSettle(unsettled: NativeUnsettled): VerdictText {
    return unsettled.settle(null, "internal error: there is no replay store to ask");
}

/** A request that waits for the store. */
interface Waiting {
    readonly unsettled: NativeUnsettled;
    /** The latest time, on the steady clock, at which a request that still exists goes on. */
    readonly until: number;
    /** Its verdict, if others gave it up. */
    verdict?: VerdictText;
}

function asker(store: CustomReplayStore, timeoutMs: number, warner: Warner): Settle {
    const waiting = new Set<Waiting>();
    let isFailing = false;
    return async unsettled => {
        const now = steady();
        giveUpLost(waiting, now);
        if (waiting.size >= MAX_WAITING) {
            return unsettled.settle(null, `${MAX_WAITING} requests wait for checkAndStore already`);
        }
        const own: Waiting = { unsettled, until: now + timeoutMs + GRACE_MS };
        waiting.add(own);
        let word: Word;
        try {
            word = await within(timeoutMs, ask(store, unsettled));
        } finally {
            waiting.delete(own);
        }
        const error = typeof word === "boolean" ? null : word;
        if (error !== null || isFailing) {
            isFailing = error !== null;
            warner(storeTurn(error, "custom"));
        }
        return (
            own.verdict ??
            (typeof word === "boolean" ? unsettled.settle(word, null) : unsettled.settle(null, word))
        );
    };
}

/** Gives up those whose request is gone, so that they fill neither the places nor the engine. The oldest come first. */
function giveUpLost(waiting: Set<Waiting>, now: number): void {
    for (const one of waiting) {
        if (one.until > now) {
            return;
        }
        waiting.delete(one);
        one.verdict = one.unsettled.settle(null, "the request ended before checkAndStore answered");
    }
}

/** Whether the proof is new; or why there is no answer, without text that may be a secret. */
type Word = boolean | string;

async function ask(store: CustomReplayStore, { key, expiresAt }: NativeUnsettled): Promise<Word> {
    let answer: unknown;
    try {
        answer = await store.checkAndStore(key, expiresAt);
    } catch (error) {
        return `checkAndStore failed${errorCode(error)}`;
    }
    return typeof answer === "boolean"
        ? answer
        : `checkAndStore answered ${kindOf(answer)} where true or false is expected`;
}

/** A code such as ECONNREFUSED. The message is not repeated, since it may hold a password. */
function errorCode(error: unknown): string {
    try {
        const code: unknown = (error as { code?: unknown } | null | undefined)?.code;
        return typeof code === "string" && /^[A-Z][A-Z0-9_]{0,39}$/.test(code) ? ` with ${code}` : "";
    } catch {
        return ""; // a getter that throws
    }
}

function kindOf(answer: unknown): string {
    return answer === null || answer === undefined ? String(answer) : `a ${typeof answer}`;
}

/** Waits for the answer, but no longer than `ms`. */
async function within(ms: number, word: Promise<Word>): Promise<Word> {
    let timer: NodeJS.Timeout | undefined;
    const elapsed = new Promise<Word>(resolve => {
        timer = setTimeout(resolve, ms, `checkAndStore gave no answer within ${ms} ms`);
    });
    try {
        return await Promise.race([word, elapsed]);
    } finally {
        clearTimeout(timer);
    }
}
