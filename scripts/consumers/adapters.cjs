// A CommonJS program on the adapters' entries and on NestJS 11, as it was compiled: the routes are declared with the
// decorators as functions. `pack-check.mjs` copies it into a fresh project.

"use strict";

require("reflect-metadata");
const assert = require("node:assert/strict");
const { once } = require("node:events");
const { createServer } = require("node:http");
const { Controller, Get, Module } = require("@nestjs/common");
const { NestFactory } = require("@nestjs/core");
const express = require("express");
const { fastify } = require("fastify");
const { Hono } = require("hono");
const Koa = require("koa");
const { createValidator } = require("oidc-spa-native");
const ofExpress = require("oidc-spa-native/express");
const ofFastify = require("oidc-spa-native/fastify");
const ofFetch = require("oidc-spa-native/fetch");
const ofHono = require("oidc-spa-native/hono");
const ofKoa = require("oidc-spa-native/koa");
const { Auth, AuthModule, Public } = require("oidc-spa-native/nestjs");
const ofNodeHttp = require("oidc-spa-native/node-http");

const { ISSUER_URI: issuerUri, AUDIENCE: expectedAudience, TOKEN, TAMPERED_TOKEN } = process.env;
const validator = createValidator({ issuerUri, expectedAudience });
const closing = [];

async function listen(listener) {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    closing.push(() => server.close());
    return `http://127.0.0.1:${server.address().port}`;
}

async function onNest() {
    class Me {
        me(auth) {
            return { sub: auth.claims.sub };
        }
        open() {
            return { open: true };
        }
    }
    const method = name => Object.getOwnPropertyDescriptor(Me.prototype, name);
    Auth()(Me.prototype, "me", 0);
    Get("me")(Me.prototype, "me", method("me"));
    Get("open")(Me.prototype, "open", method("open"));
    Public()(Me.prototype, "open", method("open"));
    Controller()(Me);
    class App {}
    Module({ imports: [AuthModule.forRoot(validator)], controllers: [Me] })(App);
    const app = await NestFactory.create(App, { logger: ["error"] });
    await app.listen(0, "127.0.0.1");
    closing.push(() => app.close());
    const url = await app.getUrl();
    assert.equal((await fetch(`${url}/open`)).status, 200);
    return url;
}

async function onFastify() {
    const app = fastify();
    const auth = ofFastify.protect(validator);
    app.get("/me", { onRequest: auth }, async request => ({ sub: auth.of(request).claims.sub }));
    closing.push(() => app.close());
    return app.listen({ port: 0, host: "127.0.0.1" });
}

async function main() {
    const withExpress = ofExpress.protect(validator);
    const onHono = new Hono().get("/me", ofHono.protect(validator), c =>
        c.json({ sub: c.var.auth.claims.sub })
    );
    const onFetch = ofFetch.protect(validator, {}, (_request, auth) =>
        Response.json({ sub: auth.claims.sub })
    );
    const fetched = handler => (path, init) => handler(new Request(`https://api.example.com${path}`, init));
    const served = async url => (path, init) => fetch(url + path, init);
    const ask = {
        express: await served(
            await listen(
                express().get("/me", withExpress, (req, res) =>
                    res.json({ sub: withExpress.of(req).claims.sub })
                )
            )
        ),
        fastify: await served(await onFastify()),
        fetch: fetched(onFetch),
        hono: fetched(request => onHono.fetch(request)),
        koa: await served(
            await listen(
                new Koa()
                    .use(ofKoa.protect(validator))
                    .use(ctx => {
                        ctx.body = { sub: ctx.state.auth.claims.sub };
                    })
                    .callback()
            )
        ),
        nestjs: await served(await onNest()),
        "node-http": await served(
            await listen(
                ofNodeHttp.protect(validator, {}, (_req, res, auth) =>
                    res.end(JSON.stringify({ sub: auth.claims.sub }))
                )
            )
        )
    };
    for (const [name, send] of Object.entries(ask)) {
        const sent = token =>
            send("/me", { headers: { authorization: `Bearer ${token}`, connection: "close" } });
        const granted = await sent(TOKEN);
        assert.deepEqual([granted.status, await granted.json()], [200, { sub: "service-rs256" }], name);
        const refused = await sent(TAMPERED_TOKEN);
        assert.deepEqual([refused.status, (await refused.json()).code], [401, "signature_invalid"], name);
        assert.match(refused.headers.get("www-authenticate"), /^Bearer error="invalid_token"/, name);
    }
    await Promise.all(closing.map(close => close()));
    console.log(`${Object.keys(ask).join(", ")}: a real token accepted, a tampered one refused`);
}

main();
