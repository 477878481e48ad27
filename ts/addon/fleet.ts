/**
 * Notices when this process is one of several that each remember DPoP proofs for themselves.
 *
 * In: the process's environment, a validator's health. Out: one warning a process, and a sentence for `health()`. May
 * use: native, node:cluster, node:worker_threads. Never: a verdict, an exception.
 */

import type { ValidatorHealth } from "../../index.js";
import { engine, isFirstToAsk, type NativeValidator } from "./native.js";

/** The kind of fleet to which this process belongs on its machine, if it can be recognized. */
function fleet(): string | undefined {
    const { NODE_UNIQUE_ID, pm_id, NODE_APP_INSTANCE, instances } = process.env;
    if (isClusterWorker() || NODE_UNIQUE_ID !== undefined) {
        return "process is a worker of a Node.js cluster";
    }
    // The addon has one memory for all threads of a process.
    if (engine === "wasm" && !isMainThread()) {
        return "thread has a WebAssembly engine of its own";
    }
    // PM2 numbers the instances of a program from 0. A program that runs once has that number too.
    const isOneOfSeveral = Number(NODE_APP_INSTANCE) > 0 || Number(instances) > 1;
    return pm_id !== undefined && isOneOfSeveral
        ? "process is one of several instances under PM2"
        : undefined;
}

/** Without a channel to a primary process it is none, and the module, which takes milliseconds to load, is not needed. */
function isClusterWorker(): boolean {
    return (
        process.send !== undefined &&
        (require("node:cluster") as typeof import("node:cluster").default).isWorker
    );
}

function isMainThread(): boolean {
    return (require("node:worker_threads") as typeof import("node:worker_threads")).isMainThread;
}

const STORE = engine === "wasm" ? "{ checkAndStore }" : '{ redis: "redis://host:6379" }';

/** The sentence, if a validator that accepts DPoP has no replay store. */
function noticeFor(isShared: boolean, acceptsDpop: boolean): string | null {
    const kind = isShared || !acceptsDpop ? undefined : fleet();
    return kind === undefined
        ? null
        : `This ${kind}, and remembers DPoP proofs for itself only: each ${kind.split(" ", 1)[0]} accepts the same proof ` +
              `once. Give all of them createValidator's option replayStore, such as ${STORE}. Until then, ` +
              'nonce: "required" with a nonceSecret that all share shortens the time in which a stolen proof is of use.';
}

/**
 * Warns once in a process if each process of a fleet remembers proofs for itself, and adds the sentence to `health()`.
 */
export function watchFleet(
    native: NativeValidator,
    { isShared, acceptsDpop }: { readonly isShared: boolean; readonly acceptsDpop: boolean }
): () => ValidatorHealth {
    const notice = noticeFor(isShared, acceptsDpop);
    if (notice !== null && isFirstToAsk()) {
        process.emitWarning(notice, {
            type: "oidc-spa-native",
            code: "OIDC_SPA_NATIVE_REPLAY_MEMORY_NOT_SHARED"
        });
    }
    return () => {
        const health = JSON.parse(native.health()) as Omit<ValidatorHealth, "engine">;
        health.replayMemory.notice = notice;
        return { engine, ...health };
    };
}
