// Upgrades through real servers: ws, Hono on Node.js and socket.io. The token as browsers send it and as others do.

import { createAdaptorServer, upgradeWebSocket } from "@hono/node-server";
import { Hono } from "hono";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createValidator, type Granted, type Validator, type ValidatorOptions } from "oidc-spa-native";
import { allScopes } from "oidc-spa-native/authorization";
import * as ofExpress from "oidc-spa-native/express";
import * as ofFetch from "oidc-spa-native/fetch";
import * as ofHono from "oidc-spa-native/hono";
import { acceptedProtocol, closeAtExpiry, protect, protectNamespace } from "oidc-spa-native/websocket";
import { Server as SocketIoServer } from "socket.io";
import { io, type Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { listening } from "../conformance/servers.js";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { slowed } from "../support/slow-validator.js";

let fixtures: Fixtures;
let options: ValidatorOptions;
let validator: Validator;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
    fixtures = await createFixtures();
    options = { issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE };
    validator = createValidator(options);
});

afterEach(async () => {
    for (const close of closing.splice(0)) {
        await close();
    }
});

afterAll(() => fixtures.issuer.close());

const token = (claims: Record<string, unknown> = {}) => fixtures.token(nowInSeconds(), claims);
const protocol = (accessToken: string) => `authorization_bearer_${accessToken}`;

async function portOf(server: HttpServer): Promise<number> {
    const { port } = await listening(server);
    closing.push(() => {
        server.closeAllConnections();
        return new Promise(resolve => server.close(resolve));
    });
    return port;
}

type Rules = Pick<Parameters<typeof protect>[1], "optional" | "require" | "closeAtExpiry">;

async function wsServer(rules: Rules = {}, by: Validator = validator): Promise<string> {
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: acceptedProtocol });
    const upgrade = protect(by, rules as { optional?: true }, sockets);
    sockets.on("connection", (ws, req) => ws.send(`Hello ${upgrade.of(req)?.claims.sub ?? "stranger"}`));
    const server = createServer();
    server.on("upgrade", upgrade);
    closing.push(() => sockets.clients.forEach(socket => socket.terminate()));
    return `ws://127.0.0.1:${await portOf(server)}/chat`;
}

async function honoServer(rules: Rules = {}, by: Validator = validator): Promise<string> {
    const { closeAtExpiry: closes = true, ...route } = rules;
    const app = new Hono().get(
        "/chat",
        ofHono.protect(by, { ...route, subprotocolToken: true }),
        upgradeWebSocket(c => {
            const auth = c.get("auth" as never) as Granted | null;
            return {
                onOpen: (_event, ws) => {
                    if (closes) {
                        closeAtExpiry(by, ws, auth);
                    }
                    ws.send(`Hello ${auth?.claims.sub ?? "stranger"}`);
                }
            };
        })
    );
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: acceptedProtocol });
    closing.push(() => sockets.clients.forEach(socket => socket.terminate()));
    return `ws://127.0.0.1:${await portOf(createAdaptorServer({ fetch: app.fetch, websocket: { server: sockets } }) as HttpServer)}/chat`;
}

interface Answer {
    readonly status: number;
    readonly headers: IncomingMessage["headers"];
    readonly body?: string;
    readonly protocol?: string;
    readonly said?: string;
}

function open(
    url: string,
    protocols: string[] = [],
    headers: Record<string, string> = {}
): Promise<Answer & { readonly socket?: WebSocket }> {
    const socket = new WebSocket(url, protocols, { headers });
    return new Promise((resolve, reject) => {
        let upgraded: IncomingMessage["headers"] = {};
        socket.on("upgrade", response => {
            upgraded = response.headers;
        });
        socket.on("message", data => {
            resolve({
                status: 101,
                headers: upgraded,
                protocol: socket.protocol,
                said: String(data),
                socket
            });
        });
        socket.on("unexpected-response", (_request, response) => {
            text(response).then(
                body => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
                reject
            );
        });
        socket.on("error", reject);
    });
}

const dpop = (url: string, htu = url.replace(/^ws/, "http"), extra: Record<string, unknown> = {}) => {
    const bound = fixtures.boundToken(nowInSeconds());
    return {
        authorization: `DPoP ${bound}`,
        dpop: fixtures.proof(nowInSeconds(), bound, { htm: "GET", htu, ...extra })
    };
};

describe.each([
    ["ws", wsServer],
    ["Hono", honoServer]
])("%s", (name, serverWith) => {
    test("a token as subprotocol, echoed where nothing else is offered", async () => {
        const url = await serverWith();
        const offered = protocol(token());
        expect(await open(url, [offered])).toMatchObject({
            status: 101,
            protocol: offered,
            said: "Hello user-1"
        });
        expect(await open(url, [offered, "chat"])).toMatchObject({ status: 101, protocol: "chat" });
        expect(await open(url, ["chat", protocol(token())])).toMatchObject({ status: 101, protocol: "chat" });
    });

    test("refusals come before the upgrade, with status and challenge", async () => {
        const url = await serverWith({ require: allScopes(["items:write"]) });
        const challengeOf = async (...sent: string[]) => {
            const { status, headers, body } = await open(url, sent);
            if (name === "ws") {
                expect(headers["content-type"]).toBe("application/problem+json");
                expect(JSON.parse(body ?? "")).toMatchObject({ status });
            }
            return `${status} ${headers["www-authenticate"]}`;
        };
        expect(await challengeOf()).toMatch(
            /^401 Bearer scope="items:write", DPoP scope="items:write", algs=/
        );
        expect(await challengeOf("chat")).toMatch(
            /^401 Bearer scope="items:write", DPoP scope="items:write", algs=/
        );
        expect(await challengeOf(protocol("garbage"))).toMatch(/^401 Bearer error="invalid_token"/);
        expect(await challengeOf(protocol(""))).toMatch(/^400 Bearer error="invalid_request"/);
        expect(await challengeOf(protocol(token({ exp: nowInSeconds() - 1 })))).toContain("expired");
        expect(await challengeOf(protocol(token()))).toMatch(
            /^403 Bearer error="insufficient_scope".*scope="items:write"/
        );
        expect(await open(url, [protocol(token({ scope: "items:write" }))])).toMatchObject({ status: 101 });
    });

    test("more than one token, or one beside the field, is refused", async () => {
        const url = await serverWith();
        expect(await open(url, [protocol(token()), protocol(token({ sub: "user-2" }))])).toMatchObject({
            status: 400
        });
        expect(await open(url, [protocol(token())], { authorization: `Bearer ${token()}` })).toMatchObject({
            status: 400
        });
    });

    test("I25: the Authorization field, and proofs for the http URL of the handshake", async () => {
        const url = await serverWith();
        expect(await open(url, [], { authorization: `Bearer ${token()}` })).toMatchObject({
            said: "Hello user-1"
        });
        const once = dpop(url);
        expect(await open(url, [], once)).toMatchObject({ said: "Hello user-1" });
        expect((await open(url, [], once)).headers["www-authenticate"]).toContain("used before");
        expect((await open(url, [], dpop(url, url))).headers["www-authenticate"]).toContain(
            "for another URI"
        );
        expect(
            (await open(url, [], dpop(url, undefined, { htm: "POST" }))).headers["www-authenticate"]
        ).toContain("for another method");
    });

    test("a bound token as subprotocol has no proof beside it", async () => {
        const url = await serverWith();
        const answer = await open(url, [protocol(fixtures.boundToken(nowInSeconds()))]);
        expect(answer).toMatchObject({ status: 401 });
        expect(answer.headers["www-authenticate"]).toContain("bound to a key");
    });

    test("anonymous where it is optional, and not with a bad token", async () => {
        const url = await serverWith({ optional: true });
        expect(await open(url)).toMatchObject({ said: "Hello stranger" });
        expect(await open(url, [protocol("garbage")])).toMatchObject({ status: 401 });
    });

    test("an empty field is no credentials, and white space is space and tab", async () => {
        const [url, optional] = [await serverWith(), await serverWith({ optional: true })];
        const good = `Bearer ${token()}`;
        for (const authorization of ["", " ", "\t"]) {
            expect(await open(url, [], { authorization })).toMatchObject({ status: 401 });
            expect(await open(optional, [], { authorization })).toMatchObject({ said: "Hello stranger" });
            // A token as subprotocol is then the only one.
            expect(await open(url, [protocol(token())], { authorization })).toMatchObject({
                said: "Hello user-1"
            });
        }
        expect(await open(url, [], { authorization: `\t ${good} \t` })).toMatchObject({
            said: "Hello user-1"
        });
        for (const authorization of ["\u00a0", `${good}\u00a0`, `\u00a0${good}`]) {
            for (const at of [url, optional]) {
                const { status, headers } = await open(at, [], { authorization });
                expect(status).toBe(400);
                expect(headers["www-authenticate"]).toContain("The Authorization field is malformed");
            }
        }
    });

    test("nonces come with the handshake", async () => {
        const url = await serverWith({}, createValidator({ ...options, nonce: "required" }));
        const refused = await open(url, [], dpop(url));
        expect(refused).toMatchObject({ status: 401, headers: { "cache-control": "no-store" } });
        const nonce = refused.headers["dpop-nonce"] as string;
        expect(await open(url, [], dpop(url, undefined, { nonce }))).toMatchObject({ status: 101 });
        const offering = await serverWith({}, createValidator({ ...options, nonce: "on-stale-proof" }));
        expect((await open(offering, [], dpop(offering))).headers["dpop-nonce"]).toMatch(/^[\w-]+$/);
    });

    test("closed at the token's expiry unless a rule says that it stays", async () => {
        const claims = { exp: nowInSeconds() + 2 };
        const staying = await open(await serverWith({ closeAtExpiry: false }), [protocol(token(claims))]);
        const { socket } = await open(await serverWith(), [protocol(token(claims))]);
        const [code, reason] = (await once(socket as WebSocket, "close")) as [number, Buffer];
        expect([code, String(reason)]).toEqual([4401, "The access token expired"]);
        expect(Date.now()).toBeGreaterThanOrEqual(claims.exp * 1000);
        expect(staying.socket?.readyState).toBe(WebSocket.OPEN);
    });
});

// `ws` itself would wait for 30 s.
test("a client that never answers the close is cut off", { timeout: 25_000 }, async () => {
    const url = await wsServer();
    const { port } = new URL(url);
    const socket = connect(Number(port), "127.0.0.1");
    const key = Buffer.alloc(16).toString("base64");
    socket.write(
        `GET /chat HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
            `Sec-WebSocket-Key: ${key}\r\nAuthorization: Bearer ${token({ exp: nowInSeconds() + 1 })}\r\n\r\n`
    );
    socket.resume();
    await once(socket, "close");
});

test("a client that leaves while it is judged ends nothing", async () => {
    let judged: (() => void) | undefined;
    const slow = {
        ...validator,
        validateRequest: (...args: Parameters<Validator["validateRequest"]>) =>
            new Promise<void>(resolve => (judged = resolve)).then(() => validator.validateRequest(...args))
    };
    const url = await wsServer({}, slow);
    const { port } = new URL(url);
    for (const authorization of ["Bearer x", `Bearer ${token()}`]) {
        const socket = connect(Number(port), "127.0.0.1");
        socket.write(
            `GET /chat HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
                `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\nAuthorization: ${authorization}\r\n\r\n`
        );
        judged = undefined;
        await expect.poll(() => judged).toBeDefined();
        socket.resetAndDestroy();
        await sleep(20);
        (judged as unknown as () => void)();
        await sleep(20);
    }
});

test("where the validator fails, nobody is let in, and nobody learns why", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const broken = createValidator({ ...options, clock: () => NaN });
    expect(await open(await wsServer({}, broken), [protocol(token())])).toMatchObject({
        status: 500,
        body: '{"type":"about:blank","title":"Internal Server Error","status":500}'
    });
    expect(String(warn.mock.calls[0]?.[0])).toContain("clock returned NaN");
    warn.mockRestore();
});

test("the rule reads subprotocols wherever it is written, and only there", async () => {
    const request = () =>
        new Request("https://api.example.com/chat", {
            headers: { "sec-websocket-protocol": `chat, ${protocol(token())}` }
        });
    const statusBy = async (rules: { subprotocolToken?: boolean }) =>
        (
            await ofFetch.protect(
                validator,
                rules,
                (_request: Request, auth) => new Response(auth.claims.sub)
            )(request())
        ).status;
    expect([await statusBy({ subprotocolToken: true }), await statusBy({})]).toEqual([200, 401]);
});

describe("socket.io", () => {
    type IoRules = Parameters<typeof protectNamespace>[1];

    async function ioServer(rules: IoRules = {}, by: Validator = validator): Promise<string> {
        const server = createServer();
        const sockets = new SocketIoServer(server);
        const auth = protectNamespace(by, rules as { optional?: true });
        for (const namespace of [sockets, sockets.of("/admin")]) {
            namespace.use(auth);
            namespace.on("connection", socket =>
                socket.emit("hello", auth.of(socket)?.claims.sub ?? "stranger")
            );
        }
        closing.push(() => sockets.close());
        return `http://127.0.0.1:${await portOf(server)}`;
    }

    type Given = NonNullable<Parameters<typeof io>[1]>;

    async function enter(url: string, given: Given): Promise<unknown> {
        const socket: Socket = io(url, { forceNew: true, reconnection: false, ...given });
        closing.push(() => socket.disconnect());
        return new Promise(resolve => {
            socket.on("hello", resolve);
            socket.on("connect_error", error =>
                resolve({ message: error.message, ...(error as { data?: object }).data })
            );
        });
    }

    test.each([["polling"], ["websocket"]])(
        "over %s: the token in auth, or in the field",
        async transport => {
            const url = await ioServer();
            const by = { transports: [transport] };
            expect(await enter(url, { ...by, auth: { token: token() } })).toBe("user-1");
            expect(await enter(url, { ...by, extraHeaders: { authorization: `Bearer ${token()}` } })).toBe(
                "user-1"
            );
            expect(await enter(url, by)).toMatchObject({ status: 401, code: "credentials_missing" });
            expect(await enter(url, { ...by, auth: { token: token({ exp: 1 }) } })).toMatchObject({
                message: "The access token expired",
                code: "token_expired"
            });
            for (const odd of [{ toString: 1 }, 5, [], ""]) {
                expect(await enter(url, { ...by, auth: { token: odd } })).toMatchObject({
                    code: "credentials_malformed"
                });
            }
        }
    );

    test("the token as subprotocol", async () => {
        const url = await ioServer();
        expect(await enter(url, { transports: ["websocket"], protocols: [protocol(token())] })).toBe(
            "user-1"
        );
        const both = { transports: ["websocket"], protocols: [protocol(token())], auth: { token: token() } };
        expect(await enter(url, both)).toMatchObject({ code: "credentials_repeated" });
    });

    test("a proof is good for all namespaces of a connection", async () => {
        const url = await ioServer();
        const proved = dpop(`${url}/socket.io/`);
        const { Manager } = await import("socket.io-client");
        const manager = new Manager(url, {
            transports: ["websocket"],
            extraHeaders: proved,
            reconnection: false
        });
        const heard = await Promise.all(
            ["/", "/admin"].map(async namespace => {
                const socket = manager.socket(namespace);
                closing.push(() => socket.disconnect());
                return new Promise(resolve => socket.on("hello", resolve).on("connect_error", resolve));
            })
        );
        expect(heard).toEqual(["user-1", "user-1"]);
        expect(await enter(url, { transports: ["websocket"], extraHeaders: proved })).toMatchObject({
            code: "proof_replayed"
        });
    });

    test("the handshake itself, guarded as a request of HTTP", async () => {
        const server = createServer();
        const sockets = new SocketIoServer(server);
        sockets.engine.use(ofExpress.protect(validator));
        sockets.on("connection", socket => socket.emit("hello", "somebody"));
        closing.push(() => sockets.close());
        const url = `http://127.0.0.1:${await portOf(server)}`;
        const refused = await fetch(`${url}/socket.io/?EIO=4&transport=polling`);
        expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([
            401,
            expect.stringMatching(/^Bearer/)
        ]);
        for (const transport of ["polling", "websocket"]) {
            const by = { transports: [transport] };
            expect(await enter(url, by)).toEqual({ message: expect.stringMatching(/error/) });
            expect(await enter(url, { ...by, extraHeaders: { authorization: `Bearer ${token()}` } })).toBe(
                "somebody"
            );
        }
    });

    test("a client that leaves while it is judged leaves nothing that waits for the end of its token", async () => {
        const { validator: slow, isAsked, goOn, waits } = slowed(validator);
        const socket = io(await ioServer({}, slow), {
            forceNew: true,
            reconnection: false,
            transports: ["websocket"],
            auth: { token: token() }
        });
        await isAsked;
        socket.disconnect();
        await sleep(100);
        goOn();
        await expect.poll(() => waits.length).toBe(1);
        await expect.poll(() => waits[0]?.aborted).toBe(true);
    });

    test("rules, expiry, and a validator that fails", async () => {
        expect(
            await enter(await ioServer({ require: allScopes(["items:write"]) }), { auth: { token: token() } })
        ).toMatchObject({ code: "scope_insufficient" });
        expect(await enter(await ioServer({ optional: true }), {})).toBe("stranger");

        const socket = io(await ioServer(), {
            forceNew: true,
            reconnection: false,
            auth: { token: token({ exp: nowInSeconds() + 2 }) }
        });
        expect(await new Promise(resolve => socket.on("disconnect", resolve))).toBe("io server disconnect");

        const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
        const broken = createValidator({ ...options, clock: () => NaN });
        expect(await enter(await ioServer({}, broken), { auth: { token: token() } })).toEqual({
            message: "Internal Server Error",
            type: "about:blank",
            title: "Internal Server Error",
            status: 500
        });
        warn.mockRestore();
    });
});

test("a refused upgrade holds no connection, whatever its client does", async () => {
    const sockets = new WebSocketServer({ noServer: true });
    const server = createServer().on("upgrade", protect(validator, {}, sockets));
    const port = await portOf(server);
    const handshake = `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`;
    const connections = () =>
        new Promise<number>((resolve, reject) =>
            server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
        );
    const refused = async (allowHalfOpen: boolean) => {
        const client = connect({ port, host: "127.0.0.1", allowHalfOpen });
        client.on("error", () => undefined);
        client.write(handshake);
        const [first] = (await once(client, "data")) as [Buffer];
        expect(first.toString()).toMatch(/^HTTP\/1\.1 401 /);
        client.write("x");
        return client;
    };
    // One leaves with something unread behind it, one never does.
    (await refused(false)).end();
    const staying = await refused(true);
    await vi.waitFor(async () => expect(await connections()).toBe(0), { timeout: 20_000 });
    staying.destroy();
});

test("a refused upgrade behind a request without its response ends the connection, and warns of nothing", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    closing.push(() => warn.mockRestore());
    const upgraded: unknown[] = [];
    const upgrade = protect(validator, {}, new WebSocketServer({ noServer: true }));
    const server = createServer(() => undefined).on("upgrade", (req, socket, head) => {
        upgraded.push(req.url);
        upgrade(req, socket, head);
    });
    const client = connect({ port: await portOf(server), host: "127.0.0.1" });
    client.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    client.write("GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    expect(await text(client)).toBe("");
    expect(upgraded).toEqual(["/upgrade"]);
    expect(warn).not.toHaveBeenCalled();
});

test("a server that would upgrade for itself is refused when it is protected", () => {
    const sockets = new WebSocketServer({ port: 0 });
    closing.push(() => sockets.close());
    expect(() => protect(validator, {}, sockets)).toThrow(/noServer: true/);
});

// The program has no listener of its own for errors, as many have none: an `error` that nobody hears is thrown.
test.each([true, false])(
    "a frame that is none ends its socket, not the process (closeAtExpiry: %s)",
    async closes => {
        const sockets = new WebSocketServer({ noServer: true });
        const upgrade = protect(validator, { closeAtExpiry: closes }, sockets);
        const heard: string[] = [];
        const closed = new Promise<number>(resolve =>
            sockets.on("connection", (ws, req) => {
                if (req.url === "/heard") {
                    ws.on("error", error => heard.push(error.message));
                }
                ws.once("close", resolve);
            })
        );
        const port = await portOf(createServer().on("upgrade", upgrade));
        const attack = (path: string) =>
            new Promise<void>(resolve => {
                const socket = connect(port, "127.0.0.1", () =>
                    socket.write(
                        `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token()}\r\nConnection: Upgrade\r\n` +
                            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
                            `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`
                    )
                );
                // Reserved bits, which no extension has taken (RFC 6455 section 5.2).
                socket.once("data", () => socket.write(Buffer.from([0xff, 0xff, 1, 2, 3, 4])));
                socket.resume().once("close", () => resolve());
            });
        await attack("/");
        expect(await closed).toBe(1006);
        await attack("/heard");
        expect(heard.join()).toContain("RSV");
        const good = new WebSocket(`ws://127.0.0.1:${port}/`, {
            headers: { authorization: `Bearer ${token()}` }
        });
        await once(good, "open");
        good.terminate();
    }
);

test("two listeners for one upgrade fail for its connection, not for the process", async () => {
    const warnings: string[] = [];
    const hear = (warning: Error) => warnings.push(warning.message);
    process.on("warning", hear);
    closing.push(() => process.off("warning", hear));
    const sockets = new WebSocketServer({ noServer: true });
    closing.push(() => sockets.clients.forEach(socket => socket.terminate()));
    const server = createServer()
        .on("upgrade", protect(validator, {}, sockets))
        .on("upgrade", protect(validator, {}, sockets));
    const socket = new WebSocket(`ws://127.0.0.1:${await portOf(server)}/`, {
        headers: { authorization: `Bearer ${token()}` }
    });
    socket.on("error", () => undefined);
    await once(socket, "close");
    await vi.waitFor(() => expect(warnings.join()).toContain("handleUpgrade"), { timeout: 20_000 });
});

test("a token that has expired enters no other namespace of the connection", async () => {
    const server = createServer();
    const io = new SocketIoServer(server);
    const guard = protectNamespace(validator);
    io.use(guard);
    io.of("/other").use(guard);
    closing.push(() => io.close());
    const port = await portOf(server);
    const { Manager } = await import("socket.io-client");
    const manager = new Manager(`http://127.0.0.1:${port}`);
    closing.push(() => manager.engine.close());
    const auth = { token: token({ exp: nowInSeconds() + 3 }) };
    const entered = (namespace: string) =>
        new Promise<string>(resolve => {
            const socket = manager.socket(namespace, { auth });
            socket.once("connect", () => resolve("in"));
            socket.once("connect_error", error =>
                resolve((error as Error & { data: { code: string } }).data.code)
            );
        });
    expect(await entered("/")).toBe("in");
    await sleep(4_100);
    expect(await entered("/other")).toBe("token_expired");
});
