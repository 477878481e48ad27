// A tRPC program on its own HTTP server. The context holds the user; two procedure builders say who may call.

import { initTRPC, TRPCError } from "@trpc/server";
import { createHTTPServer, type CreateHTTPContextOptions } from "@trpc/server/adapters/standalone";
import type { AddressInfo } from "node:net";
import { extractRequestAuthContext, oidcSpa, type DecodedAccessToken_RFC9068 } from "oidc-spa/server";

// Without a schema of one's own, the claims are those of RFC 9068.
const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();

function rolesOf(accessToken: DecodedAccessToken_RFC9068): string[] {
    const { realm_access } = accessToken as { realm_access?: { roles?: string[] } };
    return realm_access?.roles ?? [];
}

async function createContext({ req }: CreateHTTPContextOptions) {
    const requestAuthContext = extractRequestAuthContext({ request: req, trustProxy: true });
    if (requestAuthContext === undefined) {
        return { accessToken: undefined };
    }
    if (!requestAuthContext.isWellFormed) {
        throw new TRPCError({ code: "BAD_REQUEST", message: "Malformed credentials" });
    }
    const result = await validateAndDecodeAccessToken(requestAuthContext.accessTokenAndMetadata);
    if (!result.isSuccess) {
        console.warn(result.debugErrorMessage);
        throw new TRPCError({ code: "UNAUTHORIZED", message: "The access token was refused" });
    }
    return { accessToken: result.decodedAccessToken };
}

const t = initTRPC.context<Awaited<ReturnType<typeof createContext>>>().create();

const protectedProcedure = t.procedure.use(({ ctx, next }) => {
    if (ctx.accessToken === undefined) {
        throw new TRPCError({ code: "UNAUTHORIZED" });
    }
    return next({ ctx: { accessToken: ctx.accessToken } });
});

const editorProcedure = protectedProcedure.use(({ ctx, next }) => {
    if (!rolesOf(ctx.accessToken).includes("editor")) {
        throw new TRPCError({ code: "FORBIDDEN" });
    }
    return next();
});

await bootstrapAuth({
    implementation: "real",
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE
});

const server = createHTTPServer({
    basePath: "/api/",
    createContext,
    router: t.router({
        public: t.procedure.query(() => ({ open: true })),
        greeting: t.procedure.query(({ ctx }) => ({ hello: ctx.accessToken?.sub ?? "stranger" })),
        items: protectedProcedure.query(({ ctx }) => ({ owner: ctx.accessToken.sub, items: ["apple"] })),
        reports: editorProcedure.query(({ ctx }) => ({ editor: ctx.accessToken.sub, roles: rolesOf(ctx.accessToken) }))
    })
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
