// Serves what the blocks of the documentation serve, each on a port of its own: `node serve-snippets.mjs file...`. It changes
// nothing of what a block does but where it listens. Each line that it writes is { name, port }.

import { createAdaptorServer } from "@hono/node-server";
import { NestFactory } from "@nestjs/core";
import express from "express";
import Koa from "koa";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { WebSocketServer } from "ws";

// For blocks that put something into an application that they do not make.
globalThis.express = express;

/** What the block at hand made. */
let servers = new Set();
let koas = new Set();

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
    servers.add(this);
    return listen.call(
        this,
        0,
        "127.0.0.1",
        args.find(arg => typeof arg === "function")
    );
};
const newServer = http.createServer;
http.createServer = (...args) => {
    const server = newServer(...args);
    servers.add(server);
    return server;
};
// Without TLS: what is attacked is the code behind it.
https.createServer = (_options, listener) => http.createServer(listener);
const readFile = fs.readFileSync;
fs.readFileSync = (path, ...rest) =>
    /^server\.(key|pem)$/.test(String(path)) ? "" : readFile(path, ...rest);
syncBuiltinESMExports();
const use = Koa.prototype.use;
Koa.prototype.use = function (middleware) {
    koas.add(this);
    return use.call(this, middleware);
};

for (const file of process.argv.slice(2)) {
    servers = new Set();
    koas = new Set();
    const { app, fastify, api, me, AppModule } = await import(pathToFileURL(file).href).then(({ served }) =>
        served()
    );
    for (const koa of koas) {
        http.createServer(koa.callback());
    }
    if (fastify !== undefined) {
        await fastify.listen();
    }
    if (AppModule !== undefined) {
        await (await NestFactory.create(AppModule, { logger: false })).listen(0);
    }
    for (const handler of [app, api]) {
        if (typeof handler?.fetch === "function") {
            const websocket = { server: new WebSocketServer({ noServer: true }) };
            servers.add(createAdaptorServer({ fetch: handler.fetch, websocket }));
        } else if (typeof handler === "function" && Object.hasOwn(handler, "handle") && servers.size === 0) {
            http.createServer(express().use(handler));
        }
    }
    if (typeof me === "function") {
        servers.add(createAdaptorServer({ fetch: request => me(request) }));
    }
    for (const server of servers) {
        if (!server.listening) {
            server.listen();
        }
        if (!server.listening) {
            await once(server, "listening");
        }
        process.stdout.write(`${JSON.stringify({ name: basename(file), port: server.address().port })}\n`);
    }
}
process.stdout.write(`${JSON.stringify({ name: "all", port: 0 })}\n`);
