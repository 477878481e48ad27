// Which server an audit may send requests to, and that they go nowhere else.

import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/script.js";

const load = createRequire(import.meta.url);
// Compiled as the program has them; no entry of the package exports them.
const { isLoopback, newConfirmation, targetOf } = load(
    join(root, "dist/audit/target.js")
) as typeof import("../../ts/audit/target.js");
const { Exchange } = load(
    join(root, "dist/audit/exchange.js")
) as typeof import("../../ts/audit/exchange.js");
const { confirm } = load(join(root, "dist/audit/run.js")) as typeof import("../../ts/audit/run.js");

const LIMITS = { perSecond: 50, timeoutMs: 5_000 };

test.each([
    ["127.0.0.1", true],
    ["127.255.0.9", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["128.0.0.1", false],
    ["0.0.0.0", false],
    ["10.0.0.1", false],
    ["192.168.1.1", false],
    ["169.254.169.254", false],
    ["::", false],
    ["::ffff:10.0.0.1", false],
    ["fe80::1", false]
])("whether %s is this machine: %s", (address, expected) => {
    expect(isLoopback(address)).toBe(expected);
});

test.each([
    ["http://127.0.0.1:3000/me", "127.0.0.1", true],
    ["http://[::1]:3000/me", "::1", true],
    // As browsers read these texts, they are addresses of this machine.
    ["http://0x7f.1/", "127.0.0.1", true],
    ["http://2130706433/", "127.0.0.1", true],
    ["https://192.0.2.1/me", "192.0.2.1", false]
])("%s leads to %s", async (url, address, expected) => {
    const target = await targetOf(url, undefined);
    expect([target.addresses, target.isLoopback]).toEqual([[address], expected]);
});

test("a name is an address from the beginning of a run", async () => {
    const target = await targetOf("http://localhost:3000/me#part", undefined);
    expect(target.isLoopback).toBe(true);
    expect(target.url.href).toBe("http://localhost:3000/me");
});

test("codes of two runs differ, and cannot be guessed", () => {
    expect(newConfirmation()).toMatch(/^audit-[0-9a-f]{32}$/);
    expect(newConfirmation()).not.toBe(newConfirmation());
});

async function serving(body: () => string, status = 200) {
    const asked: string[] = [];
    const server = createServer((req, res) => {
        asked.push(`${req.headers.host} ${req.url}`);
        res.writeHead(status).end(body());
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    // No such name exists: a request that looked it up would fail.
    const url = new URL(`http://server.invalid:${port}/me`);
    const target = { url, addresses: ["127.0.0.1"], isLoopback: false, ca: undefined };
    return { asked, target, exchange: new Exchange(target, LIMITS), close: () => server.close() };
}

const options = {
    audience: "https://api.test",
    method: "GET",
    profile: "default",
    typ: "at+jwt",
    claims: {},
    dpop: undefined,
    waitMs: 1,
    withinMs: 1000
} as const;

test("the address is fixed, and Host has the name", async () => {
    const { asked, target, exchange, close } = await serving(() => "hello");
    try {
        const answer = await exchange.send({ method: "GET", target: "/me", fields: [] });
        expect(answer).toMatchObject({ status: 200, body: "hello" });
        expect(asked).toEqual([`${target.url.host} /me`]);
    } finally {
        close();
    }
});

test("of two addresses of this machine, the one is asked that a server listens at", async () => {
    const { target, close } = await serving(() => "hello");
    // Nothing listens at the first one: the server has 127.0.0.1 alone.
    const exchange = new Exchange({ ...target, addresses: ["127.0.0.9", "127.0.0.1"] }, LIMITS);
    try {
        const answers = [];
        for (let i = 0; i < 3; i++) {
            answers.push(await exchange.send({ method: "GET", target: "/", fields: [] }));
        }
        expect(answers).toMatchObject([{ failure: "unreachable" }, { status: 200 }, { status: 200 }]);
    } finally {
        close();
    }
});

test("a server that changes to another protocol has given no answer, at once", async () => {
    const server = createTcpServer(connection => {
        connection.on("error", () => undefined);
        connection.once("data", () => {
            connection.write("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/me`);
    const target = { url, addresses: ["127.0.0.1"], isLoopback: true, ca: undefined };
    const exchange = new Exchange(target, { ...LIMITS, timeoutMs: 10_000 });
    const answer = await exchange.send({ method: "GET", target: "/", fields: [] });
    expect(answer).toEqual({ failure: "malformed" });
    server.close();
});

test("a server that shows the code is confirmed; with white space around it too", async () => {
    const server = await serving(() => "audit-1\n");
    try {
        await confirm({ ...server, options }, "audit-1");
        expect(server.asked).toHaveLength(1);
    } finally {
        server.close();
    }
});

test.each([
    ["another code", "audit-2", 200],
    ["the code among other text", "your code: audit-1", 200],
    ["nothing", "", 200],
    ["the code with another status", "audit-1", 404],
    ["the code behind a redirect", "audit-1", 302]
])("%s confirms nothing", async (_what, body, status) => {
    const server = await serving(() => body, status);
    try {
        await expect(confirm({ ...server, options }, "audit-1")).rejects.toThrow("did not show");
    } finally {
        server.close();
    }
});

test("between two requests lies the time that the rate asks for, also if all are asked for at once", async () => {
    const { asked, target, close } = await serving(() => "hello");
    let now = 0;
    const begun: number[] = [];
    const pace = {
        now: () => now,
        sleep: async (ms: number) => {
            now += ms;
            begun.push(now);
        }
    };
    const exchange = new Exchange(target, { ...LIMITS, perSecond: 4 }, pace);
    try {
        const question = { method: "GET", target: "/", fields: [] };
        await Promise.all([exchange.send(question), exchange.send(question), exchange.send(question)]);
        expect(begun).toEqual([0, 250, 500]);
        expect([asked.length, exchange.sent]).toEqual([3, 3]);
    } finally {
        close();
    }
});

test("of a long answer no more than 64 KiB are read", async () => {
    const { exchange, close } = await serving(() => "x".repeat(1_000_000));
    try {
        const answer = await exchange.send({ method: "GET", target: "/", fields: [] });
        expect(answer).toMatchObject({ status: 200, body: "x".repeat(64 * 1024) });
    } finally {
        close();
    }
});
