// tRPC in the conformance table: the same routes as procedures, on each of its adapters. What is told is the same;
// how it is wrapped is tRPC's.

import { serve } from "@hono/node-server";
import { initTRPC } from "@trpc/server";
import { createExpressMiddleware } from "@trpc/server/adapters/express";
import { fastifyTRPCPlugin, type FastifyTRPCPluginOptions } from "@trpc/server/adapters/fastify";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { createHTTP2Handler, createHTTPHandler } from "@trpc/server/adapters/standalone";
import express from "express";
import fastify from "fastify";
import * as http from "node:http";
import * as http2 from "node:http2";
import type { Server } from "node:net";
import * as ofExpress from "oidc-spa-native/express";
import * as ofFetch from "oidc-spa-native/fetch";
import * as ofNodeHttp from "oidc-spa-native/node-http";
import { createContext, protect, type AuthContext, type ContextOptions } from "oidc-spa-native/trpc";
import { listening, type Framework } from "./servers.js";
import { bodyOf, type Application, type Response } from "./rows.js";

const t = initTRPC.context<AuthContext>().create({ isDev: false });

function routerOf({ routes }: Application) {
    const procedures = routes.map(({ path, validator, rules, times }) => {
        let procedure = t.procedure.use(protect(validator, rules));
        for (let i = 1; i < times; i++) {
            procedure = procedure.use(protect(validator, rules));
        }
        return [
            path.slice(1),
            procedure.query(({ ctx }) => JSON.parse(bodyOf(ctx.auth)) as unknown)
        ] as const;
    });
    return t.router(Object.fromEntries(procedures));
}

/** As an application does that exposes fields of its own. */
const exposing =
    ({ routes }: Application) =>
    (options: ContextOptions & { info: { calls: readonly { path: string }[] } }): AuthContext => {
        const context = createContext(options);
        const exposes = routes.find(({ path }) => path === `/${options.info.calls[0]?.path}`)?.exposes;
        context.authRequest.set(exposes === undefined ? {} : { "Access-Control-Expose-Headers": exposes });
        return context;
    };

const NUMBERS: Readonly<Record<number, readonly [string, number]>> = {
    400: ["BAD_REQUEST", -32600],
    401: ["UNAUTHORIZED", -32001],
    403: ["FORBIDDEN", -32003],
    503: ["SERVICE_UNAVAILABLE", -32603]
};

/** The response of the table as tRPC wraps it; responses of the metadata's route are no procedure's. */
function idiom({ status, headers, body }: Response, path: string): Response {
    const [code, number] = NUMBERS[status] ?? [];
    const parsed = JSON.parse(body) as { detail?: string };
    return {
        status,
        headers: { ...headers, "content-type": "application/json", vary: "trpc-accept, accept" },
        body: JSON.stringify(
            code === undefined
                ? { result: { data: parsed } }
                : {
                      error: {
                          message: parsed.detail,
                          code: number,
                          data: { code, httpStatus: status, path: path.slice(1).split("?")[0] }
                      }
                  }
        )
    };
}

const IDIOM = {
    idiom,
    // tRPC answers these itself, and takes no POST without a type of content: trpc.spec.ts has them.
    leavesOut: /^(I26 preflight|OPTIONS that is no preflight|HEAD .*|HEAD, .*|good DPoP, POST)$/
} as const;

const nodeListener =
    (application: Application, handler: (req: never, res: never) => void) =>
    (req: http.IncomingMessage, res: http.ServerResponse): void => {
        if (!ofNodeHttp.resourceMetadata(application.validator)(req, res)) {
            handler(req as never, res as never);
        }
    };

const standalone = (application: Application) => ({
    router: routerOf(application),
    createContext: exposing(application),
    basePath: `${application.prefix}/`,
    allowMethodOverride: true
});

export const TRPC: Readonly<Record<string, Framework>> = {
    "tRPC on Express": {
        ...IDIOM,
        transport: "http1, each line seen",
        start: async application => {
            const app = express()
                .disable("x-powered-by")
                .use(ofExpress.resourceMetadata(application.validator));
            const { prefix } = application;
            app.use(
                prefix === "" ? "/" : prefix,
                createExpressMiddleware({
                    router: routerOf(application),
                    createContext: exposing(application)
                })
            );
            return listening(http.createServer(app));
        }
    },
    "tRPC on Fastify": {
        ...IDIOM,
        transport: "http1, each line seen",
        start: async application => {
            const app = fastify();
            const serveMetadata = ofNodeHttp.resourceMetadata(application.validator);
            app.addHook("onRequest", (req, reply, done) => {
                if (serveMetadata(req.raw, reply.raw)) {
                    reply.hijack();
                } else {
                    done();
                }
            });
            const options: FastifyTRPCPluginOptions<ReturnType<typeof routerOf>> = {
                prefix: application.prefix,
                trpcOptions: { router: routerOf(application), createContext: exposing(application) }
            };
            await app.register(fastifyTRPCPlugin, options);
            await app.listen({ port: 0, host: "127.0.0.1" });
            return listening(app.server, () => app.close());
        }
    },
    "tRPC on fetch": {
        ...IDIOM,
        transport: "http1, lines joined",
        start: async application => {
            const serveMetadata = ofFetch.resourceMetadata(application.validator);
            const options = {
                endpoint: application.prefix,
                router: routerOf(application),
                createContext: exposing(application)
            };
            const fetch = (req: Request) => serveMetadata(req) ?? fetchRequestHandler({ ...options, req });
            return listening(serve({ fetch, port: 0, hostname: "127.0.0.1" }) as Server);
        }
    },
    "tRPC standalone": {
        ...IDIOM,
        transport: "http1, each line seen",
        start: application =>
            listening(
                http.createServer(nodeListener(application, createHTTPHandler(standalone(application))))
            )
    },
    "tRPC standalone, HTTP/2": {
        ...IDIOM,
        transport: "http2",
        start: application =>
            listening(
                http2.createServer(
                    nodeListener(application, createHTTP2Handler(standalone(application)) as never) as never
                )
            )
    }
};
