// The same small API on each framework: one route, which says who asks. Without a guard anybody may.

import { once } from "node:events";
import { createServer } from "node:http";
import { PATH } from "./plan.mjs";

const ANYBODY = { sub: "00000000-0000-0000-0000-000000000000" };
const UNAUTHORIZED = { error: "unauthorized" };

/**
 * @typedef {(request: object, authorization: string | undefined) => Promise<object | undefined>} Guard
 * @typedef {{ guard?: Guard, middleware?: Function, isDeferred: boolean }} Protection
 */

/** @type {Record<string, (protection: Protection) => Promise<number>>} - each resolves to its port */
export const SERVERS = {
    async "node:http"({ guard, isDeferred }) {
        const send = (res, status, body) => {
            const text = JSON.stringify(body);
            res.writeHead(status, { "Content-Type": "application/json", "Content-Length": text.length }).end(
                text
            );
        };
        const answer = async (req, res) => {
            const claims = guard === undefined ? ANYBODY : await guard(req, req.headers.authorization);
            if (claims === undefined) {
                send(res, 401, UNAUTHORIZED);
            } else {
                send(res, 200, { sub: claims.sub });
            }
        };
        const unprotected = (_req, res) => send(res, 200, { sub: ANYBODY.sub });
        return listen(createServer(guard ? answer : isDeferred ? deferred(unprotected) : unprotected));
    },

    async Express({ guard, middleware, isDeferred }) {
        const { default: express } = await import("express");
        const app = express();
        if (middleware !== undefined) {
            app.get(PATH, middleware, (req, res) => res.json({ sub: req.auth.payload.sub }));
            app.use((error, _req, res, _next) => res.status(error.status ?? 500).json(UNAUTHORIZED));
        } else if (guard !== undefined) {
            app.get(PATH, async (req, res) => {
                const claims = await guard(req, req.headers.authorization);
                if (claims === undefined) {
                    res.status(401).json(UNAUTHORIZED);
                } else {
                    res.json({ sub: claims.sub });
                }
            });
        } else {
            const unprotected = (_req, res) => res.json({ sub: ANYBODY.sub });
            app.get(PATH, isDeferred ? deferred(unprotected) : unprotected);
        }
        return listen(createServer(app));
    },

    async Fastify({ guard, isDeferred }) {
        const { default: fastify } = await import("fastify");
        const app = fastify();
        if (guard !== undefined) {
            app.get(PATH, async (request, reply) => {
                const claims = await guard(request, request.headers.authorization);
                return claims === undefined ? reply.code(401).send(UNAUTHORIZED) : { sub: claims.sub };
            });
        } else {
            const unprotected = (_request, reply) => {
                reply.send({ sub: ANYBODY.sub });
            };
            app.get(PATH, isDeferred ? deferred(unprotected) : unprotected);
        }
        await app.listen({ port: 0, host: "127.0.0.1" });
        return app.server.address().port;
    },

    async Hono({ guard, isDeferred }) {
        const [{ Hono }, { serve }] = await Promise.all([import("hono"), import("@hono/node-server")]);
        const app = new Hono();
        if (guard !== undefined) {
            app.get(PATH, async c => {
                const claims = await guard(c.req, c.req.header("authorization"));
                return claims === undefined ? c.json(UNAUTHORIZED, 401) : c.json({ sub: claims.sub });
            });
        } else if (isDeferred) {
            app.get(
                PATH,
                c => new Promise(resolve => setImmediate(() => resolve(c.json({ sub: ANYBODY.sub }))))
            );
        } else {
            app.get(PATH, c => c.json({ sub: ANYBODY.sub }));
        }
        return new Promise(resolve => {
            serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => resolve(port));
        });
    }
};

/** The fair measure for whoever answers later: answers that are given together are also written together. */
function deferred(handler) {
    return (...given) => {
        setImmediate(handler, ...given);
    };
}

async function listen(server) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return server.address().port;
}
