/**
 * What a run time has beside WebAssembly and `node:crypto`.
 *
 * In: nothing. Out: clocks, timers and texts of the machine, as they were when this library was loaded. Never: the clock that
 * judges tokens: that is an argument of each call.
 */

import { readFileSync } from "node:fs";
import { clearTimeout as clearTimeoutOfNode, setTimeout as setTimeoutOfNode } from "node:timers";
import type { CompiledModule, ReadText } from "./core.js";
import type { SignatureHost } from "./signature-host.js";

/** What the engine asks about keys and signatures while it judges one request, where answers come later. */
export interface Questions {
    /** Calls the engine. It finds the answers that there are; what has none is noted here. */
    during<Result>(call: () => Result): Result;
    /** Resolves when every noted question has its answer: `true`. When the time of the request is over: `false`. */
    answered(): Promise<boolean>;
}

/** What the entry of a run time says of it. */
export interface Host {
    /** The module, compiled at the first call. */
    readonly compiled: () => CompiledModule;
    /** Verifies the signatures of a new engine. */
    readonly newSignatures: () => SignatureHost;
    /** The questions of a new request; `null` where every question has its answer at once. */
    readonly newQuestions: (() => Questions) | null;
    /** Lets this Promise end, although the request that began it has its response. */
    readonly keepRunning: (promise: Promise<void>) => void;
    /** Whether timers run between requests. */
    readonly hasTimers: boolean;
    /** Whether the machine has files. */
    readonly hasFiles: boolean;
}

// Fake timers of an application's tests may replace these later.
export const clearTimeout = clearTimeoutOfNode;
export const setTimeout = setTimeoutOfNode;
export const steady: () => number = performance.now.bind(performance);
export const wall: () => number = Date.now;

/** The longest time of a timer, in milliseconds. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Reads files and variables of the environment. */
export function textsOf({ hasFiles }: Host): ReadText {
    return (kind, name) => {
        if (kind === "variable") {
            return process.env[name] ?? null;
        }
        if (!hasFiles) {
            return undefined;
        }
        try {
            return readFileSync(name, "utf8");
        } catch {
            return null;
        }
    };
}
