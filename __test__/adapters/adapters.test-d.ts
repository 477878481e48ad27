// Checked by the compiler alone: `tsc -p __test__`. What a route finds is typed by the schema and by the rules, in each
// framework's idiom.

import { initTRPC } from "@trpc/server";
import { createExpressMiddleware } from "@trpc/server/adapters/express";
import type { FastifyTRPCPluginOptions } from "@trpc/server/adapters/fastify";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import express from "express";
import Router from "@koa/router";
import Fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createValidator, type Granted } from "oidc-spa-native";
import { allRoles, allScopes, satisfies } from "oidc-spa-native/authorization";
import * as ofExpress from "oidc-spa-native/express";
import * as ofFastify from "oidc-spa-native/fastify";
import * as ofFetch from "oidc-spa-native/fetch";
import * as ofHono from "oidc-spa-native/hono";
import * as ofKoa from "oidc-spa-native/koa";
import { type Auth as NestAuth, AuthModule, Require, type RequireScopes } from "oidc-spa-native/nestjs";
import * as ofNodeHttp from "oidc-spa-native/node-http";
import * as ofTrpc from "oidc-spa-native/trpc";
import * as ofWebSocket from "oidc-spa-native/websocket";
import { Server as SocketIoServer } from "socket.io";
import { WebSocketServer } from "ws";
import { z } from "zod";

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function holds<_ extends true>(): void {}

const withZod = createValidator({
    issuerUri: "https://auth.example.com",
    expectedAudience: "https://api.example.com",
    claims: z.object({ sub: z.string(), email: z.string().optional() })
});

type Claims = { sub: string; email?: string | undefined };
type Auth = Granted<Claims>;

const app = express();

const onExpress = ofExpress.protect(withZod, { require: satisfies((claims: Claims) => claims.sub !== "") });
app.use(ofExpress.resourceMetadata(withZod), onExpress);
app.get("/items", onExpress, (req, res) => {
    holds<Equals<ReturnType<typeof onExpress.of>, Auth>>();
    res.json(onExpress.of(req).claims.sub);
});
const optionalOnExpress = ofExpress.protect(withZod, { optional: true, dpop: "required" });
holds<Equals<ReturnType<typeof optionalOnExpress.of>, Auth | null>>();
const eitherOnExpress = ofExpress.protect(withZod, { optional: Math.random() > 0.5 });
holds<Equals<ReturnType<typeof eitherOnExpress.of>, Auth | null>>();

new Hono()
    .use(ofHono.resourceMetadata(withZod))
    .get("/items", ofHono.protect(withZod, { require: allScopes(["read"]) }), c => {
        holds<Equals<typeof c.var.auth, Auth>>();
        return c.json(c.get("auth").claims.sub);
    })
    .get("/optional", ofHono.protect(withZod, { optional: true }), c => {
        holds<Equals<typeof c.var.auth, Auth | null>>();
        return c.body(null);
    });

const onFastify = ofFastify.protect(withZod, {
    require: allScopes(["read"]),
    onRejected: ({ code }, request) => request.log.info(code)
});
const optionalOnFastify = ofFastify.protect(withZod, { optional: true });
holds<Equals<ReturnType<typeof optionalOnFastify.of>, Auth | null>>();
const onRequest = ofFastify.resourceMetadata(withZod);
Fastify().addHook("onRequest", onRequest).addHook("preHandler", onFastify);
Fastify({ http2: true }).addHook("onRequest", onRequest).addHook("onRequest", onFastify);
Fastify({ http2: true }).get("/items", { onRequest: onFastify }, request => onFastify.of(request).claims.sub);
Fastify().get<{ Params: { id: string } }>("/items/:id", { onRequest: onFastify }, async request => {
    holds<Equals<ReturnType<typeof onFastify.of>, Auth>>();
    return { id: request.params.id, sub: onFastify.of(request).claims.sub };
});

new Koa()
    .use(ofKoa.resourceMetadata(withZod))
    .use(
        ofKoa.protect(withZod, { onRejected: ({ code }, ctx: Koa.Context) => ctx.app.emit("refused", code) })
    )
    .use(ctx => {
        holds<Equals<typeof ctx.state.auth, Auth>>();
        ctx.body = ctx.state.auth.claims.sub;
    });
new Router<Koa.DefaultState>().get("/items", ofKoa.protect(withZod, { optional: true }), ctx => {
    holds<Equals<typeof ctx.state.auth, Auth | null>>();
});

createServer(
    ofNodeHttp.protect(withZod, {}, (req, res, auth) => {
        holds<Equals<typeof auth, Auth>>();
        res.end(`${req.method}`);
    })
);
createHttp2Server(
    ofNodeHttp.protect(withZod, { optional: true }, (req, res, auth) => {
        holds<Equals<typeof auth, Auth | null>>();
        res.end(req.authority);
    })
);

const nestAuth: NestAuth<Claims> = onExpress.of(null as never);
holds<Equals<typeof nestAuth, Auth>>();
holds<Equals<ReturnType<typeof NestAuth>, ParameterDecorator>>();
AuthModule.forRoot(withZod, {
    optional: true,
    onRejected: ({ code }, context) => void [code, context.getHandler()]
});
AuthModule.forRootAsync({
    inject: ["CONFIG"],
    useFactory: async (config: { issuerUri: string }) => ({
        issuerUri: config.issuerUri,
        expectedAudience: "api"
    })
});
holds<Equals<ReturnType<typeof RequireScopes>, ReturnType<typeof Require>>>();
Require(
    satisfies((claims: Claims) => claims.email !== undefined),
    allScopes(["read"])
);

const GET = ofFetch.protect(
    withZod,
    { onRejected: ({ code }, request: Request) => void [code, request.url] },
    (request, auth, context: { id: string }) => {
        holds<Equals<typeof auth, Auth>>();
        return new Response(request.url + context.id);
    }
);
holds<Equals<typeof GET, (request: Request, context: { id: string }) => Promise<Response>>>();

const t = initTRPC.context<ofTrpc.AuthContext & { db: string }>().meta<{ title: string }>().create();
const greeting = t.procedure.input(z.string()).use(ofTrpc.protect(withZod, { optional: true }));
const router = t.router({
    greeting: greeting.query(({ ctx, input }) => {
        holds<Equals<typeof ctx.auth, Auth | null>>();
        return input + ctx.db;
    }),
    narrowed: greeting.use(ofTrpc.protect(withZod, { require: allScopes(["read"]) })).query(({ ctx }) => {
        holds<Equals<typeof ctx.auth, Auth>>();
        return ctx.auth.claims.email;
    })
});
const createContext = (options: ofTrpc.ContextOptions) => ({ ...ofTrpc.createContext(options), db: "items" });
createExpressMiddleware({ router, createContext });
createHTTPHandler({ router, createContext });
fetchRequestHandler({
    router,
    createContext,
    endpoint: "/trpc",
    req: new Request("https://api.example.com/trpc/greeting")
});
({ trpcOptions: { router, createContext } }) satisfies FastifyTRPCPluginOptions<typeof router>;
applyWSSHandler({ router, createContext, wss: new WebSocketServer({ noServer: true }) });
// @ts-expect-error: the context must tell of the request
initTRPC.context<{ db: string }>().create().procedure.use(ofTrpc.protect(withZod));

const sockets = new WebSocketServer({ noServer: true, handleProtocols: ofWebSocket.acceptedProtocol });
const upgrade = ofWebSocket.protect(withZod, { closeAtExpiry: false }, sockets);
createServer().on("upgrade", upgrade);
holds<Equals<ReturnType<typeof upgrade.of>, Auth>>();
const namespace = ofWebSocket.protectNamespace(withZod, { optional: true });
new SocketIoServer().use(namespace);
holds<Equals<ReturnType<typeof namespace.of>, Auth | null>>();
new SocketIoServer().on("connection", socket => namespace.of(socket)?.claims.sub);
// @ts-expect-error: it is always on here
ofWebSocket.protect(withZod, { subprotocolToken: false }, sockets);

// @ts-expect-error: of a written name
ofExpress.protect(withZod, { optionel: true });
// @ts-expect-error: of a written name
AuthModule.forRoot(withZod, { optionel: true });
// @ts-expect-error: a predicate answers at once
satisfies(async () => true);
// @ts-expect-error: at least one name
allRoles(["admin"], []);

createServer(
    ofNodeHttp.protect(withZod, {}, (req, res, auth) =>
        res.writeHead(200, { "X-Via": req.httpVersion }).end(auth.claims.sub)
    )
);
