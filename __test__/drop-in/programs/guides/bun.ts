// A program on Bun.serve, as a user of oidc-spa/server writes it.

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

interface User {
    id: string;
    roles: string[];
}

/** The user, `undefined` for a request without credentials, or the answer to give instead. */
async function findUser(request: Request): Promise<User | undefined | Response> {
    const requestAuthContext = extractRequestAuthContext({ request, trustProxy: true });
    if (!requestAuthContext) {
        return undefined;
    }
    if (!requestAuthContext.isWellFormed) {
        console.warn(requestAuthContext.debugErrorMessage);
        return new Response("Bad Request", { status: 400 });
    }
    const { isSuccess, debugErrorMessage, decodedAccessToken } = await validateAndDecodeAccessToken(
        requestAuthContext.accessTokenAndMetadata
    );
    if (!isSuccess) {
        console.warn(debugErrorMessage);
        return new Response("Unauthorized", { status: 401 });
    }
    return { id: decodedAccessToken.sub, roles: decodedAccessToken.realm_access?.roles ?? [] };
}

/** The user, or the answer to give instead. */
async function getUser(request: Request, requiredRole?: "editor"): Promise<User | Response> {
    const user = await findUser(request);
    if (!user) {
        return new Response("Unauthorized", { status: 401 });
    }
    if (!(user instanceof Response) && requiredRole && !user.roles.includes(requiredRole)) {
        return new Response("Forbidden", { status: 403 });
    }
    return user;
}

bootstrapAuth({
    implementation: "real",
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE
});

const server = Bun.serve({
    port: Number(process.env.PORT ?? 3000),
    hostname: "127.0.0.1",
    routes: {
        "/api/public": () => Response.json({ open: true }),
        "/api/greeting": async request => {
            const user = await findUser(request);
            return user instanceof Response ? user : Response.json({ hello: user?.id ?? "stranger" });
        },
        "/api/items": async request => {
            const user = await getUser(request);
            return user instanceof Response ? user : Response.json({ owner: user.id, items: ["apple"] });
        },
        "/api/reports": async request => {
            const user = await getUser(request, "editor");
            return user instanceof Response ? user : Response.json({ editor: user.id, roles: user.roles });
        }
    },
    fetch: () => new Response("Not Found", { status: 404 })
});

console.log(`Listening on http://127.0.0.1:${server.port}`);
