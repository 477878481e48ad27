// Processes of a fleet that each remember DPoP proofs for themselves say so.

import { expect, test } from "vitest";
import { script } from "../support/script.js";

const ISSUER = 'issuerUri: "http://127.0.0.1:9", expectedAudience: "x"';
const NOTICE = /OIDC_SPA_NATIVE_REPLAY_MEMORY_NOT_SHARED/g;

const warnings = (stderr: string) => (stderr.match(NOTICE) ?? []).length;

const program = (options: string) =>
    `const { createValidator } = require("oidc-spa-native");
     const { oidcSpa } = require("oidc-spa-native/server");
     const validators = [1, 2].map(() => createValidator({ ${ISSUER}, ${options} }));
     console.log(validators.map(validator => validator.health().replayMemory.notice !== null).join());`;

/** The same in the workers of a Node.js cluster. */
const clustered = (options: string) =>
    `const cluster = require("node:cluster");
     if (cluster.isPrimary) {
         cluster.setupPrimary({ exec: process.execPath, execArgv: [] });
         cluster.settings.exec = require("node:path").join(process.env.TMPDIR_OF_TEST, "worker.cjs");
         require("node:fs").writeFileSync(cluster.settings.exec, process.env.WORKER);
         ${program(options)}
         for (let i = 0; i < 2; i++) cluster.fork();
     }`;

async function inCluster(options: string) {
    const { mkdtemp, rm } = await import("node:fs/promises");
    const { join } = await import("node:path");
    const { root } = await import("../support/script.js");
    const folder = await mkdtemp(join(root, ".cluster-"));
    try {
        return await script(clustered(options), "commonjs", {
            TMPDIR_OF_TEST: folder,
            WORKER: `${program(options)} process.disconnect();`
        });
    } finally {
        await rm(folder, { recursive: true });
    }
}

test("L05: each worker of a Node.js cluster says once that its memory is its own; the primary does not", async () => {
    const { stdout, stderr } = await inCluster('dpop: "allowed"');
    expect(stdout.split("\n").sort()).toEqual(["false,false", "true,true", "true,true"]);
    expect(warnings(stderr)).toBe(2);
    expect(stderr).toContain("replayStore");
    expect(stderr).toContain("nonce");
});

test.each([
    'dpop: "disabled"',
    'replayStore: { redis: "redis://127.0.0.1:9" }',
    "replayStore: { checkAndStore: () => true }"
])("no worker says it with %s", async options => {
    const { stdout, stderr } = await inCluster(options);
    expect(stdout.split("\n")).toEqual(["false,false", "false,false", "false,false"]);
    expect(warnings(stderr)).toBe(0);
});

test.each<[name: string, env: Record<string, string>, isWarned: boolean]>([
    ["no fleet", {}, false],
    ["PM2, the second instance", { pm_id: "1", NODE_APP_INSTANCE: "1" }, true],
    ["PM2, the first of two instances", { pm_id: "0", NODE_APP_INSTANCE: "0", instances: "2" }, true],
    ["PM2, one instance", { pm_id: "7", NODE_APP_INSTANCE: "0", instances: "1" }, false],
    ["an instance number without PM2", { NODE_APP_INSTANCE: "1" }, false]
])("%s", async (_name, env, isWarned) => {
    const { stdout, stderr } = await script(program('dpop: "required"'), "commonjs", env);
    expect(stdout).toBe(`${isWarned},${isWarned}`);
    expect(warnings(stderr)).toBe(isWarned ? 1 : 0);
});

test("once a process, however many threads; and by the drop-in", async () => {
    const { stdout, stderr } = await script(
        `const { Worker } = require("node:worker_threads");
         const code = \`
             const { oidcSpa } = require("oidc-spa-native/server");
             oidcSpa.createUtils().bootstrapAuth({ implementation: "real", ${ISSUER} }).catch(() => console.log("no issuer"));
         \`;
         for (let i = 0; i < 3; i++) new Worker(code, { eval: true });`,
        "commonjs",
        { pm_id: "1", NODE_APP_INSTANCE: "1" }
    );
    expect(stdout.split("\n")).toEqual(["no issuer", "no issuer", "no issuer"]);
    expect(warnings(stderr)).toBe(1);
});
