// A program on Deno.serve, as a user of oidc-spa/server writes it.

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

type User = { id: string; roles: string[] };

/** `undefined` for a request without credentials. Throws the answer to give where they are no good. */
async function findUser(req: Request): Promise<User | undefined> {
    const requestAuthContext = extractRequestAuthContext({ request: req, trustProxy: true });
    if (!requestAuthContext) {
        return undefined;
    }
    if (!requestAuthContext.isWellFormed) {
        console.warn(requestAuthContext.debugErrorMessage);
        throw new Response("bad request", { status: 400 });
    }
    const result = await validateAndDecodeAccessToken(requestAuthContext.accessTokenAndMetadata);
    if (!result.isSuccess) {
        console.warn(result.debugErrorMessage);
        throw new Response("unauthorized", { status: 401 });
    }
    const { sub, realm_access } = result.decodedAccessToken;
    return { id: sub, roles: realm_access?.roles ?? [] };
}

async function getUser(req: Request, requiredRole?: "editor"): Promise<User> {
    const user = await findUser(req);
    if (!user) {
        throw new Response("unauthorized", { status: 401 });
    }
    if (requiredRole && !user.roles.includes(requiredRole)) {
        throw new Response("forbidden", { status: 403 });
    }
    return user;
}

async function handle(req: Request): Promise<Response> {
    switch (new URL(req.url).pathname) {
        case "/api/public":
            return Response.json({ open: true });
        case "/api/greeting": {
            const user = await findUser(req);
            return Response.json({ hello: user?.id ?? "stranger" });
        }
        case "/api/items": {
            const user = await getUser(req);
            return Response.json({ owner: user.id, items: ["apple"] });
        }
        case "/api/reports": {
            const user = await getUser(req, "editor");
            return Response.json({ editor: user.id, roles: user.roles });
        }
        default:
            return new Response("not found", { status: 404 });
    }
}

bootstrapAuth({
    implementation: "real",
    issuerUri: Deno.env.get("OIDC_ISSUER_URI")!,
    expectedAudience: Deno.env.get("OIDC_AUDIENCE")
});

Deno.serve(
    {
        port: Number(Deno.env.get("PORT") ?? 3000),
        hostname: "127.0.0.1",
        onListen: ({ port }) => console.log(`Listening on http://127.0.0.1:${port}`)
    },
    async req => {
        try {
            return await handle(req);
        } catch (error) {
            if (error instanceof Response) {
                return error;
            }
            throw error;
        }
    }
);
