// A process of its own: one server. It tells what its requests have cost it.

import { monitorEventLoopDelay } from "node:perf_hooks";
import { cpuMicros } from "../meter.mjs";
import { SERVERS } from "./frameworks.mjs";
import { DEFERRED } from "./plan.mjs";
import { GUARDS, MIDDLEWARES } from "./protections.mjs";

const RESOLUTION_MS = 5;
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
let begun;

const ANSWERS = {
    async start({ framework, protection, context }) {
        const port = await SERVERS[framework]({
            guard: await GUARDS[protection]?.(context),
            middleware: await MIDDLEWARES[protection]?.(context),
            isDeferred: protection === DEFERRED
        });
        return { port };
    },
    begin() {
        delays.reset();
        delays.enable();
        begun = cpuMicros();
        return {};
    },
    end() {
        const now = cpuMicros();
        delays.disable();
        return {
            cpu: now.process - begun.process,
            main: now.main === undefined ? undefined : now.main - begun.main,
            loopDelay: Math.max(0, delays.max / 1000 - RESOLUTION_MS * 1000),
            rss: process.memoryUsage.rss()
        };
    }
};

process.on("message", async ({ what, params }) => {
    try {
        process.send({ answer: await ANSWERS[what](params) });
    } catch (error) {
        process.send({ error: String(error?.stack ?? error) });
    }
});
process.on("disconnect", () => process.exit());
