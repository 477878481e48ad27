// The frameworks of the conformance table: each entry starts the same application with its adapter on a real port.

import { serve } from "@hono/node-server";
import Router from "@koa/router";
import express5 from "express";
import express4 from "express4";
import Fastify, { type FastifyInstance } from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import mount from "koa-mount";
import { once } from "node:events";
import * as http from "node:http";
import * as http2 from "node:http2";
import type { AddressInfo, Server } from "node:net";
import * as ofExpress from "oidc-spa-native/express";
import * as ofFastify from "oidc-spa-native/fastify";
import * as ofFetch from "oidc-spa-native/fetch";
import * as ofHono from "oidc-spa-native/hono";
import * as ofKoa from "oidc-spa-native/koa";
import * as ofNodeHttp from "oidc-spa-native/node-http";
import { bodyOf, type Application, type Response as TableResponse, type Route } from "./rows.js";
import { startNestOnExpress, startNestOnFastify } from "./nest.js";

export interface Running {
    readonly port: number;
    close(): Promise<unknown>;
}

export interface Framework {
    /** How requests come in: a `Headers` joins the lines of a field. */
    readonly transport: "http1, each line seen" | "http1, lines joined" | "http2";
    readonly start: (application: Application) => Promise<Running>;
    /** What the framework makes of the response to a route, where it wraps responses. */
    readonly idiom?: (response: TableResponse, path: string) => TableResponse;
    /** Names of rows whose requests the framework answers itself. */
    readonly leavesOut?: RegExp;
}

const JSON_TYPE = { "Content-Type": "application/json" };

/** Listens on loopback; for frameworks that give a server of Node.js. */
export async function listening(server: Server, close?: () => Promise<unknown>): Promise<Running> {
    if (!server.listening) {
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
    }
    return {
        port: (server.address() as AddressInfo).port,
        close:
            close ??
            (async () => {
                server.close();
                await once(server, "close");
            })
    };
}

const ofExpressVersion =
    (express: typeof express5): Framework["start"] =>
    async ({ prefix, routes, validator }) => {
        const app = express().disable("x-powered-by");
        const router = express.Router();
        for (const { path, validator, rules, exposes, times } of routes) {
            const auth = ofExpress.protect(validator, rules);
            router.all(
                path,
                (_req, res, next) => {
                    if (exposes !== undefined) {
                        res.set("Access-Control-Expose-Headers", exposes);
                    }
                    next();
                },
                ...Array.from({ length: times }, () => auth),
                (req, res) => {
                    if (req.method === "OPTIONS") {
                        res.status(204).end();
                    } else {
                        res.writeHead(200, JSON_TYPE).end(bodyOf(auth.of(req)));
                    }
                }
            );
        }
        app.use(ofExpress.resourceMetadata(validator));
        app.use(prefix === "" ? "/" : prefix, router);
        return listening(http.createServer(app));
    };

type Listener = (req: http.IncomingMessage, res: http.ServerResponse) => void;

/** A listener of a route, its guard as often before it as the route says. */
function nodeListener({ validator, rules, exposes }: Route, times: number): Listener {
    return ofNodeHttp.protect(
        validator,
        rules,
        (req: http.IncomingMessage, res: http.ServerResponse, auth) => {
            if (times > 1) {
                nodeListener({ validator, rules, path: "", times: 1 }, times - 1)(req, res);
            } else {
                // As a CORS layer does, which adds to what is there.
                const exposed = [exposes, res.getHeader("Access-Control-Expose-Headers")].filter(
                    names => names !== undefined
                );
                res.writeHead(200, {
                    ...JSON_TYPE,
                    ...(exposes && { "Access-Control-Expose-Headers": exposed.join(", ") })
                }).end(bodyOf(auth));
            }
        }
    );
}

/** By hand, as Connect does: the prefix goes from `url` and stays in `originalUrl`. */
function nodeApplication({ prefix, routes, validator }: Application): Listener {
    const listeners = new Map(routes.map(route => [route.path, nodeListener(route, route.times)]));
    const serveMetadata = ofNodeHttp.resourceMetadata(validator);
    return (req, res) => {
        if (serveMetadata(req, res)) {
            return;
        }
        const [path = ""] = (req.url ?? "").slice(prefix.length).split("?");
        if (prefix !== "") {
            Object.assign(req, { originalUrl: req.url, url: path });
        }
        listeners.get(path)?.(req, res);
    };
}

function fetchHandler(
    { validator, rules, exposes }: Route,
    times: number
): (request: Request) => Promise<Response> {
    return ofFetch.protect(validator, rules, (request: Request, auth) =>
        times > 1
            ? fetchHandler({ validator, rules, path: "", times: 1 }, times - 1)(request)
            : new Response(bodyOf(auth), {
                  headers: { ...JSON_TYPE, ...(exposes && { "Access-Control-Expose-Headers": exposes }) }
              })
    );
}

const ofFastifyWith =
    (newApp: () => FastifyInstance): Framework["start"] =>
    async ({ prefix, routes, validator }) => {
        const app = newApp();
        // The table's requests have no body, and those with POST an empty one of no type.
        app.addContentTypeParser("*", (_request, body, done) => done(null, body.resume() && undefined));
        app.addHook("onRequest", ofFastify.resourceMetadata(validator));
        const mounted = async (api: FastifyInstance) => {
            for (const { path, validator, rules, exposes, times } of routes) {
                const auth = ofFastify.protect(validator, rules);
                const expose = async (
                    _request: unknown,
                    reply: { header(name: string, value: string): unknown }
                ) => {
                    exposes !== undefined && reply.header("Access-Control-Expose-Headers", exposes);
                };
                api.all(
                    path,
                    { onRequest: [expose, ...Array.from({ length: times }, () => auth)] },
                    (request, reply) =>
                        request.method === "OPTIONS"
                            ? reply.code(204).send()
                            : reply.headers(JSON_TYPE).send(Buffer.from(bodyOf(auth.of(request))))
                );
            }
        };
        app.register(mounted, { prefix });
        await app.listen({ port: 0, host: "127.0.0.1" });
        return listening(app.server, () => app.close());
    };

async function startKoa({ prefix, routes, validator }: Application): Promise<Running> {
    const router = new Router();
    for (const { path, validator, rules, exposes, times } of routes) {
        const auth = ofKoa.protect(validator, rules);
        router.all(
            path,
            (ctx, next) => {
                exposes !== undefined && ctx.set("Access-Control-Expose-Headers", exposes);
                return next();
            },
            ...Array.from({ length: times }, () => auth),
            ctx => {
                if (ctx.method === "OPTIONS") {
                    ctx.status = 204;
                } else {
                    ctx.set(JSON_TYPE);
                    ctx.body = bodyOf(ctx.state.auth);
                }
            }
        );
    }
    const app = new Koa().use(ofKoa.resourceMetadata(validator));
    app.use(prefix === "" ? router.routes() : mount(prefix, router.routes()));
    return listening(http.createServer(app.callback()));
}

/** Adding a framework is adding an entry. */
export const FRAMEWORKS: Readonly<Record<string, Framework>> = {
    "Express 5": { transport: "http1, each line seen", start: ofExpressVersion(express5) },
    "Express 4": {
        transport: "http1, each line seen",
        start: ofExpressVersion(express4)
    },
    "Fastify 5": { transport: "http1, each line seen", start: ofFastifyWith(() => Fastify()) },
    "Fastify 5 on HTTP/2": {
        transport: "http2",
        // Its types differ by the server's in members that are not used here.
        start: ofFastifyWith(() => Fastify({ http2: true }) as never)
    },
    "Koa 3": { transport: "http1, each line seen", start: startKoa },
    "NestJS 12 on Express": { transport: "http1, each line seen", start: startNestOnExpress },
    "NestJS 12 on Fastify": { transport: "http1, each line seen", start: startNestOnFastify },
    "node:http": {
        transport: "http1, each line seen",
        start: application => listening(http.createServer(nodeApplication(application)))
    },
    "node:http2": {
        transport: "http2",
        // The compatibility API: its types differ from those of node:http in members that are not used here.
        start: application => listening(http2.createServer(nodeApplication(application) as never))
    },
    Hono: {
        transport: "http1, lines joined",
        start: async ({ prefix, routes, validator }) => {
            const inner = new Hono();
            for (const { path, validator, rules, exposes, times } of routes) {
                inner.use(path, async (c, next) => {
                    if (exposes !== undefined) {
                        c.header("Access-Control-Expose-Headers", exposes);
                    }
                    await next();
                });
                for (let i = 1; i < times; i++) {
                    inner.use(path, ofHono.protect(validator, rules));
                }
                inner.all(path, ofHono.protect(validator, rules), c =>
                    c.req.method === "OPTIONS"
                        ? c.body(null, 204)
                        : c.body(bodyOf(c.var.auth), 200, JSON_TYPE)
                );
            }
            const app = new Hono().use(ofHono.resourceMetadata(validator)).route(prefix, inner);
            return listening(serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server);
        }
    },
    "Fetch handlers": {
        transport: "http1, lines joined",
        start: async ({ prefix, routes, validator }) => {
            const handlers = new Map(
                routes.map(route => [prefix + route.path, fetchHandler(route, route.times)])
            );
            const serveMetadata = ofFetch.resourceMetadata(validator);
            const fetch = async (request: Request): Promise<Response> => {
                const answer = handlers.get(new URL(request.url).pathname);
                return (
                    serveMetadata(request) ?? (await answer?.(request)) ?? new Response(null, { status: 404 })
                );
            };
            return listening(serve({ fetch, port: 0, hostname: "127.0.0.1" }) as Server);
        }
    }
};
