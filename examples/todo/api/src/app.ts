// The application: what stands before every route, the routes, health and readiness, and the answer to what went wrong.

import { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import { addChat } from "./chat.js";
import type { Config } from "./config.js";
import type { Env, Guard } from "./guard/guard.js";
import { ProblemError, respondWith } from "./problem.js";
import type { Store } from "./store.js";
import { addTodos } from "./todos.js";

const LARGEST_BODY = 16 * 1024;

export async function createApp(config: Config, { guard, store }: { guard: Guard; store: Store }) {
    const app = new OpenAPIHono<Env>({
        defaultHook: (result, c) => {
            if (!result.success) {
                const detail = result.error.issues.map(
                    ({ path, message }) => `${path.join(".")}: ${message}`
                );
                return respondWith(c, { status: 400, code: "request_invalid", detail: detail.join(". ") });
            }
            return undefined;
        }
    });
    let isClosing = false;

    const isDevelopment = config.NODE_ENV === "development";
    app.use(async (c, next) => {
        c.set("tellsWhy", isDevelopment && c.req.header("origin") === config.WEB_ORIGIN);
        await next();
    });
    app.use(log);
    app.use(async (c, next) => {
        await next();
        if (isClosing) {
            // A connection that stays open would hold up the end.
            c.header("Connection", "close");
        }
    });
    app.use(secureHeaders({ crossOriginResourcePolicy: "cross-origin" }));
    // Before the guard, since a preflight has no credentials. A page reads no field of an answer that is not exposed.
    app.use(
        cors({
            origin: config.WEB_ORIGIN,
            allowMethods: ["GET", "POST", "PATCH", "DELETE"],
            allowHeaders: ["Authorization", "DPoP", "Content-Type"],
            exposeHeaders: ["WWW-Authenticate", "DPoP-Nonce", "Retry-After"],
            maxAge: 600
        })
    );
    app.use(
        bodyLimit({
            maxSize: LARGEST_BODY,
            onError: c => respondWith(c, { status: 413, detail: `A body has at most ${LARGEST_BODY} bytes.` })
        })
    );

    addTodos(app, { guard, store });
    const chat = await addChat(app, { guard, store, redisUrl: config.REDIS_URL });

    app.get("/health", c => c.json({ status: "up", guard: config.GUARD, ...guard.health().details }));
    app.get("/ready", c => {
        const ready = !isClosing && guard.health().ready && store.answers();
        return c.json({ ready }, ready ? 200 : 503);
    });
    app.doc31("/doc", { openapi: "3.1.0", info: { title: "Todos", version: "1" } });
    app.openAPIRegistry.registerComponent("securitySchemes", "DPoP", {
        type: "http",
        scheme: "DPoP",
        description:
            "An access token that is bound to a key, and a proof of the key in the field DPoP (RFC 9449)."
    });

    app.notFound(c => respondWith(c, { status: 404, detail: "There is nothing here." }));
    app.onError((error, c) => {
        if (error instanceof ProblemError) {
            return respondWith(c, error.problem);
        }
        // Hono's own, such as that of a body that is no JSON.
        if ("status" in error && typeof error.status === "number" && error.status < 500) {
            return respondWith(c, { status: error.status, detail: error.message });
        }
        console.error(error);
        return respondWith(c, { status: 500, detail: "Something went wrong here." });
    });

    return {
        fetch: app.fetch,
        async close(): Promise<void> {
            isClosing = true;
            await chat.close();
        }
    };
}

/** One line of JSON for each request: who, what, how it ended and why. Never a token. */
const log: MiddlewareHandler<Env> = async (c, next) => {
    const started = performance.now();
    await next();
    const { person, refusal, tellsWhy, checks } = c.var;
    const { code, debugErrorMessage: reason } = refusal ?? {};
    const ms = Math.round(performance.now() - started);
    const entry = { method: c.req.method, path: c.req.path, status: c.res.status, ms, sub: person?.id };
    console.log(JSON.stringify({ time: new Date().toISOString(), ...entry, code, reason }));
    // For the panel of this example. What was expected is the configuration: clients in production learn the code alone.
    if (tellsWhy && reason !== undefined && c.req.method !== "HEAD") {
        const problem = { ...((await c.res.json()) as object), reason, checks };
        c.res = new Response(JSON.stringify(problem), c.res);
    }
};
