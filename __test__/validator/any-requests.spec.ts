// Values of every type that JavaScript has, where an adapter expects a request or its header fields: nothing is granted,
// nothing crashes, no message has a token, nothing holds a request.

import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ExecutionContextHost } from "@nestjs/core/helpers/execution-context-host.js";
import { initTRPC } from "@trpc/server";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { createValidator, type Validator } from "oidc-spa-native";
import * as express from "oidc-spa-native/express";
import * as fastify from "oidc-spa-native/fastify";
import * as fetching from "oidc-spa-native/fetch";
import * as hono from "oidc-spa-native/hono";
import * as koa from "oidc-spa-native/koa";
import { AuthGuard, AuthModule } from "oidc-spa-native/nestjs";
import * as nodeHttp from "oidc-spa-native/node-http";
import { createTestIssuer } from "oidc-spa-native/testing";
import * as trpc from "oidc-spa-native/trpc";
import * as websocket from "oidc-spa-native/websocket";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { expectNoToken, oddValuesWith, outcomeOf, property } from "../support/any-values.js";

const issuer = createTestIssuer();
const validator: Validator = createValidator({ ...issuer.options, trustProxy: true });
const token = issuer.sign();
const { oddities, disguises, messages, requests } = oddValuesWith(token);
const rules = {};

const granted: string[] = [];
const grant = (name: string) => (): any => {
    granted.push(name);
    return new Response();
};
const nextOf = (name: string) => (error?: unknown) => {
    if (error === undefined) {
        granted.push(name);
    }
};

/** A response on which any method can be called. */
const response = (): any => {
    const self: any = new Proxy(
        {},
        { get: (_, key) => (key === "then" || key === "headersSent" ? undefined : () => self) }
    );
    return self;
};

class Api {
    me(): void {}
}
class Root {}
let guard: AuthGuard;
let closeNest: () => Promise<void>;
beforeAll(async () => {
    Module({ imports: [AuthModule.forRoot(validator)] })(Root);
    const nest = await NestFactory.createApplicationContext(Root, { logger: false });
    guard = nest.get(AuthGuard);
    closeNest = () => nest.close();
});
afterAll(() => closeNest());

const t = initTRPC.context<trpc.AuthContext>().create();
const router = t.router({
    me: t.procedure.use(trpc.protect(validator)).query(() => void granted.push("trpc"))
});

const sockets = new WebSocketServer({ noServer: true });
sockets.on("connection", () => granted.push("websocket"));
const onUpgrade = websocket.protect(validator, rules, sockets);

const calls: Record<string, (request: any) => unknown> = {
    express: request => express.protect(validator, rules)(request, response(), nextOf("express")),
    // A hook that refuses returns the reply.
    fastify: async request => {
        const hook = fastify.protect(validator, rules) as any;
        if ((await hook(request, response())) === undefined) {
            granted.push("fastify");
        }
    },
    koa: request => koa.protect(validator, rules)(request, grant("koa") as any),
    hono: request => hono.protect(validator, rules)(request, grant("hono") as any),
    fetch: request => fetching.protect(validator, rules, grant("fetch"))(request),
    "node-http": request =>
        nodeHttp.protect(validator, rules, grant("node-http") as any)(request, response()),
    nestjs: async request => {
        const context = new ExecutionContextHost(
            [request, response(), () => undefined],
            Api,
            Api.prototype.me
        );
        await guard.canActivate(context as Parameters<AuthGuard["canActivate"]>[0]);
        granted.push("nestjs");
    },
    trpc: request => router.createCaller(trpc.createContext({ req: request, res: response() })).me()
};

/** Node.js makes the request of an upgrade, so only its fields may be odd. It ends with the connection. */
const upgrade = async (request: any): Promise<void> => {
    const socket = new PassThrough().resume();
    onUpgrade(request, socket, Buffer.alloc(0));
    await once(socket, "close");
};

/** What frameworks make of a request of Node.js. */
const frames: Record<string, (node: any) => unknown> = {
    fastify: node => ({ raw: node, headers: node.headers, method: node.method }),
    koa: node => ({ req: node, headers: node.headers, method: node.method, state: {}, set: () => undefined }),
    hono: node => ({
        req: { raw: node, method: node.method, header: (name: string) => node.headers?.[name] },
        set: () => undefined,
        body: grant
    })
};
const framed: typeof calls = Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [name, node => call((frames[name] ?? (same => same))(node))])
);

beforeEach(() => {
    granted.length = 0;
});

const names = (of: object) => fc.constantFrom(...Object.keys(of)).map(name => () => name);

test.each([
    ["requests", calls, requests],
    ["header fields", { ...framed, websocket: upgrade }, messages]
] as const)("odd %s", { timeout: 240_000 }, async (_, of, values) => {
    const asked = new Set<string>();
    await property(fc.tuple(names(of), values), async (name: string, request) => {
        asked.add(name);
        const { error } = await outcomeOf(async () => (of as typeof calls)[name]?.(request));
        if (error !== undefined) {
            expectNoToken(token, error);
        }
        expect(granted, name).toEqual([]);
    });
    expect([...asked].sort()).toEqual(Object.keys(of).sort());
});

test("the same calls let good credentials pass", async () => {
    const authorization = `Bearer ${token}`;
    const node = () => ({
        method: "GET",
        url: "/",
        headers: { authorization, host: "api.example" },
        rawHeaders: ["authorization", authorization, "host", "api.example"],
        socket: {}
    });
    for (const [name, call] of Object.entries(framed)) {
        await call(
            name === "fetch" ? new Request("https://api.example", { headers: { authorization } }) : node()
        );
        await new Promise(resolve => setImmediate(resolve));
    }
    expect(granted.sort()).toEqual(Object.keys(calls).sort());
});

test("no adapter holds its requests", { timeout: 120_000 }, async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const made: WeakRef<object>[] = [];
    const ask = async (call: (request: any) => unknown, value: () => unknown): Promise<void> => {
        const request = { headers: { authorization: value(), dpop: value() }, method: "GET", url: "/" };
        made.push(new WeakRef(request));
        await outcomeOf(async () => call(request));
    };
    for (const call of [...Object.values(framed), upgrade]) {
        for (const value of [...oddities, ...disguises]) {
            await ask(call, value);
        }
    }
    for (let i = 0; i < 5; i++) {
        await new Promise(resolve => setImmediate(resolve));
        collect();
    }
    const held = made.filter(request => request.deref() !== undefined).length;
    expect(made.length).toBeGreaterThan(500);
    // The last one may still be on the stack.
    expect(held).toBeLessThanOrEqual(1);
});
