// Responses that are sent bit by bit end with the token that let the request in, on real servers of each framework. The twin
// of each has a token that lasts, and goes on.

import { serve } from "@hono/node-server";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import Koa from "koa";
import { EventEmitter, once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Granted } from "oidc-spa-native";
import * as ofExpress from "oidc-spa-native/express";
import * as ofFastify from "oidc-spa-native/fastify";
import * as ofFetch from "oidc-spa-native/fetch";
import * as ofHono from "oidc-spa-native/hono";
import * as ofKoa from "oidc-spa-native/koa";
import * as ofNodeHttp from "oidc-spa-native/node-http";
import { describe, expect, onTestFinished, test } from "vitest";
import { portOf, provideValidator, tokenFor, validator } from "../support/one-validator.js";

provideValidator();

describe("server-sent events, as the page has them", () => {
    type Start = (onSignal: (signal: AbortSignal) => void) => Promise<number>;
    const EVENTS = { "Content-Type": "text/event-stream" };

    /** What every route of Node.js does with the signal. */
    function tick(res: Pick<ServerResponse, "write" | "end">, signal: AbortSignal) {
        const timer = setInterval(() => res.write("data: tick\n\n"), 50);
        signal.addEventListener("abort", () => {
            clearInterval(timer);
            res.end();
        });
    }

    const servers: Record<string, Start> = {
        express: onSignal => {
            const auth = ofExpress.protect(validator);
            const app = express().get("/", auth, (req, res) => {
                const signal = validator.untilExpiry(auth.of(req), res);
                onSignal(signal);
                res.writeHead(200, EVENTS);
                tick(res, signal);
            });
            return portOf(createServer(app));
        },
        "node-http": onSignal =>
            portOf(
                createServer(
                    ofNodeHttp.protect(validator, {}, (_req, res: ServerResponse, auth) => {
                        const signal = validator.untilExpiry(auth, res);
                        onSignal(signal);
                        res.writeHead(200, EVENTS);
                        tick(res, signal);
                    })
                )
            ),
        fastify: async onSignal => {
            const app = Fastify();
            const auth = ofFastify.protect(validator);
            app.get("/", { onRequest: auth }, (request, reply) => {
                const signal = validator.untilExpiry(auth.of(request), reply.raw);
                onSignal(signal);
                const events = new PassThrough();
                tick(events as never, signal);
                return reply.headers(EVENTS).send(events);
            });
            await app.listen({ port: 0, host: "127.0.0.1" });
            onTestFinished(() => void app.close());
            return (app.server.address() as AddressInfo).port;
        },
        koa: onSignal => {
            const app = new Koa().use(ofKoa.protect(validator)).use(ctx => {
                const signal = validator.untilExpiry(ctx.state.auth as Granted, ctx.res);
                onSignal(signal);
                const events = new PassThrough();
                ctx.set(EVENTS);
                ctx.body = events;
                tick(events as never, signal);
            });
            return portOf(createServer(app.callback()));
        },
        hono: async onSignal => {
            const app = new Hono().get("/", ofHono.protect(validator), c =>
                streamSSE(c, async stream => {
                    const signal = validator.untilExpiry(c.var.auth, c.req.raw.signal);
                    onSignal(signal);
                    while (!signal.aborted) {
                        await stream.writeSSE({ data: "tick" });
                        await stream.sleep(50);
                    }
                })
            );
            return new Promise(resolve => {
                const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
                    resolve(port)
                );
                onTestFinished(() => {
                    (server as Server).closeAllConnections();
                    server.close();
                });
            });
        },
        fetch: async onSignal => {
            const handler = ofFetch.protect(validator, {}, (request: Request, auth) => {
                const signal = validator.untilExpiry(auth, request.signal);
                onSignal(signal);
                const events = new ReadableStream({
                    start: controller => {
                        const timer = setInterval(() => controller.enqueue("data: tick\n\n"), 50);
                        signal.addEventListener("abort", () => {
                            clearInterval(timer);
                            controller.close();
                        });
                    }
                });
                return new Response(events.pipeThrough(new TextEncoderStream()), { headers: EVENTS });
            });
            return new Promise(resolve => {
                const server = serve({ fetch: handler, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
                    resolve(port)
                );
                onTestFinished(() => {
                    (server as Server).closeAllConnections();
                    server.close();
                });
            });
        }
    };

    test.each(Object.keys(servers))("%s", async name => {
        const signals: AbortSignal[] = [];
        const port = await (servers[name] as Start)(signal => signals.push(signal));
        const events = async (token: string, milliseconds: number) => {
            const abort = new AbortController();
            const response = await fetch(`http://127.0.0.1:${port}/`, {
                headers: { authorization: `Bearer ${token}` },
                signal: abort.signal
            });
            let text = "";
            const reading = (async () => {
                for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
                    text += Buffer.from(chunk).toString();
                }
                return "ended";
            })().catch(String);
            const ended = await Promise.race([reading, sleep(milliseconds).then(() => "goes on")]);
            abort.abort();
            return { ended, text };
        };
        const { token, due } = tokenFor(2);
        const brief = await events(token, 8_000);
        expect(brief.ended).toBe("ended");
        expect(brief.text).toContain("data: tick\n\ndata: tick");
        expect(Date.now()).toBeGreaterThanOrEqual(due);
        expect(signals[0]?.reason).toMatchObject({ code: "token_expired" });
        expect((await events(tokenFor(600).token, 500)).ended).toBe("goes on");
        // The client has left: nothing waits for the expiry any more.
        await expect.poll(() => signals[1]?.aborted).toBe(true);
        expect(signals[1]?.reason.code).not.toBe("token_expired");
    });

    test("a long poll is not answered after the expiry", async () => {
        const news = new EventEmitter();
        const auth = ofExpress.protect(validator);
        const app = express().get("/", auth, async (req, res) => {
            const signal = validator.untilExpiry(auth.of(req), res);
            const heard = await once(news, "news", { signal }).catch(() => undefined);
            heard === undefined ? res.status(204).end() : res.send(String(heard[0]));
        });
        const url = `http://127.0.0.1:${await portOf(createServer(app))}/`;
        const poll = async (token: string) => {
            const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
            return [response.status, await response.text()];
        };
        const { token, due } = tokenFor(2);
        const lasting = poll(tokenFor(600).token);
        expect(await poll(token)).toEqual([204, ""]);
        expect(Date.now()).toBeGreaterThanOrEqual(due);
        news.emit("news", "hello");
        expect(await lasting).toEqual([200, "hello"]);
        expect(news.listenerCount("news")).toBe(0);
    });

    test("a stream of HTTP/2, beside another one of its session", async () => {
        const server = http2.createServer(
            ofNodeHttp.protect(
                validator,
                {},
                (_req: http2.Http2ServerRequest, res: http2.Http2ServerResponse, auth) => {
                    res.writeHead(200, EVENTS);
                    tick(res as never, validator.untilExpiry(auth, res));
                }
            ) as never
        );
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
        onTestFinished(() => {
            session.destroy();
            server.close();
        });
        const { token, due } = tokenFor(2);
        const stream = (bearer: string) =>
            session.request({ ":path": "/", authorization: `Bearer ${bearer}` });
        const [brief, lasting] = [stream(token), stream(tokenFor(600).token)];
        let events = 0;
        lasting.on("data", () => events++);
        brief.resume();
        await once(brief, "end");
        expect(Date.now()).toBeGreaterThanOrEqual(due);
        const before = events;
        await sleep(200);
        expect(events).toBeGreaterThan(before);
    });
});
