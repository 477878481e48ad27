// A strict TypeScript program on the adapters' entries. `pack-check.mjs` copies it into a fresh project and compiles it,
// with the types of every package checked.

import { Hono } from "hono";
import { fastify } from "fastify";
import { createValidator } from "oidc-spa-native";
import { allScopes } from "oidc-spa-native/authorization";
import * as ofExpress from "oidc-spa-native/express";
import * as ofFastify from "oidc-spa-native/fastify";
import * as ofFetch from "oidc-spa-native/fetch";
import * as ofHono from "oidc-spa-native/hono";
import * as ofKoa from "oidc-spa-native/koa";
import { AuthModule, RequireScopes } from "oidc-spa-native/nestjs";
import * as ofNodeHttp from "oidc-spa-native/node-http";

const validator = createValidator({
    issuerUri: "https://auth.example.com",
    expectedAudience: "https://api.example.com",
    claims: { parse: ({ sub }: { sub: string }) => ({ sub }) }
});

const onFastify = ofFastify.protect(validator);
const onExpress = ofExpress.protect(validator, { require: allScopes(["read"]) });
export const adapters = [
    onExpress,
    fastify().get("/me", { onRequest: onFastify }, async request => onFastify.of(request).claims.sub),
    ofFetch.protect(validator, {}, (_request: Request, auth) => new Response(auth.claims.sub)),
    new Hono().get("/me", ofHono.protect(validator), c => c.text(c.var.auth.claims.sub)),
    ofKoa.protect(validator, { optional: true }),
    AuthModule.forRoot(validator, {
        onRejected: ({ code }, context) => console.warn(code, context.getHandler().name)
    }),
    RequireScopes("read"),
    ofNodeHttp.protect(validator, {}, (_req, res, auth) => void res.end(auth.claims.sub))
];
