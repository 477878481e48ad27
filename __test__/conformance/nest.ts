// NestJS for the conformance table. Decorators are called as the functions that they are: the routes are data.

import { All, Controller, Req, Res, UseGuards, type INestApplication, type Type } from "@nestjs/common";
import { NestFactory, type AbstractHttpAdapter } from "@nestjs/core";
import { ExpressAdapter } from "@nestjs/platform-express";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import type { Express } from "express";
import type { FastifyInstance, FastifyReply } from "fastify";
import * as http from "node:http";
import type { Granted, Validator } from "oidc-spa-native";
import { Auth, AuthGuard, AuthModule, AuthRules, resourceMetadata } from "oidc-spa-native/nestjs";
import { listening, type Running } from "./servers.js";
import { bodyOf, type Application, type Route } from "./rows.js";

type Response = http.ServerResponse | FastifyReply;

/** Applies decorators to a method and its parameters, as the compiler does for decorator syntax. */
export function decorate(
    target: Type,
    method: string,
    decorators: readonly MethodDecorator[],
    ...parameters: ParameterDecorator[]
): void {
    const descriptor = Object.getOwnPropertyDescriptor(target.prototype, method) as PropertyDescriptor;
    parameters.forEach((parameter, i) => parameter(target.prototype as object, method, i));
    for (const decorator of decorators.toReversed()) {
        decorator(target.prototype as object, method, descriptor);
    }
}

function controllerOf({ path, rules: { require, optional, dpop }, times }: Route): Type {
    class RouteController {
        handle(auth: Granted | null, req: { method: string }, res: Response): void {
            if (req.method === "OPTIONS") {
                "raw" in res ? res.code(204).send() : res.writeHead(204).end();
            } else if ("raw" in res) {
                res.headers({ "Content-Type": "application/json" }).send(Buffer.from(bodyOf(auth)));
            } else {
                res.writeHead(200, { "Content-Type": "application/json" }).end(bodyOf(auth));
            }
        }
    }
    const rules = AuthRules({
        ...(require !== undefined && { require }),
        ...(optional !== undefined && { optional }),
        ...(dpop !== undefined && { dpop })
    });
    const guards = Array.from({ length: times - 1 }, () => AuthGuard);
    decorate(RouteController, "handle", [All(path), rules, UseGuards(...guards)], Auth(), Req(), Res());
    Controller()(RouteController);
    return RouteController;
}

/** Of one validator, as an application has one. */
async function newApp(
    adapter: AbstractHttpAdapter,
    prefix: string,
    routes: readonly Route[],
    validator: Validator
): Promise<INestApplication> {
    const { onRejected } = (routes[0] as Route).rules;
    class Application {}
    const module = {
        module: Application,
        imports: [AuthModule.forRoot(validator, onRejected && { onRejected })],
        controllers: routes.map(controllerOf)
    };
    const app = await NestFactory.create(module, adapter, { logger: ["error"], forceCloseConnections: true });
    app.use(resourceMetadata(validator));
    app.setGlobalPrefix(prefix);
    return app;
}

/** An application for each validator; the real server hands a request to the one that has its route. */
async function start(
    { prefix, routes, validator }: Application,
    newListener: (
        routes: readonly Route[],
        validator: Validator
    ) => Promise<[INestApplication, http.RequestListener]>
): Promise<Running> {
    const validators = [...new Set(routes.map(route => route.validator))];
    const apps = new Map<Validator, [INestApplication, http.RequestListener]>();
    for (const each of validators) {
        apps.set(
            each,
            await newListener(
                routes.filter(route => route.validator === each),
                each
            )
        );
    }
    const running = await listening(
        http.createServer((req, res) => {
            const route = routes.find(({ path }) => prefix + path === req.url?.split("?")[0]);
            apps.get(route?.validator ?? validator)?.[1](req, res);
        })
    );
    return {
        port: running.port,
        close: async () => {
            await running.close();
            await Promise.all([...apps.values()].map(([app]) => app.close()));
        }
    };
}

const exposedAt = (routes: readonly Route[], prefix: string, url: string | undefined): string | undefined =>
    routes.find(({ path }) => prefix + path === url?.split("?")[0])?.exposes;

export const startNestOnExpress = (application: Application): Promise<Running> =>
    start(application, async (routes, validator) => {
        const adapter = new ExpressAdapter();
        const express = adapter.getInstance<Express>().disable("x-powered-by");
        const app = await newApp(adapter, application.prefix, routes, validator);
        app.use((req: http.IncomingMessage, res: http.ServerResponse, next: () => void) => {
            const exposes = exposedAt(routes, application.prefix, req.url);
            exposes !== undefined && res.setHeader("Access-Control-Expose-Headers", exposes);
            next();
        });
        await app.init();
        return [app, express];
    });

export const startNestOnFastify = (application: Application): Promise<Running> =>
    start(application, async (routes, validator) => {
        const adapter = new FastifyAdapter();
        const fastify = adapter.getInstance<FastifyInstance>();
        fastify.addContentTypeParser("*", (_request, body, done) => done(null, body.resume() && undefined));
        const app = await newApp(adapter, application.prefix, routes, validator);
        fastify.addHook("onRequest", async (request, reply) => {
            const exposes = exposedAt(routes, application.prefix, request.url);
            exposes !== undefined && reply.header("Access-Control-Expose-Headers", exposes);
        });
        await app.init();
        await fastify.ready();
        return [app, (req, res) => fastify.routing(req, res)];
    });
