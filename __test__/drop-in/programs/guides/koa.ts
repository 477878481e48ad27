// A program on Koa with its router, as a user of oidc-spa/server writes it.

import Router from "@koa/router";
import Koa, { type Context } from "koa";
import type { AddressInfo } from "node:net";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa/server";
import { z } from "zod";

const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
    .withExpectedDecodedAccessTokenShape({
        decodedAccessTokenSchema: z.object({
            sub: z.string(),
            realm_access: z.object({ roles: z.array(z.string()) }).optional()
        })
    })
    .createUtils();

/** `undefined` for a request without credentials. */
async function findUser(ctx: Context) {
    const requestAuthContext = extractRequestAuthContext({ request: ctx.req, trustProxy: true });
    if (!requestAuthContext) {
        return undefined;
    }
    if (!requestAuthContext.isWellFormed) {
        console.warn(requestAuthContext.debugErrorMessage);
        return ctx.throw(400);
    }
    const { isSuccess, debugErrorMessage, decodedAccessToken } = await validateAndDecodeAccessToken(
        requestAuthContext.accessTokenAndMetadata
    );
    if (!isSuccess) {
        console.warn(debugErrorMessage);
        return ctx.throw(401);
    }
    const { sub, realm_access } = decodedAccessToken;
    return { id: sub, roles: realm_access?.roles };
}

async function getUser(params: { ctx: Context; requiredRole?: "editor" }) {
    const { ctx, requiredRole } = params;
    const user = await findUser(ctx);
    if (!user) {
        return ctx.throw(401);
    }
    if (requiredRole && !user.roles?.includes(requiredRole)) {
        return ctx.throw(403);
    }
    return user;
}

bootstrapAuth({
    implementation: "real",
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE
});

const router = new Router({ prefix: "/api" });

router.get("/public", ctx => {
    ctx.body = { open: true };
});

router.get("/greeting", async ctx => {
    const user = await findUser(ctx);
    ctx.body = { hello: user?.id ?? "stranger" };
});

router.get("/items", async ctx => {
    const user = await getUser({ ctx });
    ctx.body = { owner: user.id, items: ["apple"] };
});

router.get("/reports", async ctx => {
    const user = await getUser({ ctx, requiredRole: "editor" });
    ctx.body = { editor: user.id, roles: user.roles };
});

const app = new Koa();
app.use(router.routes());
app.use(router.allowedMethods());

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
