// What lives longer than a request ends with the token that began it: sockets and subscriptions, on real servers with
// real clients. The twin of each has a token that lasts, and goes on.

import { createTRPCClient, createWSClient, httpBatchStreamLink, wsLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { observable } from "@trpc/server/observable";
import { createClient } from "graphql-ws";
import { useServer } from "graphql-ws/use/ws";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { createValidator, type Validator } from "oidc-spa-native";
import {
    createContext,
    protect as protectProcedure,
    RefusedError,
    type AuthContext
} from "oidc-spa-native/trpc";
import { acceptedProtocol, closeAtExpiry, protect, protectNamespace } from "oidc-spa-native/websocket";
import { Server as SocketIoServer } from "socket.io";
import { io, Manager, type Socket } from "socket.io-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { AUDIENCE, nowInSeconds } from "../support/fixtures.js";
import { fixtures, portOf, provideValidator, tokenFor, validator } from "../support/one-validator.js";

// The very module that graphql-ws loads: it takes no schema of another copy.
const { GraphQLObjectType, GraphQLSchema, GraphQLString } = createRequire(import.meta.url)(
    "graphql"
) as typeof import("graphql");

provideValidator();

const schema = () =>
    new GraphQLSchema({
        query: new GraphQLObjectType({
            name: "Query",
            fields: { me: { type: GraphQLString, resolve: () => "me" } }
        }),
        subscription: new GraphQLObjectType({
            name: "Subscription",
            fields: {
                ticks: {
                    type: GraphQLString,
                    subscribe: async function* () {
                        for (;;) {
                            yield { ticks: "tick" };
                            await sleep(50);
                        }
                    }
                }
            }
        })
    });

/** Subscribes, and tells when the last event came and how the socket closed. */
function listen(url: string, given: { protocolToken?: string; params?: Record<string, unknown> }) {
    class SocketOfTest extends WebSocket {
        constructor(address: string, protocols: string) {
            super(address, given.protocolToken === undefined ? protocols : [protocols, given.protocolToken]);
        }
    }
    const heard = { events: 0, last: 0, code: undefined as number | undefined };
    const client = createClient({
        url,
        webSocketImpl: SocketOfTest,
        retryAttempts: 0,
        lazy: true,
        onNonLazyError: () => undefined,
        ...(given.params && { connectionParams: given.params }),
        on: {
            closed: event => {
                heard.code = (event as { code: number }).code;
            }
        }
    });
    onTestFinished(() => void client.dispose());
    const ended = new Promise<void>(resolve => {
        client.subscribe(
            { query: "subscription { ticks }" },
            {
                next: () => {
                    heard.events++;
                    heard.last = Date.now();
                },
                error: () => resolve(),
                complete: () => resolve()
            }
        );
    });
    return { heard, ended };
}

describe("GraphQL over graphql-ws' own server", () => {
    test("behind a guarded upgrade: closed at the expiry", async () => {
        const sockets = new WebSocketServer({ noServer: true, handleProtocols: acceptedProtocol });
        useServer({ schema: schema() }, sockets);
        const server = createServer().on("upgrade", protect(validator, {}, sockets));
        const url = `ws://127.0.0.1:${await portOf(server)}/`;
        const { token, due } = tokenFor(2);
        const brief = listen(url, { protocolToken: `authorization_bearer_${token}` });
        const lasting = listen(url, { protocolToken: `authorization_bearer_${tokenFor(600).token}` });
        await brief.ended;
        expect(brief.heard.code).toBe(4401);
        expect(brief.heard.events).toBeGreaterThan(3);
        expect(brief.heard.last).toBeLessThan(due + 1000);
        const before = lasting.heard.events;
        await sleep(300);
        expect(lasting.heard.events).toBeGreaterThan(before);
    });

    test("by the token of connectionParams, as the page has it", async () => {
        const sockets = new WebSocketServer({ noServer: true });
        useServer(
            {
                schema: schema(),
                onConnect: async ({ connectionParams, extra }) => {
                    const verdict = await validator.validateRequest({
                        authorization: `Bearer ${String(connectionParams?.["token"])}`
                    });
                    if (!verdict.isSuccess) {
                        return false;
                    }
                    closeAtExpiry(validator, extra.socket, verdict);
                    return true;
                }
            },
            sockets
        );
        const server = createServer().on("upgrade", (req, socket, head) =>
            sockets.handleUpgrade(req, socket, head, ws => sockets.emit("connection", ws, req))
        );
        const url = `ws://127.0.0.1:${await portOf(server)}/`;
        const { token, due } = tokenFor(2);
        const brief = listen(url, { params: { token } });
        await brief.ended;
        expect(brief.heard.code).toBe(4401);
        expect(brief.heard.last).toBeLessThan(due + 1000);
        const refused = listen(url, { params: {} });
        await refused.ended;
        expect(refused.heard).toMatchObject({ events: 0, code: 4403 });
    });
});

describe("socket.io", () => {
    type Rules = Parameters<typeof protectNamespace>[1];

    async function start(rules: Rules = {}, by: Validator = validator) {
        const server = createServer();
        const sockets = new SocketIoServer(server, {
            connectionStateRecovery: { maxDisconnectionDuration: 120_000 }
        });
        const auth = protectNamespace(by, rules as { optional?: false });
        const seen: { recovered: boolean; sub: string | undefined }[] = [];
        for (const namespace of [sockets.of("/"), sockets.of("/admin")]) {
            namespace.use(auth).on("connection", socket => {
                seen.push({ recovered: socket.recovered, sub: auth.of(socket).claims.sub });
                socket.on("whoami", (answer: (sub: string) => void) => answer("served"));
            });
        }
        onTestFinished(() => void sockets.close());
        return { sockets, seen, url: `http://127.0.0.1:${await portOf(server)}` };
    }

    function connected(url: string, token: string | (() => string), namespace = "") {
        const auth =
            typeof token === "string"
                ? { token }
                : (done: (auth: object) => void) => done({ token: token() });
        const socket = io(url + namespace, {
            forceNew: true,
            transports: ["websocket"],
            reconnectionDelay: 400,
            reconnectionDelayMax: 400,
            auth
        });
        onTestFinished(() => void socket.disconnect());
        return new Promise<Socket>((resolve, reject) => {
            socket.once("connect", () => resolve(socket));
            socket.once("connect_error", reject);
        });
    }
    const ask = (socket: Socket) =>
        Promise.race([
            new Promise(resolve => socket.emit("whoami", resolve)),
            sleep(500).then(() => "silence")
        ]);

    test("a socket whose session is recovered is judged as a new one", async () => {
        const { sockets, seen, url } = await start();
        const socket = await connected(url, tokenFor(600).token);
        sockets.emit("news", 0);
        await new Promise(resolve => socket.once("news", resolve));
        const missed = new Promise(resolve => socket.once("news", resolve));
        socket.io.engine.close();
        await expect.poll(() => sockets.of("/").sockets.size).toBe(0);
        sockets.emit("news", 1);
        await new Promise<void>(resolve => socket.once("connect", resolve));
        expect([socket.recovered, await missed, await ask(socket)]).toEqual([true, 1, "served"]);
        expect(seen).toEqual([
            { recovered: false, sub: "user-1" },
            { recovered: true, sub: "user-1" }
        ]);
    });

    test.each([
        ["with the old token it is refused", false],
        ["with a new one it is a new socket, and gets nothing that the old one missed", true]
    ])("after the expiry: %s", async (_title, renews) => {
        const { sockets, seen, url } = await start();
        const { token, due } = tokenFor(2);
        let current = token;
        const socket = await connected(url, () => current);
        sockets.emit("news", 0);
        await new Promise(resolve => socket.once("news", resolve));
        socket.io.reconnection(false);
        const raw: string[] = [];
        socket.io.engine.close();
        await expect.poll(() => sockets.of("/").sockets.size).toBe(0);
        sockets.emit("news", "secret");
        await sleep(due - Date.now() + 100);
        if (renews) {
            current = tokenFor(600).token;
        }
        const outcome = new Promise<unknown>(resolve => {
            socket.once("connect", () => resolve("connected"));
            socket.once("connect_error", error =>
                resolve((error as Error & { data?: { code: string } }).data?.code)
            );
        });
        socket.connect();
        // What comes over the wire, whether or not the client shows it.
        socket.io.engine.on("packet", ({ data }: { data?: string }) => raw.push(String(data)));
        expect(await outcome).toBe(renews ? "connected" : "token_expired");
        await sleep(100);
        expect(raw.join()).not.toContain("secret");
        expect(socket.recovered).toBe(false);
        expect(seen).toHaveLength(renews ? 2 : 1);
        socket.disconnect();
    });

    test("closed at the expiry in every namespace, and not where it stays", async () => {
        const { url } = await start();
        const { token, due } = tokenFor(2);
        const manager = new Manager(url, { transports: ["websocket"], reconnection: false });
        const ends = ["/", "/admin"].map(async name => {
            const socket = manager.socket(name, { auth: { token } });
            onTestFinished(() => void socket.disconnect());
            await new Promise(resolve => socket.once("disconnect", resolve));
            return Date.now();
        });
        const staying = await connected((await start({ closeAtExpiry: false })).url, token);
        for (const end of await Promise.all(ends)) {
            expect(end).toBeGreaterThanOrEqual(due);
        }
        expect(await ask(staying)).toBe("served");
    });

    test("an event that comes before anybody looked at the clock is not served", async () => {
        let now = Date.now();
        const own = createValidator({
            issuerUri: fixtures.issuer.issuerUri,
            expectedAudience: AUDIENCE,
            clock: () => now
        });
        const { url } = await start({}, own);
        const socket = await connected(url, tokenFor(600).token);
        expect(await ask(socket)).toBe("served");
        const ended = new Promise(resolve => socket.once("disconnect", resolve));
        now += 601_000;
        expect(await ask(socket)).toBe("silence");
        expect(await ended).toBe("io server disconnect");
    });

    test("a client that leaves, let in or not, leaves nothing that waits", async () => {
        const ends: AbortSignal[] = [];
        const counting: Validator = {
            ...validator,
            untilExpiry: (auth, until) => {
                ends.push(until as AbortSignal);
                return validator.untilExpiry(auth, until);
            }
        };
        const { sockets, url } = await start({}, counting);
        let hold = true;
        sockets.use((_socket, next) => void (hold || next()));
        const left = io(url, {
            forceNew: true,
            transports: ["websocket"],
            reconnection: false,
            auth: { token: tokenFor(600).token }
        });
        await expect.poll(() => ends.length).toBe(1);
        expect(ends[0]?.aborted).toBe(false);
        left.disconnect();
        await expect.poll(() => ends[0]?.aborted).toBe(true);
        hold = false;
        const entered = await connected(url, tokenFor(600).token);
        expect(ends[1]?.aborted).toBe(false);
        entered.disconnect();
        await expect.poll(() => ends.map(({ aborted }) => aborted)).toEqual([true, true]);
    });

    test("a socket that no guard judged is nobody's", async () => {
        const server = createServer();
        const sockets = new SocketIoServer(server);
        const auth = protectNamespace(validator);
        const failed = new Promise<unknown>(resolve => {
            sockets.on("connection", socket => {
                try {
                    auth.of(socket);
                } catch (error) {
                    resolve(error);
                }
            });
        });
        onTestFinished(() => void sockets.close());
        const socket = io(`http://127.0.0.1:${await portOf(server)}`, {
            forceNew: true,
            reconnection: false
        });
        onTestFinished(() => void socket.disconnect());
        expect(await failed).toMatchObject({
            message: expect.stringContaining("has not let this request pass")
        });
        await new Promise(resolve => socket.once("disconnect", resolve));
    });
});

describe("tRPC", () => {
    let left = 0;
    const t = initTRPC.context<AuthContext>().create({
        isDev: false,
        errorFormatter: ({ shape, error }) => ({
            ...shape,
            data: {
                ...shape.data,
                reason: error.cause instanceof RefusedError ? error.cause.refusal.code : null
            }
        })
    });

    function routerOf() {
        const procedure = t.procedure.use(protectProcedure(validator));
        async function* ticks() {
            try {
                for (let i = 0; ; i++) {
                    yield i;
                    await sleep(50);
                }
            } finally {
                left++;
            }
        }
        return t.router({
            ticks: procedure.subscription(() => ticks()),
            // One that never gives anything: nothing but the expiry ends the wait for it.
            silence: procedure.subscription(async function* ({ signal }) {
                await sleep(600_000, undefined, { signal: signal as AbortSignal });
                yield 1;
            }),
            observed: procedure.subscription(() =>
                observable<number>(observer => {
                    const timer = setInterval(() => observer.next(1), 50);
                    return () => {
                        left++;
                        clearInterval(timer);
                    };
                })
            ),
            stream: procedure.query(() => ticks()),
            held: procedure.query(() => ({ now: "now", later: ticks() })),
            promised: procedure.query(() => ({ later: Promise.resolve(ticks()) })),
            promisedWithin: procedure.query(() => ({ later: Promise.resolve({ held: ticks() }) })),
            given: procedure.query(async function* () {
                yield { later: ticks() };
            }),
            late: procedure.query(({ signal }) => ({
                later: sleep(5_000, "late", { signal: signal as AbortSignal })
            })),
            soon: procedure.query(() => ({ later: sleep(50, { told: "soon" }) })),
            fails: procedure.query(() => ({ later: Promise.reject(new Error("of the application")) })),
            three: procedure.query(async function* () {
                yield* [1, 2, 3];
            })
        });
    }
    type Router = ReturnType<typeof routerOf>;

    async function overWebSocket(token: string) {
        const server = createServer();
        applyWSSHandler({ wss: new WebSocketServer({ server }), router: routerOf(), createContext });
        const client = createWSClient({
            url: `ws://127.0.0.1:${await portOf(server)}/`,
            WebSocket: WebSocket as never,
            connectionParams: { token }
        });
        onTestFinished(() => void client.close());
        return createTRPCClient<Router>({ links: [wsLink({ client })] });
    }

    const overHttp = async () =>
        `http://127.0.0.1:${await portOf(createServer(createHTTPHandler({ router: routerOf(), createContext })))}`;

    /** Subscribes until it ends, or until it has lasted this long. */
    async function subscribed(
        client: { subscribe: (input: undefined, listener: object) => { unsubscribe(): void } },
        milliseconds: number
    ) {
        let events = 0;
        let subscription: { unsubscribe(): void } | undefined;
        const outcome = new Promise<unknown>(resolve => {
            subscription = client.subscribe(undefined, {
                onData: () => events++,
                onError: (error: { data: { reason: string } }) =>
                    resolve(error.data?.reason ?? String(error)),
                onComplete: () => resolve("complete")
            });
        });
        const ended = await Promise.race([outcome, sleep(milliseconds).then(() => "goes on")]);
        subscription?.unsubscribe();
        return { ended, events };
    }

    test.each(["ticks", "observed", "silence"] as const)(
        "a subscription on a WebSocket (%s) ends with the token",
        async name => {
            const { token, due } = tokenFor(2);
            const brief = await overWebSocket(token);
            const before = left;
            const { ended, events } = await subscribed(brief[name] as never, 8_000);
            expect(ended).toBe("token_expired");
            expect(Date.now()).toBeGreaterThanOrEqual(due);
            if (name !== "silence") {
                expect(events).toBeGreaterThan(3);
                await expect.poll(() => left).toBeGreaterThan(before);
            }
            const lasting = await overWebSocket(tokenFor(600).token);
            expect((await subscribed(lasting[name] as never, 1_000)).ended).toBe("goes on");
        }
    );

    /** Reads a response until it ends or has lasted this long. */
    async function read(
        path: string,
        token: string,
        milliseconds: number,
        headers: Record<string, string> = {}
    ) {
        const url = await overHttp();
        const abort = new AbortController();
        const response = await fetch(`${url}/${path}`, {
            headers: { authorization: `Bearer ${token}`, ...headers },
            signal: abort.signal
        });
        let text = "";
        const reading = (async () => {
            for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
                text += Buffer.from(chunk).toString();
            }
            return "ended";
        })().catch(() => "cut off");
        const ended = await Promise.race([reading, sleep(milliseconds).then(() => "goes on")]);
        abort.abort();
        return { ended, text };
    }

    test.each(["ticks", "observed", "silence"])("a subscription over server-sent events (%s)", async name => {
        const { token, due } = tokenFor(2);
        const { ended, text } = await read(name, token, 8_000);
        expect(ended).toBe("ended");
        expect(text).toContain("serialized-error");
        expect(text).toContain("token_expired");
        expect(Date.now()).toBeGreaterThanOrEqual(due);
        expect((await read(name, tokenFor(600).token, 1_000)).ended).toBe("goes on");
    });

    const BIT_BY_BIT = ["stream", "held", "promised", "promisedWithin", "given", "late"];

    test.each(BIT_BY_BIT)("a query that answers bit by bit in a streamed batch (%s)", async name => {
        const { token, due } = tokenFor(2);
        const asked = `${name}?batch=1&input=%7B%7D`;
        const { ended, text } = await read(asked, token, 8_000, { "trpc-accept": "application/jsonl" });
        expect(ended).toBe("ended");
        expect(text).toContain("token_expired");
        expect(Date.now()).toBeGreaterThanOrEqual(due);
        const lasting = await read(asked, tokenFor(600).token, 1_000, { "trpc-accept": "application/jsonl" });
        expect(lasting.ended).toBe("goes on");
    });

    test("what is promised is sent as it is, and its failing is tRPC's, whoever waits for it", async () => {
        const { token } = tokenFor(600);
        const streamed = { "trpc-accept": "application/jsonl" };
        expect((await read("soon?batch=1&input=%7B%7D", token, 5_000, streamed)).text).toContain(
            '{"told":"soon"}'
        );
        expect((await read("fails?batch=1&input=%7B%7D", token, 5_000, streamed)).ended).toBe("ended");
        // Without a stream JSON holds no promise, so nobody waits; that it fails ends no process.
        expect((await read("fails", token, 5_000)).ended).toBe("ended");
        await sleep(20);
        const call = t.createCallerFactory(routerOf());
        const request = new Request("http://127.0.0.1/", { headers: { authorization: `Bearer ${token}` } });
        const caller = call(createContext({ req: request, resHeaders: new Headers() }));
        expect(await (await caller.soon()).later).toEqual({ told: "soon" });
        await expect((await caller.fails()).later).rejects.toThrow("of the application");
    });

    test("a caller on the server gets what it would get without a guard", async () => {
        const call = t.createCallerFactory(routerOf());
        const request = new Request("http://127.0.0.1/", {
            headers: { authorization: `Bearer ${tokenFor(600).token}` }
        });
        const caller = call(createContext({ req: request, resHeaders: new Headers() }));
        const three = await caller.three();
        expect(await three.next()).toEqual({ done: false, value: 1 });
        const rest: number[] = [];
        for await (const value of three) {
            rest.push(value);
        }
        expect(rest).toEqual([2, 3]);
        const stopped = await caller.three();
        expect(await stopped.return(undefined)).toMatchObject({ done: true });
        expect(await stopped.next()).toMatchObject({ done: true });
    });

    test("a stream that ends by itself, and a client that leaves", async () => {
        const url = await overHttp();
        const client = createTRPCClient<Router>({
            links: [httpBatchStreamLink({ url, headers: { authorization: `Bearer ${tokenFor(600).token}` } })]
        });
        const got: number[] = [];
        for await (const value of await client.three.query()) {
            got.push(value);
        }
        expect(got).toEqual([1, 2, 3]);
        const before = left;
        for await (const value of await client.stream.query()) {
            if (value > 2) {
                break;
            }
        }
        await expect.poll(() => left).toBeGreaterThan(before);
    });
});

test("on a connection of ws a new token is handed in, as the page has it", async () => {
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: acceptedProtocol });
    const upgrade = protect(validator, { closeAtExpiry: false }, sockets);
    sockets.on("connection", (ws, req) => {
        let auth = upgrade.of(req);
        let stop = closeAtExpiry(validator, ws, auth);
        ws.on("message", async message => {
            const verdict = await validator.validateRequest({ authorization: `Bearer ${message}` });
            if (!verdict.isSuccess || verdict.rawClaims.sub !== auth.rawClaims.sub) {
                ws.close(4401, "The new access token is refused");
                return;
            }
            stop();
            auth = verdict;
            stop = closeAtExpiry(validator, ws, auth);
            ws.send("renewed");
        });
    });
    const url = `ws://127.0.0.1:${await portOf(createServer().on("upgrade", upgrade))}/`;
    onTestFinished(() => sockets.clients.forEach(socket => socket.terminate()));
    const opened = async () => {
        const socket = new WebSocket(url, [`authorization_bearer_${tokenFor(2).token}`]);
        await once(socket, "open");
        return socket;
    };
    const [renewing, foreign, silent] = [await opened(), await opened(), await opened()];
    const closed = [foreign, silent].map(async socket => ((await once(socket, "close")) as [number])[0]);
    renewing.send(tokenFor(600).token);
    expect(String((await once(renewing, "message"))[0])).toBe("renewed");
    foreign.send(fixtures.token(nowInSeconds(), { sub: "user-2" }));
    expect(await Promise.all(closed)).toEqual([4401, 4401]);
    expect(renewing.readyState).toBe(WebSocket.OPEN);
});
