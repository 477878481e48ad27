// A tRPC program on Express, as a user of oidc-spa/server writes it: the procedures ask for the user.

import { initTRPC, TRPCError } from "@trpc/server";
import { createExpressMiddleware } from "@trpc/server/adapters/express";
import express, { type Request } from "express";
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
async function findUser(req: Request) {
    const requestAuthContext = extractRequestAuthContext({ request: req, trustProxy: true });
    if (!requestAuthContext) {
        return undefined;
    }
    if (!requestAuthContext.isWellFormed) {
        console.warn(requestAuthContext.debugErrorMessage);
        throw new TRPCError({ code: "BAD_REQUEST" });
    }
    const { isSuccess, debugErrorMessage, decodedAccessToken } = await validateAndDecodeAccessToken(
        requestAuthContext.accessTokenAndMetadata
    );
    if (!isSuccess) {
        console.warn(debugErrorMessage);
        throw new TRPCError({ code: "UNAUTHORIZED" });
    }
    return { id: decodedAccessToken.sub, roles: decodedAccessToken.realm_access?.roles ?? [] };
}

async function getUser(params: { req: Request; requiredRole?: "editor" }) {
    const { req, requiredRole } = params;
    const user = await findUser(req);
    if (!user) {
        throw new TRPCError({ code: "UNAUTHORIZED" });
    }
    if (requiredRole && !user.roles.includes(requiredRole)) {
        throw new TRPCError({ code: "FORBIDDEN" });
    }
    return user;
}

bootstrapAuth({
    implementation: "real",
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE
});

const createContext = ({ req }: { req: Request }) => ({ req });

const t = initTRPC.context<ReturnType<typeof createContext>>().create();

const router = t.router({
    public: t.procedure.query(() => ({ open: true })),
    greeting: t.procedure.query(async ({ ctx }) => {
        const user = await findUser(ctx.req);
        return { hello: user?.id ?? "stranger" };
    }),
    items: t.procedure.query(async ({ ctx }) => {
        const user = await getUser({ req: ctx.req });
        return { owner: user.id, items: ["apple"] };
    }),
    reports: t.procedure.query(async ({ ctx }) => {
        const user = await getUser({ req: ctx.req, requiredRole: "editor" });
        return { editor: user.id, roles: user.roles };
    })
});

const app = express();
app.use("/api", express.json(), createExpressMiddleware({ router, createContext }));
const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
