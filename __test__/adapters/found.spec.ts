// `auth.of(request)` proves that this guard let this request pass: with any other it throws, whoever set `auth`.

import { once } from "node:events";
import express from "express";
import express4 from "express4";
import Fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createValidator, type Validator } from "oidc-spa-native";
import { allScopes } from "oidc-spa-native/authorization";
import * as ofExpress from "oidc-spa-native/express";
import * as ofFastify from "oidc-spa-native/fastify";
import * as ofHono from "oidc-spa-native/hono";
import * as ofKoa from "oidc-spa-native/koa";
import * as ofWebSocket from "oidc-spa-native/websocket";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let fixtures: Fixtures;
let validator: Validator;

beforeAll(async () => {
    fixtures = await createFixtures();
    validator = createValidator({ issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE });
});

afterAll(() => fixtures.issuer.close());

/** Who each guard says it is, of one route: the reader's guard stands before all, the admin's before none. */
interface Seen {
    reader: string;
    admin: string;
    maybe: string;
}

type Of = (request: never) => { claims: { sub: string } } | null;

const said = (of: Of, request: unknown): string => {
    try {
        return of(request as never)?.claims.sub ?? "nobody";
    } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        return (error as Error).message.includes("this guard has not let this request pass")
            ? "not passed"
            : "another";
    }
};

const seenBy = (reader: { of: Of }, admin: { of: Of }, maybe: { of: Of }, request: unknown): Seen => ({
    reader: said(reader.of, request),
    admin: said(admin.of, request),
    maybe: said(maybe.of, request)
});

const guardsOf = (protect: typeof ofExpress.protect) => ({
    reader: protect(validator),
    admin: protect(validator, { require: allScopes(["admin"]) }),
    maybe: protect(validator, { optional: true })
});

async function ask(listener: RequestListener, path: string): Promise<Seen> {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
        const { port } = server.address() as AddressInfo;
        const response = await fetch(`http://127.0.0.1:${port}${path}`, {
            headers: { authorization: `Bearer ${fixtures.token(nowInSeconds())}`, connection: "close" }
        });
        return (await response.json()) as Seen;
    } finally {
        server.close();
    }
}

const GUARDED: Seen = { reader: "user-1", admin: "not passed", maybe: "not passed" };
const BOTH: Seen = { ...GUARDED, maybe: "user-1" };
const OPEN: Seen = { reader: "not passed", admin: "not passed", maybe: "not passed" };

test.each([
    ["5", express],
    ["4", express4 as unknown as typeof express]
])("on Express %s", async (_version, framework) => {
    const { reader, admin, maybe } = guardsOf(ofExpress.protect);
    const app = framework();
    const answer: express.RequestHandler = (req, res) => void res.json(seenBy(reader, admin, maybe, req));
    app.get("/open", (req, _res, next) =>
        next(Object.assign(req, { auth: { claims: { sub: "forged" } } }) && undefined)
    );
    app.get("/open", answer);
    app.get("/guarded", reader, answer);
    app.get("/both", reader, maybe, answer);
    app.use("/mounted", reader, framework.Router().get("/below", answer));
    expect(await ask(app, "/open")).toEqual(OPEN);
    expect(await ask(app, "/guarded")).toEqual(GUARDED);
    expect(await ask(app, "/both")).toEqual(BOTH);
    expect(await ask(app, "/mounted/below")).toEqual(GUARDED);
});

test("on Fastify", async () => {
    const { reader, admin, maybe } = guardsOf(ofFastify.protect as never);
    const app = Fastify();
    const answer = async (request: object) => seenBy(reader, admin, maybe, request);
    const hook = (guard: unknown) => guard as ReturnType<typeof ofFastify.protect>;
    app.get(
        "/open",
        { onRequest: async request => void Object.assign(request, { auth: { claims: {} } }) },
        answer
    );
    app.get("/guarded", { onRequest: hook(reader) }, answer);
    app.register(async items => {
        items.addHook("onRequest", hook(reader));
        items.get("/both", { preHandler: hook(maybe) }, answer);
    });
    await app.ready();
    const seen = async (url: string) =>
        (
            await app.inject({ url, headers: { authorization: `Bearer ${fixtures.token(nowInSeconds())}` } })
        ).json();
    expect(await seen("/open")).toEqual(OPEN);
    expect(await seen("/guarded")).toEqual(GUARDED);
    expect(await seen("/both")).toEqual(BOTH);
});

test("on Hono", async () => {
    const reader = ofHono.protect(validator);
    const admin = ofHono.protect(validator, { require: allScopes(["admin"]) });
    const maybe = ofHono.protect(validator, { optional: true });
    const answer = (c: { json: (seen: Seen) => Response }) => c.json(seenBy(reader, admin, maybe, c));
    const app = new Hono()
        .get("/open", answer)
        .get("/guarded", reader, answer)
        .route("/below", new Hono().use(reader).get("/both", maybe, answer));
    const seen = async (path: string) => {
        const headers = { authorization: `Bearer ${fixtures.token(nowInSeconds())}` };
        return (await app.request(new URL(path, ITEMS).href, { headers })).json();
    };
    expect(await seen("/open")).toEqual(OPEN);
    expect(await seen("/guarded")).toEqual(GUARDED);
    expect(await seen("/below/both")).toEqual(BOTH);
});

test("on Koa", async () => {
    const reader = ofKoa.protect(validator);
    const admin = ofKoa.protect(validator, { require: allScopes(["admin"]) });
    const maybe = ofKoa.protect(validator, { optional: true });
    const app = new Koa();
    app.use(async (ctx, next) => {
        ctx.state.auth = { claims: { sub: "forged" } };
        await next();
    });
    app.use((ctx, next) => (ctx.path === "/open" ? next() : reader(ctx as never, next)));
    app.use((ctx, next) => (ctx.path === "/both" ? maybe(ctx as never, next) : next()));
    app.use(ctx => {
        ctx.body = seenBy(reader, admin, maybe, ctx);
    });
    expect(await ask(app.callback(), "/open")).toEqual(OPEN);
    expect(await ask(app.callback(), "/guarded")).toEqual(GUARDED);
    expect(await ask(app.callback(), "/both")).toEqual(BOTH);
});

test("of an upgrade and of a namespace that did not let it in", () => {
    const upgrade = ofWebSocket.protect(validator, {}, new WebSocketServer({ noServer: true }));
    const namespace = ofWebSocket.protectNamespace(validator, { optional: true });
    for (const of of [upgrade.of, namespace.of] as unknown as Of[]) {
        expect(said(of, { auth: { claims: { sub: "forged" } } })).toBe("not passed");
    }
});

test("a request without credentials has passed an optional guard; a preflight has passed none", async () => {
    const { maybe } = guardsOf(ofExpress.protect);
    const lax = ofExpress.protect(validator, { guardPreflights: false });
    const pass = (guard: ofExpress.Protection<unknown>, req: unknown) =>
        new Promise(done =>
            guard(
                req as IncomingMessage,
                { headersSent: false, setHeader() {}, getHeader() {} } as never,
                done
            )
        );
    const request = { method: "GET", url: "/", headers: {}, rawHeaders: [], socket: {} };
    await pass(maybe, request);
    expect(said(maybe.of, request)).toBe("nobody");
    const headers = { origin: "https://app.example.com", "access-control-request-method": "GET" };
    const preflight = { ...request, method: "OPTIONS", headers };
    await pass(lax, preflight);
    expect(said(lax.of, preflight)).toBe("not passed");
});

test("an object that holds another request by now is judged anew, and forgotten where that one is refused", async () => {
    const { reader } = guardsOf(ofExpress.protect);
    const request = {
        method: "GET",
        url: "/",
        headers: { authorization: `Bearer ${fixtures.token(nowInSeconds())}` },
        rawHeaders: [],
        socket: {}
    };
    const res = { headersSent: false, setHeader() {}, getHeader() {} };
    await new Promise(done => reader(request as never, { ...res, end: done } as never, done));
    expect(said(reader.of, request)).toBe("user-1");
    request.headers.authorization = "Bearer garbage";
    await new Promise<void>(done =>
        reader(request as never, { ...res, end: () => done() } as never, () => done())
    );
    expect(said(reader.of, request)).toBe("not passed");
});
