// Workers and processes that end while answers are under way: nothing may happen to the rest of the process.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { NO_NETWORK_VARIABLES, root } from "../support/script.js";

let f: Fixtures;
let silentIssuer: Fixtures;
let environment: Record<string, string>;
const connections = new Set<Socket>();
// Takes connections, and never says a word.
const silentRedis = createServer(socket => {
    connections.add(socket);
    socket.on("error", () => undefined).on("close", () => connections.delete(socket));
});

beforeAll(async () => {
    [f, silentIssuer] = await Promise.all([createFixtures(), createFixtures()]);
    silentIssuer.issuer.isSilent = true;
    silentRedis.listen(0, "127.0.0.1");
    await once(silentRedis, "listening");
    const now = nowInSeconds();
    const bound = f.boundToken(now);
    environment = {
        AUDIENCE,
        ITEMS,
        ISSUER: f.issuer.issuerUri,
        SILENT: silentIssuer.issuer.issuerUri,
        REDIS: `redis://127.0.0.1:${(silentRedis.address() as AddressInfo).port}`,
        JWKS: JSON.stringify(f.issuer.jwks),
        TOKEN: f.token(now),
        BOUND: bound,
        PROOF: f.proof(now, bound)
    };
});

afterAll(async () => {
    connections.forEach(socket => socket.destroy());
    silentRedis.close();
    await Promise.all([f.issuer.close(), silentIssuer.issuer.close()]);
});

/** What an answer can wait for: each begins to wait for some, and resolves once all have come. */
const STATES = `
    const { createValidator } = require("oidc-spa-native");
    const { AUDIENCE, ITEMS, ISSUER, SILENT, REDIS, JWKS, TOKEN, BOUND, PROOF } = process.env;
    const withKeys = options => createValidator({
        issuerUri: ISSUER, expectedAudience: AUDIENCE, keys: { jwks: JSON.parse(JWKS) }, verifiedTokenMemory: false,
        // A store that is silent is told of once in the process, by the first worker that asks it.
        onWarning: () => undefined, ...options
    });
    // The waits are over after some 20 ms: about when the environment ends.
    const withoutKeys = verification => createValidator({
        issuerUri: SILENT, expectedAudience: AUDIENCE, verification, onWarning: () => undefined, keysTimeoutMs: 15 + Math.floor(10 * Math.random())
    });
    const bearer = validator => validator.validateRequest({ authorization: "Bearer " + TOKEN });
    const dpop = validator => validator.validateRequest({ authorization: "DPoP " + BOUND, dpop: PROOF }, { method: "GET", url: ITEMS });
    const some = (count, ask, validator) => Promise.all(Array.from({ length: count }, () => ask(validator)));
    const ready = validator => validator.ready({ timeoutMs: 20 }).catch(() => undefined);
    const explain = validator => validator.explain({ authorization: "Bearer " + TOKEN });
    const redis = verification => withKeys({ verification, replayStore: { redis: REDIS, timeoutMs: 20 } });
    const STATES = {
        "ready()": () => some(2, ready, withoutKeys("auto")),
        "explain()": () => some(2, explain, withoutKeys("auto")),
        "keys": () => some(4, bearer, withoutKeys("inline")),
        "keys, on a thread": () => some(4, bearer, withoutKeys("threads")),
        "Redis": () => some(4, dpop, redis("inline")),
        "Redis, on a thread": () => some(4, dpop, redis("threads")),
        "a signature on a thread": () => some(300, bearer, withKeys({ verification: "threads" })),
        "an application's store": () => some(4, dpop, withKeys({
            verification: "threads",
            replayStore: { checkAndStore: () => new Promise(resolve => setTimeout(resolve, 20, false)) }
        }))
    };
`;

/** The exit status or the signal of a program, and what it said. */
async function ends(text: string, env: Record<string, string> = {}) {
    const child = spawn(process.execPath, ["--input-type=commonjs", "--eval", text], {
        cwd: root,
        env: { ...process.env, ...NO_NETWORK_VARIABLES, ...environment, ...env }
    });
    let said = "";
    child.stdout.on("data", data => (said += data));
    child.stderr.on("data", data => (said += data));
    const [status, signal] = (await once(child, "close")) as [number | null, string | null];
    return { end: signal ?? status, said: said.trim() };
}

/** How a worker ends, in its own words; one that waits for a word of its parent is terminated. */
const WORKER_ENDS = {
    "process.exit()": "process.exit(0)",
    "an uncaught error": 'throw new Error("on purpose")',
    "worker.terminate()": 'require("node:worker_threads").parentPort.postMessage("now")'
};

/** Workers that end in the states `NAMES`, while the main thread has the addon too or not. */
const WORKERS = `
    const { Worker } = require("node:worker_threads");
    const { STATES, THEIR_END, NAMES, COUNT, MAIN_HAS_IT } = process.env;
    if (MAIN_HAS_IT === "yes") require("oidc-spa-native");
    const end = (name, ms) => new Promise(resolve => {
        const code = STATES + "void STATES[" + JSON.stringify(name) + "](); setTimeout(() => {" + THEIR_END + "}, " + ms + ");";
        const worker = new Worker(code, { eval: true, stderr: true });
        worker.on("message", () => worker.terminate());
        worker.on("error", () => undefined);
        worker.on("exit", resolve);
    });
    async function main() {
        for (const name of JSON.parse(NAMES)) {
            for (let i = 0; i < Number(COUNT); i += 4) {
                // From before the first answer to after the last.
                await Promise.all([0, 1, 2, 3].map(k => end(name, (i + k) % 24)));
            }
        }
        eval(STATES + 'globalThis.alive = bearer(withKeys({ verification: "threads" }))');
        console.log((await globalThis.alive).isSuccess ? "alive" : "refuses");
    }
    main();
`;

const NAMES = [
    "ready()",
    "explain()",
    "keys",
    "keys, on a thread",
    "Redis",
    "Redis, on a thread",
    "a signature on a thread",
    "an application's store"
];

test.each(Object.entries(WORKER_ENDS))(
    "workers that wait, and end by %s, take nobody along",
    { timeout: 120_000 },
    async (_, THEIR_END) => {
        for (const MAIN_HAS_IT of ["yes", "no"]) {
            const COUNT = MAIN_HAS_IT === "yes" ? "24" : "4";
            const env = { STATES, THEIR_END, COUNT, MAIN_HAS_IT, NAMES: JSON.stringify(NAMES) };
            expect(await ends(WORKERS, env)).toEqual({ end: 0, said: "alive" });
        }
    }
);

test("a worker that waits lives until all is answered, and then ends by itself", {
    timeout: 60_000
}, async () => {
    const text = `
        const { Worker } = require("node:worker_threads");
        const names = ${JSON.stringify(NAMES)};
        const code = name => ${JSON.stringify(STATES)} +
            "STATES[" + JSON.stringify(name) + "]().then(answers => require('node:worker_threads').parentPort.postMessage(answers.length));";
        Promise.all(names.map(name => new Promise((resolve, reject) => {
            let heard = "nothing";
            new Worker(code(name), { eval: true }).on("message", count => (heard = count)).on("error", reject)
                .on("exit", status => resolve(status + ":" + heard));
        }))).then(all => console.log(all.join(" ")));`;
    expect(await ends(text)).toEqual({ end: 0, said: "0:2 0:2 0:4 0:4 0:4 0:4 0:300 0:4" });
});

test("a process that waits ends as it was told to", { timeout: 120_000 }, async () => {
    for (const name of NAMES) {
        for (const ms of [0, 12, 20]) {
            const wait = `${STATES} void STATES[${JSON.stringify(name)}](); setTimeout(() => {`;
            const exit = await ends(`${wait} process.exit(7); }, ${ms});`);
            expect([name, ms, exit]).toEqual([name, ms, { end: 7, said: "" }]);
            const thrown = await ends(`${wait} throw new Error("on purpose"); }, ${ms});`);
            expect([name, ms, thrown.end]).toEqual([name, ms, 1]);
            expect(thrown.said).toContain("on purpose");
        }
    }
});

test("events of keys reach no environment that is gone", { timeout: 60_000 }, async () => {
    const text = `
        const { Worker } = require("node:worker_threads");
        // Refused at once, so that each worker's validator has an event to tell all the others.
        const code = \`
            const { createValidator } = require("oidc-spa-native");
            const validator = createValidator({ issuerUri: "http://127.0.0.1:9/" + Math.random(), expectedAudience: "x", onWarning: () => undefined });
            validator.ready({ timeoutMs: 50 }).catch(() => undefined);
            setTimeout(() => process.exit(0), 20 * Math.random());
        \`;
        const end = () => new Promise(resolve => new Worker(code, { eval: true }).on("exit", resolve));
        async function main() {
            for (let i = 0; i < 12; i++) await Promise.all([0, 1, 2, 3].map(end));
            console.log("alive");
        }
        main();`;
    expect(await ends(text)).toEqual({ end: 0, said: "alive" });
});

test("validators that are made and dropped in workers leave nothing behind that is used", {
    timeout: 120_000
}, async () => {
    const text = `
        const { Worker } = require("node:worker_threads");
        const code = \`
            const { createValidator } = require("oidc-spa-native");
            const { ISSUER, AUDIENCE, JWKS, TOKEN } = process.env;
            const make = i => createValidator({
                issuerUri: ISSUER, expectedAudience: AUDIENCE, keys: { jwks: JSON.parse(JWKS) }, verification: "threads"
            });
            async function main() {
                let granted = 0;
                for (let i = 0; i < 1000; i++) {
                    const verdict = make(i).validateRequest({ authorization: "Bearer " + TOKEN });
                    // One in ten is waited for; the others go while theirs is under way.
                    if (i % 10 === 0) granted += (await verdict).isSuccess ? 1 : 0;
                }
                require("node:worker_threads").parentPort.postMessage(granted);
                process.exit(0);
            }
            main();
        \`;
        const make = () => new Promise((resolve, reject) => new Worker(code, { eval: true }).on("message", resolve).on("error", reject));
        async function main() {
            const granted = [];
            for (let i = 0; i < 5; i++) granted.push(...await Promise.all([make(), make()]));
            console.log(granted.join(" "));
        }
        main();`;
    expect(await ends(text)).toEqual({ end: 0, said: Array(10).fill("100").join(" ") });
});
