// One slice of time: some validations, so many in flight, every answer checked. Processor time of the whole process and
// of the main thread, latencies, and how long the event loop was held up.

import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { collectGarbage } from "./garbage.mjs";

const LOOP_RESOLUTION_MS = 5;
const SETTLE_MS = 4;
const SETTLED_MICROS = 400;

/**
 * @param {object} slice
 * @param {(input: unknown) => unknown} slice.verify
 * @param {unknown[]} slice.inputs
 * @param {string[]} slice.expected - the `jti` of each answer
 * @param {number} slice.concurrency
 * @param {number} slice.warmUp - so many of the inputs come before the clock starts
 * @param {() => unknown} [slice.ready] - awaited when all is quiet, before the clock starts
 * @returns times in microseconds; `cpu` and `main` are those of one validation
 */
export async function measure({ verify, inputs, expected, concurrency, warmUp, ready }) {
    const loop = concurrency === 1 ? oneByOne : inFlight;
    const lap = async (from, to) => {
        const length = to - from;
        const latencies = new Float64Array(length);
        const answers = { inputs: inputs.slice(from, to), expected: expected.slice(from, to) };
        const wrong = await loop({ verify, ...answers, concurrency, latencies });
        if (wrong > 0) {
            throw new Error(`${wrong} of ${length} answers were wrong`);
        }
        return latencies;
    };
    await settle();
    await lap(0, warmUp);
    await settle();
    await ready?.();
    const delays = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
    delays.enable();
    const [before, begun] = [cpuMicros(), performance.now()];
    const latencies = await lap(warmUp, inputs.length);
    const [elapsed, after] = [performance.now() - begun, cpuMicros()];
    await turn();
    delays.disable();
    latencies.sort();
    const { length } = latencies;
    return {
        cpu: (after.process - before.process) / length,
        main: after.main === undefined ? undefined : (after.main - before.main) / length,
        perSecond: (1000 * length) / elapsed,
        p50: 1000 * latencies[Math.floor((length - 1) * 0.5)],
        p99: 1000 * latencies[Math.floor((length - 1) * 0.99)],
        loopDelay: Math.max(0, delays.max / 1000 - LOOP_RESOLUTION_MS * 1000)
    };
}

/** The next comes when the one before has its answer, and in a turn of the event loop of its own, as over a socket. */
async function oneByOne({ verify, inputs, expected, latencies }) {
    let wrong = 0;
    for (let i = 0; i < inputs.length; i++) {
        const arrived = performance.now();
        let claims;
        try {
            claims = await verify(inputs[i]);
        } catch {
            claims = undefined;
        }
        latencies[i] = performance.now() - arrived;
        wrong += claims?.jti === expected[i] ? 0 : 1;
        await turn();
    }
    return wrong;
}

/**
 * As many clients as `concurrency`, each of which sends its next request when it has an answer. Requests arrive in turns
 * of the event loop: those whose answers were given in one turn come in the next one, together.
 */
function inFlight({ verify, inputs, expected, concurrency, latencies }) {
    return new Promise(resolve => {
        let [next, done, wrong, idle, isTurnDue] = [0, 0, 0, concurrency, false];

        const arrive = () => {
            isTurnDue = false;
            const arrived = performance.now();
            for (let free = idle; free > 0 && next < inputs.length; free--) {
                idle--;
                answer(next++, arrived);
            }
        };
        const answer = (i, arrived) => {
            try {
                const claims = verify(inputs[i]);
                if (typeof claims?.then === "function") {
                    claims.then(
                        claims => finish(i, arrived, claims),
                        () => finish(i, arrived)
                    );
                } else {
                    finish(i, arrived, claims);
                }
            } catch {
                finish(i, arrived);
            }
        };
        const finish = (i, arrived, claims) => {
            latencies[i] = performance.now() - arrived;
            wrong += claims?.jti === expected[i] ? 0 : 1;
            idle++;
            if (++done === inputs.length) {
                resolve(wrong);
            } else if (!isTurnDue) {
                isTurnDue = true;
                setImmediate(arrive);
            }
        };
        setImmediate(arrive);
    });
}

/**
 * One's garbage must not be another's work, nor what V8 does about it on other threads. Only the young: with each full
 * collection V8 throws away compiled code, and what a slice showed would be how it is compiled again.
 */
async function settle() {
    collectGarbage({ type: "minor" });
    for (let tries = 0; tries < 20; tries++) {
        const before = cpuMicros().process;
        await sleep(SETTLE_MS);
        if (cpuMicros().process - before < SETTLED_MICROS) {
            return;
        }
    }
}

const turn = () => new Promise(resolve => setImmediate(resolve));

/** What was used of the processors, in microseconds: by the process, and by this thread where the system tells. */
export function cpuMicros() {
    // Asked first: Linux brings a thread's own account up to date when it is asked for the process's.
    const { user, system } = process.cpuUsage();
    return { process: user + system, main: threadMicros() };
}

function threadMicros() {
    if (process.platform === "linux") {
        return Number(readFileSync("/proc/thread-self/schedstat", "latin1").split(" ", 1)[0]) / 1000;
    }
    // Node.js 23.9 and later.
    const usage = process.threadCpuUsage?.();
    return usage && usage.user + usage.system;
}
