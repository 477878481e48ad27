// A small API on Koa with its router. `npm run example -- koa` starts it beside an authorization server.

import Router from "@koa/router";
import Koa from "koa";
import type { AddressInfo } from "node:net";
import { createValidator } from "oidc-spa-native";
import { allRoles, rolesOf } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/koa";
import { z } from "zod";

const validator = createValidator({
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE!,
    claims: z.object({
        sub: z.string(),
        realm_access: z.object({ roles: z.array(z.string()) }).optional()
    })
});

const auth = protect(validator);
const maybe = protect(validator, { optional: true });
const editors = protect(validator, { require: allRoles(["editor"], rolesOf.keycloakRealm) });

const router = new Router({ prefix: "/api" });

router.get("/public", ctx => {
    ctx.body = { open: true };
});

router.get("/greeting", maybe, ctx => {
    ctx.body = { hello: ctx.state.auth?.claims.sub ?? "stranger" };
});

router.get("/items", auth, ctx => {
    ctx.body = { owner: ctx.state.auth.claims.sub, items: ["apple"] };
});

router.get("/reports", editors, ctx => {
    const { sub, realm_access } = ctx.state.auth.claims;
    ctx.body = { editor: sub, roles: realm_access?.roles };
});

const app = new Koa();
app.use(router.routes());
app.use(router.allowedMethods());

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
