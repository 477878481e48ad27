// What `npm run pack:check` asks of the Redis clients of docs/dpop.md: one proof is accepted by one of two processes.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { ROOT } from "./prepare.mjs";
import { commandOf, howToGet } from "./programs.mjs";
import { run } from "./step.mjs";

const CLIENTS = { ioredis: "ioredis@6", "node-redis": "redis@6" };
const URL_ASKED = "https://api.test/items";

/**
 * @param {Pick<import("./bundle-check.mjs").Checks, "freshProject">} checks
 * @returns {Promise<string[]>} what is wrong
 */
export async function shareReplays({ freshProject }) {
    const command = commandOf("redis-server");
    if (command === undefined) {
        const missing = howToGet("redis-server");
        console.log(`▸ Skipped, the Redis clients of docs/dpop.md: there is no ${missing}`);
        return process.env.CI === undefined ? [] : [`the Redis clients of docs/dpop.md need ${missing}`];
    }
    const project = await freshProject("replay", { type: "module" }, Object.values(CLIENTS));
    cpSync(join(ROOT, "scripts/consumers/replay"), project, { recursive: true });
    cpSync(join(ROOT, "scripts/consumers/replay-consumer.mjs"), join(project, "replay-consumer.mjs"));
    // The package is built by now.
    const { createTestIssuer, dpopClient } = await import("oidc-spa-native/testing");
    const issuer = createTestIssuer();
    const port = await freePort();
    const redis = spawn(command, [
        "--port",
        String(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no"
    ]);
    const ended = once(redis, "close");
    try {
        await ready(redis);
        const faults = [];
        for (const name of Object.keys(CLIENTS)) {
            const client = dpopClient({ token: client => issuer.sign({}, { boundTo: client }) });
            const env = {
                REDIS_URL: `redis://127.0.0.1:${port}`,
                REPLAY_STORE: `./${name}.mjs`,
                JWKS: JSON.stringify(issuer.jwks),
                REQUEST: JSON.stringify({
                    headers: client.headers("GET", URL_ASKED),
                    target: { method: "GET", url: URL_ASKED }
                })
            };
            for (const [which, expected] of Object.entries({ first: "granted", second: "proof_replayed" })) {
                const title = `A proof in the ${which} of two processes, with ${name}`;
                const args = [join(project, "replay-consumer.mjs")];
                const { output } = await run({ title, command: process.execPath, args, env });
                if (!output.includes(`verdict: ${expected}\n`)) {
                    faults.push(`${title}: expected ${expected}`);
                }
            }
        }
        return faults;
    } finally {
        redis.kill("SIGKILL");
        await ended;
    }
}

function ready(redis) {
    return new Promise((resolve, reject) => {
        let said = "";
        redis.stdout.setEncoding("utf8").on("data", text => {
            said += text;
            if (/ready to accept connections/i.test(said)) {
                resolve();
            }
        });
        redis.once("close", () => reject(new Error(`redis-server ended: ${said}`)));
    });
}

async function freePort() {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    return port;
}
