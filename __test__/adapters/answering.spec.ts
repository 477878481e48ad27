// `respond` and `rejection: "throw"` on each adapter: status, challenge and nonce survive, and nobody passes.

import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createValidator, RefusedError, type Refused, type ValidatorOptions } from "oidc-spa-native";
import * as ofExpress from "oidc-spa-native/express";
import * as ofFastify from "oidc-spa-native/fastify";
import * as ofFetch from "oidc-spa-native/fetch";
import * as ofHono from "oidc-spa-native/hono";
import * as ofKoa from "oidc-spa-native/koa";
import * as ofNodeHttp from "oidc-spa-native/node-http";
import * as ofTrpc from "oidc-spa-native/trpc";
import * as ofWebSocket from "oidc-spa-native/websocket";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocketServer } from "ws";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let f: Fixtures;
let entered = 0;
const closes: (() => unknown)[] = [];
const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);

beforeAll(async () => {
    f = await createFixtures();
});
beforeEach(() => {
    entered = 0;
    warn.mockClear();
});
afterAll(async () => {
    await Promise.all(closes.map(close => close()));
    await f.issuer.close();
    warn.mockRestore();
});

const validatorWith = (changes: object = {}) =>
    createValidator({
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        nonce: "required",
        ...changes
    } as ValidatorOptions);
type Any = ReturnType<typeof validatorWith>;

async function listening(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await new Promise(resolve => server.once("listening", resolve));
    closes.push(() => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/**
 * The framework's own handler, or the one that it has by itself, where `handles` is false. The own handler does not set the
 * status: where there is a response, the guard has set it.
 */
type Start = (validator: Any, rules: object, handles: boolean) => Promise<string>;
const enter = () => {
    entered++;
    return "in";
};
const said = (error: unknown) => {
    const { code, refusalId } = error as RefusedError;
    return `handled ${code} ${refusalId.length} ${error instanceof RefusedError}`;
};

const EXPRESS: Start = async (validator, rules, handles) => {
    const app = express();
    app.get("/", ofExpress.protect(validator, rules), (_req, res) => void res.send(enter()));
    if (handles) {
        app.use(((error, _req, res, _next) => {
            res.send(said(error));
        }) as express.ErrorRequestHandler);
    }
    return listening(app);
};
const FASTIFY: Start = async (validator, rules, handles) => {
    const app = fastify();
    handles && app.setErrorHandler((error, _request, reply) => reply.send(said(error)));
    app.get("/", { onRequest: ofFastify.protect(validator, rules) }, async () => enter());
    closes.push(() => app.close());
    return app.listen({ port: 0, host: "127.0.0.1" });
};
const HONO: Start = async (validator, rules, handles) => {
    const app = new Hono();
    handles && app.onError((error, c) => c.text(said(error)));
    app.get("/", ofHono.protect(validator, rules), c => c.text(enter()));
    return overFetch(request => app.fetch(request));
};
const KOA: Start = async (validator, rules, handles) => {
    const app = new Koa();
    app.silent = true;
    app.use(async (ctx, next) => {
        try {
            await next();
        } catch (error) {
            if (!handles) {
                throw error;
            }
            ctx.body = said(error);
        }
    });
    app.use(ofKoa.protect(validator, rules));
    app.use(ctx => {
        ctx.body = enter();
    });
    return listening(app.callback() as RequestListener);
};
const FETCH: Start = async (validator, rules, handles) => {
    const handler = ofFetch.protect(validator, rules, () => new Response(enter()));
    return overFetch(async request => {
        try {
            return await handler(request);
        } catch (error) {
            const { status, headers } = error as RefusedError;
            return new Response(handles ? said(error) : "rejected", { status, headers });
        }
    });
};
const NODE: Start = async (validator, rules) =>
    listening(ofNodeHttp.protect(validator, rules, (_req, res) => void res.end(enter())));
const WEBSOCKET: Start = async (validator, rules) => {
    const sockets = new WebSocketServer({ noServer: true });
    const server = createServer().listen(0, "127.0.0.1");
    server.on("upgrade", ofWebSocket.protect(validator, rules, sockets));
    sockets.on("connection", enter);
    closes.push(() => server.close());
    await new Promise(resolve => server.once("listening", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
};

/** A server on the Fetch API, on a port. */
const overFetch = (answer: (request: Request) => Response | Promise<Response>): Promise<string> =>
    listening((req, res) => {
        const headers = Object.entries(req.headers).map(([name, value]) => [name, String(value)] as const);
        const request = new Request(`http://${req.headers.host}${req.url}`, { headers: headers as never });
        void Promise.resolve(answer(request)).then(async response => {
            res.writeHead(response.status, Object.fromEntries(response.headers));
            res.end(await response.text());
        });
    });

const ask = (url: string, authorization = `DPoP ${f.boundToken(nowInSeconds())}`) => {
    const isUpgrade = url.endsWith("#upgrade");
    return isUpgrade
        ? upgrade(url, authorization)
        : fetch(url, { headers: { authorization, dpop: proofFor(url, authorization) } });
};
const proofFor = (url: string, authorization: string) =>
    f.proof(nowInSeconds(), authorization.slice(5), { htu: url });

/** `fetch` makes no upgrade: the lines of one, and what is answered. */
async function upgrade(url: string, authorization: string): Promise<Response> {
    const { request } = await import("node:http");
    const { text } = await import("node:stream/consumers");
    return new Promise((resolve, reject) => {
        request(url, {
            headers: {
                authorization,
                dpop: proofFor(url, authorization),
                connection: "Upgrade",
                upgrade: "websocket",
                "sec-websocket-version": "13",
                "sec-websocket-key": Buffer.alloc(16).toString("base64")
            }
        })
            .on("response", async response => {
                const init = { status: response.statusCode, headers: response.headers as never };
                resolve(new Response(await text(response), init as ResponseInit));
            })
            .on("error", reject)
            .end();
    });
}

/** What is ours, whatever the body is. */
function expectOurs({ status, headers }: Response): void {
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toContain('DPoP error="use_dpop_nonce"');
    expect(headers.get("dpop-nonce")).toMatch(/^[\w-]{43}$/);
    expect(headers.get("access-control-expose-headers")).toContain("DPoP-Nonce");
    expect(entered).toBe(0);
}

const ANSWERING = { EXPRESS, FASTIFY, HONO, KOA, FETCH, NODE, WEBSOCKET };
const THROWING = { EXPRESS, FASTIFY, HONO, KOA, FETCH };

describe.each(Object.entries(ANSWERING))("respond on %s", (name, start) => {
    const at = async (validator: Any, rules: object) =>
        (await start(validator, rules, true)) + (name === "WEBSOCKET" ? "#upgrade" : "");

    test.each([
        ["sorry", "text/plain; charset=utf-8", "sorry"],
        [{ error: "x" }, "application/json", '{"error":"x"}'],
        [{ contentType: "text/html", body: "<p>" }, "text/html", "<p>"]
    ])("%j", async (answer, type, body) => {
        const response = await ask(await at(validatorWith(), { respond: () => answer }));
        expectOurs(response);
        expect([response.headers.get("content-type"), await response.text()]).toEqual([type, body]);
    });

    test("of the validator, which the route's own goes before", async () => {
        const validator = validatorWith({ respond: ({ code }: Refused) => `all ${code}` });
        expect(await (await ask(await at(validator, {}))).text()).toBe("all proof_nonce_required");
        const own = await ask(await at(validator, { respond: () => "own" }));
        expectOurs(own);
        expect(await own.text()).toBe("own");
    });

    test("where it fails, the problem document, and one warning", async () => {
        const failing = [
            () => {
                throw new Error("no template");
            },
            async () => "later",
            () => Promise.reject(new Error("later")),
            () => undefined,
            () => 7,
            () => ({ contentType: "text/html\r\nset-cookie: a=b", body: "" }),
            () => ({ toJSON: () => undefined }),
            () => ({ n: 1n })
        ];
        for (const respond of failing) {
            const response = await ask(await at(validatorWith(), { respond }));
            expectOurs(response);
            expect(response.headers.get("content-type")).toBe("application/problem+json");
            expect(await response.json()).toMatchObject({ code: "proof_nonce_required" });
        }
        const codes = warn.mock.calls.map(([, how]) => (how as unknown as { code: string }).code);
        expect(codes).toEqual(failing.map(() => "OIDC_SPA_NATIVE_RESPOND"));
    });
});

test("a function that fails for many routes of a validator is warned of once, and the warning says what came", () => {
    const guarded = (respond: () => unknown) => {
        const validator = validatorWith({ respond });
        return Promise.all(
            ["/one", "/two", "/three"].map(path => {
                const handler = ofFetch.protect(validator, {}, () => new Response(enter()));
                return handler(new Request(`http://api.test${path}`));
            })
        );
    };
    const cases: readonly (readonly [answer: unknown, said: string])[] = [
        [7, "returned 7 where a text"],
        [{ contentType: "nonsense", body: "x" }, "whose contentType is no media type"],
        [{ contentType: "application/json", body: { a: 1 } }, "whose body is an object: write a text"]
    ];
    return cases.reduce(async (before, [answer, said]) => {
        await before;
        warn.mockClear();
        await guarded(() => answer);
        expect(warn.mock.calls.map(([message]) => String(message))).toEqual([
            expect.stringContaining(
                `respond ${said.replace(/^whose/, "returned { contentType, body } whose")}`
            )
        ]);
    }, Promise.resolve());
});

describe.each(Object.entries(THROWING))('rejection: "throw" on %s', (name, start) => {
    test.each([
        ["of the route", {}, { rejection: "throw" }],
        ["of the validator", { rejection: "throw" }, {}]
    ])("%s: the framework's handler gets a RefusedError", async (_of, options, rules) => {
        const response = await ask(await start(validatorWith(options), rules, true));
        expectOurs(response);
        expect(await response.text()).toBe("handled proof_nonce_required 16 true");
    });

    test("without a handler of the application, nobody passes, and the challenge is there", async () => {
        const response = await ask(await start(validatorWith(), { rejection: "throw" }, false));
        expect(response.status).toBe(401);
        expect(response.headers.get("www-authenticate"), name).toContain("use_dpop_nonce");
        expect(response.headers.get("dpop-nonce")).not.toBeNull();
        expect(entered).toBe(0);
    });

    test("what the route says goes before the validator", async () => {
        const response = await ask(
            await start(validatorWith({ rejection: "throw" }), { rejection: "respond" }, true)
        );
        expectOurs(response);
        expect(await response.json()).toMatchObject({ code: "proof_nonce_required" });
        const own = await start(validatorWith({ rejection: "throw" }), { respond: () => "sorry" }, true);
        expect(await (await ask(own)).text()).toBe("sorry");
        const good = await start(validatorWith(), { rejection: "throw" }, true);
        const headers = { authorization: `Bearer ${f.token(nowInSeconds())}` };
        expect(await (await fetch(good, { headers })).text()).toBe("in");
    });
});

test.each([
    [{ respond: "text" }, /"respond": expected a function/],
    [{ rejection: "thow" }, /"rejection": expected "respond" or "throw"/],
    [{ rejection: true }, /"rejection": expected "respond" or "throw"/],
    [{ respond: () => "", rejection: "throw" }, /respond has no effect beside rejection: "throw"/],
    [{ respnd: () => "" }, /did you mean "respond"/]
])("%j is an error, as a rule and as an option", (written, message) => {
    expect(() => validatorWith(written)).toThrow(message);
    expect(() => ofFetch.protect(validatorWith(), written as object, () => new Response())).toThrow(message);
});

test("where nobody handles errors, or something else does, the rules are misplaced", () => {
    const validator = validatorWith();
    const rejection = { rejection: "throw" };
    const respond = { respond: () => "" };
    for (const make of [
        () => ofNodeHttp.protect(validator, rejection as object, () => undefined),
        () => ofWebSocket.protect(validator, rejection as object, new WebSocketServer({ noServer: true })),
        () => ofWebSocket.protectNamespace(validator, rejection as object),
        () => ofTrpc.protect(validator, rejection as object)
    ]) {
        expect(make).toThrow(/unknown rule "rejection"/);
    }
    for (const make of [
        () => ofWebSocket.protectNamespace(validator, respond as object),
        () => ofTrpc.protect(validator, respond as object)
    ]) {
        expect(make).toThrow(/unknown rule "respond"/);
    }
});
