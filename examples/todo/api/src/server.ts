// The process: starts the API, says when it is ready, and ends it so that no request is cut off.

import { serve } from "@hono/node-server";
import { WebSocketServer } from "ws";
import { createApp } from "./app.js";
import { readConfig } from "./config.js";
import { createGuard } from "./guard/guard.js";
import { openStore } from "./store.js";

/** How long requests may take that are under way as the process ends. */
const GRACE_MS = 10_000;
const LARGEST_MESSAGE = 4096;

const config = readConfig(process.env);
const store = openStore(config.DATABASE);
const guard = await createGuard(config);
const app = await createApp(config, { guard, store });

// Without keys nobody enters: /ready says so until they are there, and the guard keeps trying by itself.
guard.ready().catch((error: unknown) => log("the issuer's keys are not there yet", { error: String(error) }));

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

async function end(signal: string): Promise<void> {
    log("ending", { signal });
    setTimeout(() => process.exit(1), GRACE_MS).unref();
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
