// What lives longer than a call of NestJS ends with the token that began it: clients of gateways, sockets of GraphQL,
// server-sent events. The twin of each has a token that lasts, and goes on.

import { ApolloDriver, type ApolloDriverConfig } from "@nestjs/apollo";
import {
    Controller,
    Module,
    Sse,
    UseGuards,
    type DynamicModule,
    type INestApplication
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { GraphQLModule, GraphQLSchemaHost, Query, Resolver, Subscription } from "@nestjs/graphql";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import { IoAdapter } from "@nestjs/platform-socket.io";
import { WsAdapter } from "@nestjs/platform-ws";
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from "@nestjs/websockets";
import { createClient } from "graphql-ws";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Auth, AuthGuard, AuthModule, Public } from "oidc-spa-native/nestjs";
import { protectNamespace } from "oidc-spa-native/websocket";
import { Observable } from "rxjs";
import type { Namespace } from "socket.io";
import { io } from "socket.io-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { decorate } from "../conformance/nest.js";
import { provideValidator, tokenFor, validator } from "../support/one-validator.js";
import { slowed } from "../support/slow-validator.js";

// The one that Nest makes its schema with.
const { execute, parse, subscribe } = createRequire(import.meta.url)("graphql") as typeof import("graphql");

provideValidator();

const PLATFORMS = [
    ["Express", false],
    ["Fastify", true]
] as const;
type Parts = Pick<DynamicModule, "imports" | "controllers" | "providers">;

async function serve(
    parts: Parts,
    onFastify: boolean,
    prepare: (app: INestApplication) => void = () => undefined
): Promise<number> {
    class Root {}
    Module(parts)(Root);
    const app = await (onFastify
        ? NestFactory.create(Root, new FastifyAdapter({ forceCloseConnections: true }), { logger: false })
        : NestFactory.create(Root, { logger: false, forceCloseConnections: true }));
    prepare(app);
    await app.listen(0, "127.0.0.1");
    onTestFinished(() => app.close());
    return (app.getHttpServer().address() as AddressInfo).port;
}

describe.each(PLATFORMS)("a gateway on %s", (_name, onFastify) => {
    class Events {
        handleConnection(client: { request?: IncomingMessage }, request: IncomingMessage) {
            client.request ??= request;
        }
        whoami(auth: Auth) {
            return { event: "you", data: auth.claims.sub };
        }
        open() {
            return { event: "open", data: true };
        }
    }
    decorate(Events, "whoami", [SubscribeMessage("whoami")], Auth());
    decorate(Events, "open", [SubscribeMessage("open"), Public()]);
    UseGuards(AuthGuard)(Events);
    WebSocketGateway()(Events);

    const onWs = (rules = {}) =>
        serve({ imports: [AuthModule.forRoot(validator, rules)], providers: [Events] }, onFastify, app =>
            app.useWebSocketAdapter(new WsAdapter(app))
        );
    async function connected(port: number, token: string) {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/`, {
            headers: { authorization: `Bearer ${token}` }
        });
        onTestFinished(() => socket.terminate());
        await once(socket, "open");
        const ask = async (event = "whoami") => {
            socket.send(JSON.stringify({ event, data: {} }));
            const [message] = await once(socket, "message");
            const { data } = JSON.parse(String(message)) as { data: any };
            return data.code ?? data;
        };
        return { socket, ask };
    }

    test("on ws: the client of a message is closed at the expiry", async () => {
        const port = await onWs();
        const { token, due } = tokenFor(2);
        const [brief, lasting] = [await connected(port, token), await connected(port, tokenFor(600).token)];
        const asked = await Promise.all([brief.ask(), brief.ask("open"), lasting.ask()]);
        expect(asked).toContain("user-1");
        const [code] = (await once(brief.socket, "close")) as [number];
        expect(code).toBe(4401);
        expect(Date.now()).toBeGreaterThanOrEqual(due);
        expect(await lasting.ask()).toBe("user-1");
    });

    test("on ws: where it stays open, each message is refused", async () => {
        const { token, due } = tokenFor(2);
        const { ask } = await connected(await onWs({ closeAtExpiry: false }), token);
        expect(await ask()).toBe("user-1");
        await sleep(due - Date.now() + 200);
        expect([await ask(), await ask("open")]).toEqual(["token_expired", true]);
    });

    test("on socket.io: the client of a message is disconnected at the expiry", async () => {
        const port = await serve(
            { imports: [AuthModule.forRoot(validator)], providers: [Events] },
            onFastify,
            app => app.useWebSocketAdapter(new IoAdapter(app))
        );
        const { token, due } = tokenFor(2);
        const ask = (auth: object) => {
            const socket = io(`http://127.0.0.1:${port}/`, { auth, forceNew: true, reconnection: false });
            onTestFinished(() => void socket.close());
            return {
                socket,
                answer: new Promise(resolve => {
                    socket.once("you", resolve);
                    socket.emit("whoami", {});
                })
            };
        };
        const [brief, lasting] = [ask({ token }), ask({ token: tokenFor(600).token })];
        const ended = new Promise(resolve => brief.socket.once("disconnect", resolve));
        expect(await Promise.all([brief.answer, lasting.answer])).toEqual(["user-1", "user-1"]);
        expect(await ended).toBe("io server disconnect");
        expect(Date.now()).toBeGreaterThanOrEqual(due);
        expect(lasting.socket.connected).toBe(true);
    });

    test("on socket.io: who sends no message is judged by the namespace", async () => {
        const auth = protectNamespace(validator);
        class Pushing {
            readonly server!: Namespace;
            afterInit(server: Namespace) {
                server.use(auth as never);
            }
            handleConnection(client: never) {
                (client as unknown as { emit(event: string, data: string): void }).emit(
                    "hello",
                    auth.of(client).claims.sub
                );
            }
        }
        WebSocketServer()(Pushing.prototype, "server");
        WebSocketGateway()(Pushing);
        const port = await serve(
            { imports: [AuthModule.forRoot(validator)], providers: [Pushing] },
            onFastify,
            app => app.useWebSocketAdapter(new IoAdapter(app))
        );
        const enter = (auth: object) => {
            const socket = io(`http://127.0.0.1:${port}/`, { auth, forceNew: true, reconnection: false });
            onTestFinished(() => void socket.close());
            return new Promise(resolve => {
                socket.once("hello", resolve);
                socket.once("connect_error", error =>
                    resolve((error as Error & { data: { code: string } }).data.code)
                );
            });
        };
        expect(await enter({})).toBe("credentials_missing");
        expect(await enter({ token: tokenFor(600).token })).toBe("user-1");
    });
});

describe("GraphQL on graphql-ws, with Apollo's driver", () => {
    let left = 0;
    class Me {
        me(auth: Auth) {
            return auth.claims.sub;
        }
        async *ticks() {
            try {
                for (;;) {
                    yield { ticks: "tick" };
                    await sleep(50);
                }
            } finally {
                left++;
            }
        }
    }
    decorate(Me, "me", [Query("me")], Auth());
    decorate(Me, "ticks", [Subscription("ticks")]);
    Resolver()(Me);

    type Context = { req?: object; extra: { request: object }; connectionParams?: object };
    const CONTEXTS: Record<string, ((context: Context) => object) | undefined> = {
        "what Nest puts there": undefined,
        "the request alone": ({ req, extra }) => ({ req: req ?? extra.request }),
        "what graphql-ws tells": ({ req, extra, connectionParams }) => ({ req, extra, connectionParams })
    };

    const start = (
        context?: (context: Context) => object,
        rules = {},
        prepare?: (app: INestApplication) => void
    ) =>
        serve(
            {
                imports: [
                    AuthModule.forRoot(validator, rules),
                    GraphQLModule.forRoot<ApolloDriverConfig>({
                        driver: ApolloDriver,
                        typeDefs: "type Query { me: String } type Subscription { ticks: String }",
                        subscriptions: { "graphql-ws": true },
                        ...(context && { context })
                    })
                ],
                providers: [Me]
            },
            false,
            prepare
        );

    function connect(port: number, token: string, by: "field" | "params" = "field") {
        class SocketOfTest extends WebSocket {
            constructor(address: string, protocols: string) {
                super(
                    address,
                    protocols,
                    by === "field" ? { headers: { authorization: `Bearer ${token}` } } : {}
                );
            }
        }
        const client = createClient({
            url: `ws://127.0.0.1:${port}/graphql`,
            webSocketImpl: SocketOfTest,
            lazy: false,
            onNonLazyError: () => undefined,
            retryAttempts: 0,
            ...(by === "params" && { connectionParams: { token } })
        });
        onTestFinished(() => void client.dispose());
        const closed = new Promise<number>(resolve =>
            client.on("closed", event => resolve((event as { code: number }).code))
        );
        const ask = () =>
            new Promise<unknown>(resolve => {
                client.subscribe<{ me: string | null }>(
                    { query: "{ me }" },
                    {
                        next: ({ data, errors }) => resolve(data?.me ?? errors?.[0]?.message),
                        error: resolve,
                        complete: () => undefined
                    }
                );
            });
        const heard = { events: 0, last: 0 };
        const listen = () =>
            client.subscribe(
                { query: "subscription { ticks }" },
                {
                    next: () => {
                        heard.events++;
                        heard.last = Date.now();
                    },
                    error: () => undefined,
                    complete: () => undefined
                }
            );
        return { ask, listen, heard, closed };
    }

    test.each([
        ["the request alone", 1006],
        ["what Nest puts there", 4401],
        ["what graphql-ws tells", 4401]
    ])("a subscription ends with the token; the context holds %s", async (name, code) => {
        const port = await start(CONTEXTS[name]);
        const { token, due } = tokenFor(2);
        const [brief, lasting] = [connect(port, token), connect(port, tokenFor(600).token)];
        const before = left;
        brief.listen();
        lasting.listen();
        expect(await brief.closed).toBe(code);
        expect(Date.now()).toBeGreaterThanOrEqual(due);
        expect(brief.heard.events).toBeGreaterThan(2);
        await expect.poll(() => left).toBe(before + 1);
        const { events } = lasting.heard;
        await sleep(300);
        expect(lasting.heard.events).toBeGreaterThan(events);
    });

    test("where sockets stay open, an operation after the expiry is refused", async () => {
        const port = await start(CONTEXTS["the request alone"], { closeAtExpiry: false });
        const { token, due } = tokenFor(2);
        const [brief, lasting] = [connect(port, token), connect(port, tokenFor(600).token)];
        expect([await brief.ask(), await lasting.ask()]).toEqual(["user-1", "user-1"]);
        await sleep(due - Date.now() + 200);
        expect([await brief.ask(), await lasting.ask()]).toEqual(["The access token expired", "user-1"]);
    });

    test.each(["what Nest puts there", "what graphql-ws tells"])(
        "the token of connectionParams; the context holds %s",
        async name => {
            const port = await start(CONTEXTS[name]);
            const { token } = tokenFor(2);
            const brief = connect(port, token, "params");
            expect(await brief.ask()).toBe("user-1");
            expect(await brief.closed).toBe(4401);
            expect(await connect(port, "no token", "params").ask()).toMatch(/malformed/i);
            const other = await start(CONTEXTS["the request alone"]);
            expect(await connect(other, tokenFor(600).token, "params").ask()).toBe(
                "Credentials are required"
            );
        }
    );

    // As servers of GraphQL do that know these directives: what is deferred comes in parts of one response.
    test("a query whose answer comes in parts ends with the token; one that comes whole does not", async () => {
        const inParts = (app: INestApplication) =>
            app.use("/parts", async (req: IncomingMessage, res: ServerResponse) => {
                const url = new URL(req.url ?? "", "http://127.0.0.1");
                const answer = await execute({
                    schema: app.get(GraphQLSchemaHost).schema,
                    document: parse(url.searchParams.get("query") ?? ""),
                    contextValue: { req, res }
                });
                const timer = setInterval(() => res.write(`${JSON.stringify(answer)}\n`), 50);
                res.once("close", () => clearInterval(timer));
            });
        const port = await start(undefined, {}, inParts);
        const read = async (query: string, token: string, milliseconds: number) => {
            const abort = new AbortController();
            const url = `http://127.0.0.1:${port}/parts?query=${encodeURIComponent(query)}`;
            const headers = { authorization: `Bearer ${token}` };
            const response = await fetch(url, { headers, signal: abort.signal });
            const reading = response.text().catch(() => "cut off");
            const ended = await Promise.race([reading, sleep(milliseconds).then(() => "goes on")]);
            abort.abort();
            return ended;
        };
        const { token, due } = tokenFor(2);
        const late = due - Date.now() + 600;
        const queries = [
            "{ me ... @defer { again: me } }",
            "{ me ...F } fragment F on Query { ... on Query { again: me @stream } }",
            "{ me ...F } fragment F on Query { again: me @include(if: true) }"
        ];
        expect(await Promise.all(queries.map(query => read(query, token, late)))).toEqual([
            "cut off",
            "cut off",
            "goes on"
        ]);
        expect(await read(queries[0] as string, tokenFor(600).token, 500)).toBe("goes on");
    });

    // As servers of GraphQL over server-sent events do, whose driver is another one than Apollo's.
    test("a subscription whose events come over HTTP ends with the token, unless the module says that it stays", async () => {
        const events = (app: INestApplication) =>
            app.use("/stream", async (req: IncomingMessage, res: ServerResponse) => {
                const answer = await subscribe({
                    schema: app.get(GraphQLSchemaHost).schema,
                    document: parse("subscription { ticks }"),
                    contextValue: { req, res }
                });
                if (!(Symbol.asyncIterator in answer)) {
                    res.end(JSON.stringify(answer));
                    return;
                }
                res.once("close", () => void answer.return?.(undefined));
                for await (const event of answer) {
                    res.write(`data: ${JSON.stringify(event)}\n\n`);
                }
            });
        const [port, staying] = [
            await start(undefined, {}, events),
            await start(undefined, { closeAtExpiry: false }, events)
        ];
        const listen = async (at: number, token: string, milliseconds: number) => {
            const abort = new AbortController();
            const response = await fetch(`http://127.0.0.1:${at}/stream`, {
                headers: { authorization: `Bearer ${token}` },
                signal: abort.signal
            });
            const reading = response.text().then(
                text => text,
                () => "cut off"
            );
            const ended = await Promise.race([reading, sleep(milliseconds).then(() => "goes on")]);
            abort.abort();
            return ended;
        };
        const { token, due } = tokenFor(2);
        const stays = listen(staying, token, due - Date.now() + 500);
        const before = left;
        expect(await listen(port, token, 8_000)).toBe("cut off");
        expect(Date.now()).toBeGreaterThanOrEqual(due);
        await expect.poll(() => left).toBeGreaterThan(before);
        expect(await stays).toBe("goes on");
        expect(await listen(port, tokenFor(600).token, 500)).toBe("goes on");
        expect(await listen(port, "no token", 500)).toContain("malformed");
    });

    test("over HTTP no token is taken from connectionParams", async () => {
        const port = await start(({ req }) => ({ req, connectionParams: { token: tokenFor(600).token } }));
        const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ query: "{ me }" })
        });
        expect(await response.text()).toContain("credentials_missing");
    });
});

describe.each(PLATFORMS)("server-sent events on %s", (_name, onFastify) => {
    let left = 0;
    class Ticks {
        ticks() {
            return new Observable(observer => {
                const timer = setInterval(() => observer.next({ data: "tick" }), 50);
                return () => {
                    left++;
                    clearInterval(timer);
                };
            });
        }
    }
    decorate(Ticks, "ticks", [Sse("ticks")]);
    Controller()(Ticks);

    async function listen(port: number, token: string, milliseconds: number) {
        const abort = new AbortController();
        const response = await fetch(`http://127.0.0.1:${port}/ticks`, {
            headers: { authorization: `Bearer ${token}` },
            signal: abort.signal
        });
        let events = 0;
        const reading = (async () => {
            for await (const _ of response.body as unknown as AsyncIterable<Uint8Array>) {
                events++;
            }
        })().then(
            () => "ended",
            () => "ended"
        );
        const ended = await Promise.race([reading, sleep(milliseconds).then(() => "goes on")]);
        abort.abort();
        return { ended, events, status: response.status };
    }

    test("of a client that leaves while it is judged, nothing waits for the end of its token", async () => {
        const { validator: slow, isAsked, goOn, waits } = slowed(validator);
        const imports = [AuthModule.forRoot(slow)];
        const port = await serve({ imports, controllers: [Ticks] }, onFastify);
        const gone = new AbortController();
        const headers = { authorization: `Bearer ${tokenFor(60).token}` };
        const asking = fetch(`http://127.0.0.1:${port}/ticks`, { headers, signal: gone.signal });
        await isAsked;
        gone.abort();
        await expect(asking).rejects.toThrow();
        await sleep(100);
        goOn();
        await sleep(200);
        expect(waits.filter(({ aborted }) => !aborted)).toEqual([]);
    });

    test("end with the token, unless the module says that they stay", async () => {
        const start = (rules = {}) =>
            serve({ imports: [AuthModule.forRoot(validator, rules)], controllers: [Ticks] }, onFastify);
        const port = await start();
        const { token, due } = tokenFor(2);
        const before = left;
        const staying = start({ closeAtExpiry: false }).then(port =>
            listen(port, token, due - Date.now() + 500)
        );
        const brief = await listen(port, token, 8_000);
        expect(brief).toMatchObject({ ended: "ended", status: 200 });
        expect(brief.events).toBeGreaterThan(3);
        expect(Date.now()).toBeGreaterThanOrEqual(due);
        await expect.poll(() => left).toBeGreaterThan(before);
        expect((await staying).ended).toBe("goes on");
        expect((await listen(port, tokenFor(600).token, 500)).ended).toBe("goes on");
    });
});
