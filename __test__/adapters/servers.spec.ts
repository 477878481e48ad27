// Real servers on loopback, each handing its own request to both doors as a program would.

import { serve } from "@hono/node-server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { once } from "node:events";
import * as http from "node:http";
import * as http2 from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { json } from "node:stream/consumers";
import { createValidator, type RequestLike, type Validator } from "oidc-spa-native";
import { extractRequestAuthContext, oidcSpa, type AnyRequest } from "oidc-spa-native/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

interface Answer {
    readonly door: "validator" | "drop-in";
    readonly sub?: string;
    readonly code?: string;
    readonly debugErrorMessage?: string;
}

interface Response {
    readonly status: number;
    readonly headers: http.IncomingHttpHeaders;
    readonly body: Answer;
}

type Decide = (
    request: RequestLike & AnyRequest,
    isDropIn: boolean
) => Promise<Omit<Response, "headers"> & { headers: Record<string, string> }>;

interface Started {
    readonly baseUrl: string;
    close(): Promise<unknown>;
}

const HEADER = "x-door";

async function listening(server: Server, closeConnections?: () => void): Promise<Started> {
    if (!server.listening) {
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
    }
    return {
        baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        close: async () => {
            closeConnections?.();
            server.close();
            await once(server, "close");
        }
    };
}

/** Each starts a server that answers under `/v1/items` with the decision as JSON. */
const FRAMEWORKS: Record<string, (decide: Decide) => Promise<Started>> = {
    "node:http": async decide => {
        const server = http.createServer(async (req, res) => {
            const { status, headers, body } = await decide(req, HEADER in req.headers);
            res.writeHead(status, headers).end(JSON.stringify(body));
        });
        return listening(server, () => server.closeAllConnections());
    },
    "node:http2": async decide => {
        const server = http2.createServer(async (req, res) => {
            const { status, headers, body } = await decide(req, HEADER in req.headers);
            res.writeHead(status, headers).end(JSON.stringify(body));
        });
        return listening(server);
    },
    express: async decide => {
        const app = express();
        app.get("/v1/items", async (req, res) => {
            const { status, headers, body } = await decide(req, HEADER in req.headers);
            res.status(status).set(headers).json(body);
        });
        const server = http.createServer(app);
        return listening(server, () => server.closeAllConnections());
    },
    "express, mounted router (K48)": async decide => {
        const app = express();
        const router = express.Router();
        router.get("/items", async (req, res) => {
            const { status, headers, body } = await decide(req, HEADER in req.headers);
            res.status(status).set(headers).json(body);
        });
        app.use("/v1", router);
        const server = http.createServer(app);
        return listening(server, () => server.closeAllConnections());
    },
    koa: async decide => {
        const app = new Koa();
        app.use(async ctx => {
            const { status, headers, body } = await decide(ctx as never, HEADER in ctx.headers);
            ctx.status = status;
            ctx.set(headers);
            ctx.body = body;
        });
        const server = http.createServer(app.callback());
        return listening(server, () => server.closeAllConnections());
    },
    "koa, mounted (K48)": async decide => {
        const server = http.createServer(mountedKoa(decide));
        return listening(server, () => server.closeAllConnections());
    },
    "koa, mounted (K48), on node:http2": async decide => listening(http2.createServer(mountedKoa(decide))),
    "fastify on node:http2": async decide => {
        const app = fastify({ http2: true });
        app.get("/v1/items", async (request, reply) => {
            const { status, headers, body } = await decide(request, HEADER in request.headers);
            return reply.code(status).headers(headers).send(body);
        });
        await app.listen({ port: 0, host: "127.0.0.1" });
        return { ...(await listening(app.server)), close: () => app.close() };
    },
    "koa, ctx.req": async decide => {
        const app = new Koa();
        app.use(async ctx => {
            const { status, headers, body } = await decide(ctx.req, HEADER in ctx.headers);
            ctx.status = status;
            ctx.set(headers);
            ctx.body = body;
        });
        const server = http.createServer(app.callback());
        return listening(server, () => server.closeAllConnections());
    },
    fastify: async decide => {
        const app = fastify();
        app.get("/v1/items", async (request, reply) => {
            const { status, headers, body } = await decide(request, HEADER in request.headers);
            return reply.code(status).headers(headers).send(body);
        });
        await app.listen({ port: 0, host: "127.0.0.1" });
        return { ...(await listening(app.server)), close: () => app.close() };
    },
    "fastify, rewritten URL (K49)": async decide => {
        const app = fastify({ rewriteUrl: req => (req.url ?? "").replace("/v1/", "/inner/") });
        app.get("/inner/items", async (request, reply) => {
            const { status, headers, body } = await decide(request, HEADER in request.headers);
            return reply.code(status).headers(headers).send(body);
        });
        await app.listen({ port: 0, host: "127.0.0.1" });
        return { ...(await listening(app.server)), close: () => app.close() };
    },
    hono: async decide => {
        const app = new Hono().basePath("/v1");
        app.get("/items", async c => {
            const { status, headers, body } = await decide(c.req, c.req.header(HEADER) !== undefined);
            return c.json(body, status as 200, headers);
        });
        return startFetch(app.fetch);
    },
    fetch: async decide =>
        startFetch(async request => {
            const { status, headers, body } = await decide(request, request.headers.has(HEADER));
            return Response.json(body, { status, headers });
        })
};

/** An application below `/v1`, which takes the prefix off its path as koa-mount does. */
function mountedKoa(decide: Decide) {
    const app = new Koa();
    app.use(async ctx => {
        ctx.path = ctx.path.replace(/^\/v1/, "");
        expect(ctx.req.url).toBe("/items?x=1");
        const { status, headers, body } = await decide(ctx as never, HEADER in ctx.headers);
        ctx.status = status;
        ctx.set(headers);
        ctx.body = body;
    });
    return app.callback();
}

async function startFetch(
    fetch: (request: Request) => globalThis.Response | Promise<globalThis.Response>
): Promise<Started> {
    const server = serve({ fetch, port: 0, hostname: "127.0.0.1" }) as http.Server;
    if (!server.listening) {
        await once(server, "listening");
    }
    return listening(server, () => server.closeAllConnections());
}

type Sent = Record<string, string | string[]>;

async function send(framework: string, baseUrl: string, headers: Sent, method = "GET"): Promise<Response> {
    if (framework.endsWith("node:http2")) {
        const session = http2.connect(baseUrl);
        try {
            const stream = session.request({ ":path": "/v1/items?x=1", ":method": method, ...headers });
            const [responseHeaders] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
            const body = (await json(stream)) as Answer;
            return { status: Number(responseHeaders[":status"]), headers: responseHeaders, body };
        } finally {
            session.destroy();
        }
    }
    const request = http.request(`${baseUrl}/v1/items?x=1`, { method, headers });
    request.end();
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: (await json(response)) as Answer
    };
}

let f: Fixtures;
let validator: Validator;
const utils = oidcSpa.createUtils();

beforeAll(async () => {
    f = await createFixtures();
    validator = createValidator({ issuerUri: f.issuer.issuerUri, expectedAudience: AUDIENCE });
    await utils.bootstrapAuth({
        implementation: "real",
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE
    });
});

afterAll(() => f.issuer.close());

const decide: Decide = async (request, isDropIn) => {
    if (!isDropIn) {
        const verdict = await validator.validateRequest(request);
        return verdict.isSuccess
            ? { status: 200, headers: verdict.headers, body: { door: "validator", sub: verdict.claims.sub } }
            : {
                  status: verdict.status,
                  headers: verdict.headers,
                  body: { door: "validator", ...brief(verdict) }
              };
    }
    const context = extractRequestAuthContext({ request, trustProxy: false });
    if (context === undefined) {
        return { status: 401, headers: {}, body: { door: "drop-in", code: "credentials_missing" } };
    }
    if (!context.isWellFormed) {
        return {
            status: 400,
            headers: {},
            body: { door: "drop-in", debugErrorMessage: context.debugErrorMessage }
        };
    }
    const result = await utils.validateAndDecodeAccessToken(context.accessTokenAndMetadata);
    return result.isSuccess
        ? { status: 200, headers: {}, body: { door: "drop-in", sub: result.decodedAccessToken.sub } }
        : { status: 401, headers: {}, body: { door: "drop-in", ...brief(result) } };
};

const brief = ({
    code,
    debugErrorMessage
}: {
    code?: string;
    debugErrorMessage: string;
}): Partial<Answer> => ({
    ...(code === undefined ? {} : { code }),
    debugErrorMessage
});

for (const [framework, start] of Object.entries(FRAMEWORKS)) {
    describe(framework, () => {
        let started: Started;
        let htu: string;
        beforeAll(async () => {
            started = await start(decide);
            htu = `${started.baseUrl}/v1/items`;
        });
        afterAll(() => started.close());

        const now = nowInSeconds;
        const dpop = (changes: Record<string, unknown> = {}) => {
            const accessToken = f.boundToken(now());
            return {
                authorization: `DPoP ${accessToken}`,
                dpop: f.proof(now(), accessToken, { htu, ...changes })
            };
        };

        for (const door of ["validator", "drop-in"] as const) {
            const at = (headers: Sent, method?: string) =>
                send(
                    framework,
                    started.baseUrl,
                    door === "drop-in" ? { [HEADER]: "1", ...headers } : headers,
                    method
                );

            test(`${door}: a Bearer token is accepted`, async () => {
                const { status, body } = await at({ authorization: `Bearer ${f.token(now())}` });
                expect(body).toEqual({ door, sub: "user-1" });
                expect(status).toBe(200);
            });

            test(`${door}: K06 a DPoP-bound token with its proof is accepted, the query aside`, async () => {
                const { status, body } = await at(dpop());
                expect(body).toEqual({ door, sub: "user-1" });
                expect(status).toBe(200);
            });

            test(`${door}: without credentials`, async () => {
                const { status, body } = await at({});
                expect(body.code).toBe("credentials_missing");
                expect(status).toBe(401);
            });

            test(`${door}: an expired token is refused`, async () => {
                const { status, body } = await at({
                    authorization: `Bearer ${f.token(now(), { exp: now() - 1 })}`
                });
                expect(body.code).toBe("token_expired");
                expect(status).toBe(401);
            });

            test(`${door}: N01 a bound token as Bearer is refused`, async () => {
                const { body } = await at({ authorization: `Bearer ${f.boundToken(now())}` });
                expect(body.code).toBe("token_bound");
            });

            test(`${door}: K11, K13, K02 a proof for another URL or method is refused`, async () => {
                for (const [changes, code] of [
                    [{ htu: `${htu}/` }, "proof_uri_mismatch"],
                    [{ htu: htu.replace("/v1", "") }, "proof_uri_mismatch"],
                    [{ htm: "POST" }, "proof_method_mismatch"]
                ] as const) {
                    const { status, body } = await at(dpop(changes));
                    expect(body.code, JSON.stringify(changes)).toBe(code);
                    expect(status).toBe(401);
                }
            });

            test(`${door}: L01 a proof is accepted once`, async () => {
                const headers = dpop();
                expect((await at(headers)).status).toBe(200);
                expect((await at(headers)).body.code).toBe("proof_replayed");
            });

            test(`${door}: J02 two DPoP lines are refused`, async () => {
                const headers = dpop();
                const { dpop: other } = dpop();
                const { status, body } = await at({ ...headers, dpop: [headers.dpop, other] });
                expect(body.sub).toBeUndefined();
                expect(body.debugErrorMessage).toContain("More than one DPoP proof");
                expect(status).toBe(door === "drop-in" ? 400 : 401);
            });

            test(`${door}: I10 two Authorization lines are refused`, async () => {
                const authorization = [
                    `Bearer ${f.token(now())}`,
                    `Bearer ${f.token(now(), { sub: "user-2" })}`
                ];
                const response = await at({ authorization }).catch((error: unknown) => error as Error);
                if (response instanceof Error) {
                    // HTTP/2 clients of Node refuse to send them.
                    expect(framework).toMatch(/node:http2$/);
                    return;
                }
                expect(response.body.sub).toBeUndefined();
                // The Fetch API joins the lines: the drop-in sees a token that is none.
                const isJoined = framework === "hono" || framework === "fetch";
                expect(response.status).toBe(door === "drop-in" && isJoined ? 401 : 400);
            });
        }

        test("B13: the challenge of a refusal reaches the client", async () => {
            const { headers } = await send(framework, started.baseUrl, {});
            expect(headers["www-authenticate"]).toMatch(/^Bearer, DPoP algs="[A-Za-z0-9 ]+"$/);
        });
    });
}

test("I25: a WebSocket upgrade is judged as any GET", async () => {
    const server = http.createServer();
    const verdicts: unknown[] = [];
    server.on("upgrade", async (req, socket) => {
        const verdict = await validator.validateRequest(req);
        verdicts.push(verdict.isSuccess ? verdict.claims.sub : verdict.code);
        socket.end(`HTTP/1.1 ${verdict.isSuccess ? 101 : 401} x\r\n\r\n`);
    });
    const started = await listening(server);
    const upgrade = { connection: "upgrade", upgrade: "websocket" };
    for (const headers of [upgrade, { ...upgrade, authorization: `Bearer ${f.token(nowInSeconds())}` }]) {
        const request = http.request(started.baseUrl, { headers });
        request.end();
        await Promise.race([once(request, "response"), once(request, "upgrade")]);
    }
    expect(verdicts).toEqual(["credentials_missing", "user-1"]);
    server.closeAllConnections();
    await started.close();
});
