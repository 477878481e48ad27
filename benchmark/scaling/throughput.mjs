// Requests a second of one machine: by the number of JavaScript threads and processes, and by whose threads verify.

import cluster from "node:cluster";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { shuffled, spread } from "../compare/statistics.mjs";

const WORKER = fileURLToPath(new URL("worker.mjs", import.meta.url));

const KINDS = ["worker_threads", "cluster"];
const COUNTS = [1, 2, 4];
const VERIFICATIONS = ["inline", "threads", "auto"];
const FIGURES = ["perSecond", "cpu", "cores"];

/** What clients send: `what` of the issuers' process. */
const TRAFFIC = [
    { id: "bearer", title: "Bearer ES256, distinct tokens", what: "tokens" },
    { id: "dpop", title: "DPoP, a fresh ES256 proof each", what: "proofs" }
];

/** @returns {Promise<object[]>} an entry for each arrangement */
export async function measureThroughput({ ask, issuers, plan, show }) {
    const { issuerUri } = issuers.find(({ name }) => name === "es256");
    const arrangements = KINDS.flatMap(kind => COUNTS.map(count => ({ kind, count }))).flatMap(arrangement =>
        VERIFICATIONS.map(verification => ({ ...arrangement, verification }))
    );
    const measured = [];
    for (const { id, title, what } of TRAFFIC) {
        const slices = new Map(arrangements.map(arrangement => [arrangement, []]));
        for (let round = 0; round < plan.throughput.rounds; round++) {
            for (const arrangement of shuffled(arrangements)) {
                const items = await ask(what, { issuer: "es256", count: plan.throughput.count });
                slices.get(arrangement).push(await measureOnce({ ...arrangement, issuerUri, items }));
            }
        }
        for (const [arrangement, here] of slices) {
            const figures = FIGURES.map(name => [name, spread(here.map(slice => slice[name]))]);
            measured.push({
                traffic: id,
                title,
                ...arrangement,
                requests: plan.throughput.count,
                ...Object.fromEntries(figures)
            });
        }
        for (const verification of VERIFICATIONS) {
            const figures = measured
                .filter(entry => entry.traffic === id && entry.verification === verification)
                .map(({ kind, count, perSecond }) => `${kind} ${count}: ${Math.round(perSecond.median)}`);
            show(`${title}, ${verification}, requests/s: ${figures.join(" · ")}`);
        }
    }
    return measured;
}

/** The same work, shared out; from the word to begin until the last is done. */
async function measureOnce({ kind, count, verification, issuerUri, items }) {
    const workers = Array.from({ length: count }, () =>
        kind === "cluster" ? startProcess() : startThread()
    );
    await Promise.all(workers.map(({ told }) => told("up")));
    const share = i => items.filter((_, at) => at % count === i);
    await Promise.all(
        workers.map((worker, i) =>
            worker.ask({ what: "work", verification, issuerUri, items: share(i) }, "ready")
        )
    );
    const begun = performance.now();
    const before = process.cpuUsage();
    const done = await Promise.all(workers.map(worker => worker.ask({ what: "begin" }, "done")));
    const elapsed = performance.now() - begun;
    const { user, system } = process.cpuUsage(before);
    await Promise.all(workers.map(({ end }) => end()));
    // Threads are all of this process; each process has told of its own.
    const sum = name => done.reduce((total, worker) => total + worker[name], 0);
    const cpu = kind === "cluster" ? sum("cpu") : user + system;
    // How many cores it had: fewer than there are where others want them too.
    return {
        perSecond: (1000 * sum("count")) / elapsed,
        cpu: cpu / sum("count"),
        cores: cpu / (1000 * elapsed)
    };
}

function startThread() {
    const thread = new Worker(WORKER);
    return talkTo({
        on: thread,
        send: message => thread.postMessage(message),
        end: () => thread.terminate()
    });
}

function startProcess() {
    // Without the warning that processes share no replay memory: here they need not.
    cluster.setupPrimary({ exec: WORKER, serialization: "advanced", execArgv: ["--no-warnings"] });
    const worker = cluster.fork();
    return talkTo({
        on: worker,
        send: message => worker.send(message),
        end: async () => {
            const exited = once(worker, "exit");
            worker.disconnect();
            await exited;
        }
    });
}

function talkTo({ on, send, end }) {
    const heard = new Map();
    const waiting = new Map();
    on.on("message", message => {
        heard.set(message.what, message);
        waiting.get(message.what)?.(message);
    });
    const told = what =>
        new Promise((resolve, reject) => {
            on.once("error", reject);
            on.once("exit", code => reject(new Error(`a worker ended with ${code}`)));
            waiting.set(what, resolve);
            if (heard.has(what)) {
                resolve(heard.get(what));
            }
        });
    return {
        told,
        ask(message, answer) {
            send(message);
            return told(answer);
        },
        end
    };
}
