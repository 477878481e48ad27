// A small API on tRPC and its own HTTP server. `npm run example -- trpc` starts it beside an authorization server.

import { initTRPC } from "@trpc/server";
import { createHTTPServer } from "@trpc/server/adapters/standalone";
import type { AddressInfo } from "node:net";
import { createValidator } from "oidc-spa-native";
import { allRoles, rolesOf } from "oidc-spa-native/authorization";
import { createContext, protect, RefusedError, type AuthContext } from "oidc-spa-native/trpc";
import { z } from "zod";

const validator = createValidator({
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE!,
    claims: z.object({
        sub: z.string(),
        realm_access: z.object({ roles: z.array(z.string()) }).optional()
    })
});

const t = initTRPC.context<AuthContext>().create({
    // Beside tRPC's own code, which says as much as the status, clients learn why.
    errorFormatter: ({ shape, error }) => ({
        ...shape,
        data: { ...shape.data, reason: error.cause instanceof RefusedError ? error.cause.refusal.code : null }
    })
});

const maybeProcedure = t.procedure.use(protect(validator, { optional: true }));
const protectedProcedure = t.procedure.use(protect(validator));
const editorProcedure = t.procedure.use(
    protect(validator, { require: allRoles(["editor"], rolesOf.keycloakRealm) })
);

const server = createHTTPServer({
    basePath: "/api/",
    createContext,
    router: t.router({
        public: t.procedure.query(() => ({ open: true })),
        greeting: maybeProcedure.query(({ ctx }) => ({ hello: ctx.auth?.claims.sub ?? "stranger" })),
        items: protectedProcedure.query(({ ctx }) => ({ owner: ctx.auth.claims.sub, items: ["apple"] })),
        reports: editorProcedure.query(({ ctx }) => {
            const { sub, realm_access } = ctx.auth.claims;
            return { editor: sub, roles: realm_access?.roles };
        })
    })
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
