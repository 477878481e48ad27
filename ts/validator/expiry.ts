/**
 * Reports the expiry of tokens to functions and signals, by the validator's clock.
 *
 * In: a clock, grants, functions. Out: one call, or a signal, at that time. Never: a timer for each grant, a timer that
 * keeps the process alive.
 */

import type { AccessTokenClaims, Ending, Granted, Validator } from "../../index.js";
import type { Settings } from "../addon/native.js";
import { messageOf, shown } from "./shown.js";

/**
 * Longest time between two readings of the clock: a timer does not notice that the machine slept, or that the clock was
 * set.
 */
const LONGEST_WAIT_MS = 30_000;

/** All functions that wait for the expiry of one validator's tokens, with one timer. */
class Expiries {
    readonly #now: () => number;
    /** By the second, rounded up, in which they are due, so one check passes at most one entry for each second. */
    readonly #waiting = new Map<number, Set<() => void>>();
    #timer: NodeJS.Timeout | undefined;
    /** When the timer checks next, by the validator's clock. */
    #wakes = Number.POSITIVE_INFINITY;

    constructor(now: () => number) {
        this.#now = now;
    }

    /**
     * Calls a function when `due` has passed, in milliseconds since 1970-01-01T00:00:00Z. Returns a function that
     * cancels this.
     */
    at(due: number, act: () => void): () => void {
        const second = Math.ceil(due / 1000);
        const acts = this.#waiting.get(second) ?? new Set();
        this.#waiting.set(second, acts.add(act));
        if (second * 1000 < this.#wakes) {
            this.#waitFor(second * 1000);
        }
        return () => {
            if (acts.delete(act) && acts.size === 0) {
                this.#waiting.delete(second);
            }
            if (this.#waiting.size === 0) {
                this.#stop();
            }
        };
    }

    #stop(): void {
        clearTimeout(this.#timer);
        this.#wakes = Number.POSITIVE_INFINITY;
    }

    /** Until then, or until the clock must be read. */
    #waitFor(next: number): void {
        this.#stop();
        const now = this.#read();
        const wait = Math.min(Math.max(next - now, 0), LONGEST_WAIT_MS);
        this.#wakes = now + wait;
        this.#timer = setTimeout(() => this.#look(), Math.ceil(wait)).unref();
    }

    #look(): void {
        const now = this.#read();
        for (const [second, acts] of this.#waiting) {
            if (second * 1000 <= now) {
                this.#waiting.delete(second);
                for (const act of acts) {
                    acts.delete(act);
                    act();
                }
            }
        }
        let next = Number.POSITIVE_INFINITY;
        for (const second of this.#waiting.keys()) {
            next = Math.min(next, second * 1000);
        }
        this.#waiting.size > 0 ? this.#waitFor(next) : this.#stop();
    }

    /** If the clock fails, each token may have expired: all of them end. */
    #read(): number {
        try {
            return this.#now();
        } catch (error) {
            warn(error);
            return Number.POSITIVE_INFINITY;
        }
    }
}

/** The functions of a validator that report the end of its grants. */
export function expiryBy<Claims>(
    now: () => number,
    { leewaySeconds, maxTokenAgeSeconds }: Pick<Settings, "leewaySeconds" | "maxTokenAgeSeconds">
): Pick<Validator<Claims>, "hasExpired" | "untilExpiry"> {
    const expiries = new Expiries(now);
    const longestAge = maxTokenAgeSeconds ?? Number.POSITIVE_INFINITY;
    // A token without `iat` is granted only if its age does not matter.
    const dueOf = ({ rawClaims: { exp, iat = exp } }: Granted<unknown>) =>
        (Math.min(exp, iat + longestAge) + leewaySeconds) * 1000;
    const hasExpired = (granted: Granted<Claims> | null) => {
        check(granted);
        // In this form, a time that is not a number counts as passed.
        return granted !== null && !(now() < dueOf(granted));
    };
    return {
        hasExpired,
        untilExpiry: (granted, until) => {
            const controller = new AbortController();
            const { signal } = controller;
            let release: () => unknown = () => undefined;
            const expire = () => {
                release();
                controller.abort(new TokenExpired());
            };
            if (until !== undefined) {
                checkEnding(until);
            }
            // If it has ended already, the signal aborts a moment later, so that listeners which are added now are
            // called.
            if (hasExpired(granted)) {
                queueMicrotask(expire);
                return signal;
            }
            const stop = granted === null ? () => undefined : expiries.at(dueOf(granted), expire);
            const end = () => {
                stop();
                controller.abort();
            };
            if (until !== undefined) {
                if (hasEnded(until)) {
                    queueMicrotask(end);
                } else {
                    release = onEnd(until, end);
                }
            }
            return signal;
        }
    };
}

/** The reason of a signal of `untilExpiry`, if the token expired. */
class TokenExpired extends Error {
    override readonly name = "TokenExpired";
    readonly code = "token_expired";

    constructor() {
        super("The access token expired");
    }
}

/** A value that is not a grant must not count as one that never ends. */
function check(granted: Granted<unknown> | null): void {
    const { isSuccess, rawClaims } = Object(granted) as {
        isSuccess?: unknown;
        rawClaims?: AccessTokenClaims;
    };
    if (granted !== null && (isSuccess !== true || typeof rawClaims?.exp !== "number")) {
        throw new TypeError(
            "oidc-spa-native: expected a grant of this validator, such as req.auth, or null for a request without credentials."
        );
    }
}

/** This comes before any function waits for it. */
function checkEnding(until: unknown): void {
    const { once, addEventListener } = Object(until) as { once?: unknown; addEventListener?: unknown };
    if (typeof once !== "function" && typeof addEventListener !== "function") {
        throw new TypeError(
            "oidc-spa-native: untilExpiry takes a response, a socket, a stream or an AbortSignal as its second argument."
        );
    }
}

/** `readyState` of a socket of `ws`, Deno or Bun, and of a connection of socket.io. */
const CLOSED: readonly unknown[] = [3, "closed"];

/** Whether it has ended, as its client may have left while the request was judged: then it will not tell its end any more. */
export function hasEnded(until: object): boolean {
    const { aborted, destroyed, disconnected, readyState } = until as {
        readonly [member in "aborted" | "destroyed" | "disconnected" | "readyState"]?: unknown;
    };
    return aborted === true || destroyed === true || disconnected === true || CLOSED.includes(readyState);
}

/** The members of a connection or a signal with which a listener is taken away again. */
interface Releasing {
    off?(event: "close", listener: () => void): unknown;
    removeEventListener?(type: "abort", listener: () => void): unknown;
}

/**
 * Calls a function at the end. A connection or a signal may live longer than many tokens, so it must keep no reference to
 * them: the returned function takes the listener away.
 */
function onEnd(until: Ending & Releasing, end: () => void): () => unknown {
    if ("once" in until) {
        until.once("close", end);
        return () => until.off?.("close", end);
    }
    until.addEventListener("abort", end, { once: true });
    return () => until.removeEventListener?.("abort", end);
}

const warn = (error: unknown): void =>
    process.emitWarning(shown(messageOf(error, "The clock failed")), {
        type: "oidc-spa-native",
        code: "OIDC_SPA_NATIVE_EXPIRY"
    });
