// Verdicts that are under way on other threads while their process or thread ends, or while time stands still.

import { afterAll, beforeAll, expect, test } from "vitest";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { script } from "../support/script.js";

let f: Fixtures;
let environment: Record<string, string>;

beforeAll(async () => {
    f = await createFixtures();
    environment = {
        ISSUER: f.issuer.issuerUri,
        AUDIENCE,
        JWKS: JSON.stringify(f.issuer.jwks),
        TOKEN: f.token(nowInSeconds()),
        FORGED: `${f.token(nowInSeconds()).slice(0, -8)}AAAAAAAA`
    };
});

afterAll(() => f.issuer.close());

/** A validator whose keys are there, and `judge`, which asks it as often as it is told. */
const VALIDATOR = `
    const { ISSUER, AUDIENCE, JWKS, TOKEN, FORGED } = process.env;
    const validator = require("oidc-spa-native").createValidator({
        issuerUri: ISSUER, expectedAudience: AUDIENCE, keys: { jwks: JSON.parse(JWKS) },
        verification: process.env.VERIFICATION ?? "threads", verifiedTokenMemory: false
    });
    const one = (_, i) => validator.validateRequest({ authorization: "Bearer " + (i % 2 === 0 ? TOKEN : FORGED) })
        .then(verdict => verdict.code ?? "granted");
    const judge = count => Promise.all(Array.from({ length: count }, one));
`;

test("Q21: a process lives until its requests are answered, and then ends by itself", async () => {
    for (const count of [1, 500]) {
        const { stdout } = await script(
            `${VALIDATOR}
             judge(${count}).then(codes => console.log(codes.filter(code => code === "granted").length, codes.length));`,
            "commonjs",
            environment
        );
        expect(stdout).toBe(`${Math.ceil(count / 2)} ${count}`);
    }
});

test("Q21: it ends too after a second round, and where keys had to be fetched first", async () => {
    const { stdout } = await script(
        `import { createValidator } from "oidc-spa-native";
         const { ISSUER, AUDIENCE, TOKEN } = process.env;
         const validator = createValidator({ issuerUri: ISSUER, expectedAudience: AUDIENCE, verification: "threads" });
         const judge = () => Promise.all(Array.from({ length: 64 }, () => validator.validateRequest({ authorization: "Bearer " + TOKEN })));
         const granted = (await judge()).filter(({ isSuccess }) => isSuccess).length;
         await new Promise(resolve => setTimeout(resolve, 50));
         console.log(granted, (await judge()).filter(({ isSuccess }) => isSuccess).length);`,
        "module",
        environment
    );
    expect(stdout).toBe("64 64");
});

test("process.exit() while verdicts are under way ends the process as it was told to", async () => {
    for (const delay of [0, 1, 3, 10]) {
        const { stdout, stderr } = await script(
            `${VALIDATOR}
             const { writeSync } = require("node:fs");
             process.on("exit", code => writeSync(1, "exit " + code));
             void judge(2_000);
             const until = Date.now() + ${delay};
             while (Date.now() < until);
             ${delay % 2 === 0 ? "process.exit(0)" : "setImmediate(() => process.exit(0))"};`,
            "commonjs",
            environment
        );
        expect([stdout, stderr]).toEqual(["exit 0", ""]);
    }
});

test("a worker that is terminated while verdicts are under way takes nobody along", {
    timeout: 60_000
}, async () => {
    const { stdout, stderr } = await script(
        `${VALIDATOR}
         const { Worker } = require("node:worker_threads");
         const code = ${JSON.stringify(VALIDATOR)} + 'void judge(300); require("node:worker_threads").parentPort.postMessage("begun"); setInterval(() => void judge(50), 1);';
         async function main() {
             let answered = 0;
             for (let round = 0; round < 6; round++) {
                 const workers = [1, 2].map(() => new Worker(code, { eval: true }));
                 await Promise.all(workers.map(worker => new Promise(resolve => worker.once("message", resolve))));
                 const mine = judge(200);
                 if (round % 2 === 0) await new Promise(resolve => setTimeout(resolve, round * 3));
                 await Promise.all(workers.map(worker => worker.terminate()));
                 answered += (await mine).length;
             }
             console.log(answered, (await judge(10)).join(" "));
         }
         main();`,
        "commonjs",
        environment
    );
    expect(stderr).toBe("");
    expect(stdout).toBe(`1200 ${"granted signature_invalid ".repeat(5).trim()}`);
});

test("Q18: no timer, tick, microtask queue or clock of a test's own makes a validation hang", async () => {
    // As fake timers do, before the package is loaded or after: nothing that is asked for ever comes.
    const freeze = `
        const real = { setTimeout, setInterval };
        const never = () => { const timer = { ref: () => timer, unref: () => timer, hasRef: () => false }; return timer; };
        for (const holder of [globalThis, require("node:timers")]) {
            for (const name of ["setTimeout", "setInterval", "setImmediate"]) holder[name] = never;
        }
        globalThis.queueMicrotask = () => undefined;
        Date.now = () => ${nowInSeconds() * 1000};
        performance.now = () => 0;
        const { nextTick } = process;
        process.nextTick = (callback, ...args) => {
            // Node's own callbacks must run; those of the package need not.
            if (!new Error().stack.includes("dist/")) nextTick(callback, ...args);
        };`;
    for (const order of [`${freeze} ${VALIDATOR}`, `${VALIDATOR} ${freeze}`]) {
        for (const VERIFICATION of ["auto", "inline", "threads"]) {
            const { stdout } = await script(
                `${order}
                 const alive = real.setInterval(() => undefined, 1_000);
                 async function main() {
                     const rounds = [await judge(1), await judge(64), await judge(64), await judge(1)];
                     console.log(rounds.map(codes => codes.filter(code => code === "granted").length).join(" "));
                     clearInterval(alive);
                 }
                 main();`,
                "commonjs",
                { ...environment, VERIFICATION }
            );
            expect(stdout).toBe("1 32 32 1");
        }
    }
});

test("a request that cannot be given to another thread is an error, and nobody waits for it", async () => {
    const { stdout } = await script(
        `const { prototype } = require("./binding/binding.js").NativeValidator;
         const { doors } = prototype;
         let isOut = true;
         prototype.doors = function (inbox) {
             const opened = doors.call(this, inbox);
             const submitRequest = (...parts) => {
                 if (isOut) throw new Error("out of threads");
                 opened.submitRequest(...parts);
             };
             return { ...opened, submitRequest };
         };
         ${VALIDATOR}
         judge(3).catch(error => {
             console.log(error.message);
             isOut = false;
             return judge(2);
         }).then(codes => console.log(codes.join(" ")));`,
        "commonjs",
        environment
    );
    expect(stdout).toBe("out of threads\ngranted signature_invalid");
});
