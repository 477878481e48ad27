// The process: starts the API, says when it is ready, and ends it so that no request is cut off.

import { setTimeout } from "node:timers/promises";
import { serve } from "@hono/node-server";
import { WebSocketServer } from "ws";
import { createApp } from "./app.js";
import { readConfig } from "./config.js";
import { createGuard } from "./guard/guard.js";
import { openStore } from "./store.js";

/** How long requests may take that are under way as the process ends. */
const GRACE_MS = 10_000;
const RETRY_MS = 2_000;
const LARGEST_MESSAGE = 4096;

const config = readConfig(process.env);
const store = openStore(config.DATABASE);
const guard = await createGuard(config);
const app = await createApp(config, { guard, store });

const server = serve(
    {
        fetch: app.fetch,
        hostname: config.HOST,
        port: config.PORT,
        websocket: { server: new WebSocketServer({ noServer: true, maxPayload: LARGEST_MESSAGE }) }
    },
    ({ port }) => log("listening", { url: `http://${config.HOST}:${port}`, guard: config.GUARD })
);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void end(signal));
}

// Without keys nobody enters, and /ready says so. The issuer may start after this process.
void (async () => {
    while (!(await guard.ready().then(() => true, complain))) {
        await setTimeout(RETRY_MS);
    }
    log("the issuer's keys are there", {});
})();

function complain(error: unknown): false {
    log("the issuer's keys are not there yet", { error: String(error) });
    return false;
}

async function end(signal: string): Promise<void> {
    log("ending", { signal });
    void setTimeout(GRACE_MS, undefined, { ref: false }).then(() => process.exit(1));
    const closed = new Promise(resolve => server.close(resolve));
    await app.close();
    await closed;
    store.close();
    log("ended", {});
    process.exit(0);
}

function log(message: string, more: object): void {
    console.log(JSON.stringify({ time: new Date().toISOString(), message, ...more }));
}
