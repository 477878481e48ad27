/**
 * What a run time has beside WebAssembly and `node:crypto`.
 *
 * In: nothing. Out: clocks, timers and texts of the machine, as they were when this library was loaded. Never: the clock that
 * judges tokens: that is an argument of each call.
 */

import { readFileSync } from "node:fs";
import { clearTimeout as clearTimeoutOfNode, setTimeout as setTimeoutOfNode } from "node:timers";
import type { CompiledModule, ReadText } from "./core.js";

/** Holds the public keys of one engine, and verifies signatures with them. It decides which tokens are accepted. */
export interface SignatureHost {
    /** The number of a key that is to verify this algorithm, of a JWK in JSON; `NO_KEY`, or `NO_KEY_YET`. */
    import(jwk: string, algorithm: string): number;
    /** Whether the signature is good: `false` in case of doubt, `undefined` if it is not known yet. */
    verify(key: number, message: Uint8Array, signature: Uint8Array): boolean | undefined;
    /** The key of this number is not used again. */
    forget(key: number): void;
    /** The JWK, in JSON, of a public key in DER (SubjectPublicKeyInfo); or `null`. */
    jwkOfDer(der: Uint8Array): string | null;
}

/** What `import` answers for what is no key. */
export const NO_KEY = 0;
/** What `import` answers where it is not known yet whether this is a key. */
export const NO_KEY_YET = 2 ** 32 - 1;

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
