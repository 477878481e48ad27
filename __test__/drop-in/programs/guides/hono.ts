// A program on Hono, served by Node.js, as a user of oidc-spa/server writes it.

import { serve } from "@hono/node-server";
import { Hono, type HonoRequest } from "hono";
import { HTTPException } from "hono/http-exception";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa/server";
import { z } from "zod";

const { bootstrapAuth, validateAndDecodeAccessToken, ofTypeDecodedAccessToken } = oidcSpa
    .withExpectedDecodedAccessTokenShape({
        decodedAccessTokenSchema: z.object({
            sub: z.string(),
            scope: z.string().transform(scope => scope.split(" ")),
            realm_access: z.object({ roles: z.array(z.string()) }).optional()
        })
    })
    .createUtils();

type AccessToken = typeof ofTypeDecodedAccessToken;

interface User {
    id: string;
    roles: string[];
    scopes: string[];
}

const userOf = ({ sub, scope, realm_access }: AccessToken): User => ({
    id: sub,
    roles: realm_access?.roles ?? [],
    scopes: scope
});

/** `undefined` for a request without credentials. */
async function findUser(req: HonoRequest): Promise<User | undefined> {
    const requestAuthContext = extractRequestAuthContext({ request: req, trustProxy: true });
    if (!requestAuthContext) {
        return undefined;
    }
    if (!requestAuthContext.isWellFormed) {
        console.warn(requestAuthContext.debugErrorMessage);
        throw new HTTPException(400, { message: "Bad Request" });
    }
    const { isSuccess, debugErrorMessage, decodedAccessToken } = await validateAndDecodeAccessToken(
        requestAuthContext.accessTokenAndMetadata
    );
    if (!isSuccess) {
        console.warn(debugErrorMessage);
        throw new HTTPException(401, { message: "Unauthorized" });
    }
    return userOf(decodedAccessToken);
}

async function getUser(req: HonoRequest, requiredRole?: "editor"): Promise<User> {
    const user = await findUser(req);
    if (!user) {
        throw new HTTPException(401, { message: "Unauthorized" });
    }
    if (requiredRole && !user.roles.includes(requiredRole)) {
        throw new HTTPException(403, { message: "Forbidden" });
    }
    return user;
}

bootstrapAuth({
    implementation: "real",
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE
});

const api = new Hono();

api.get("/public", c => c.json({ open: true }));

api.get("/greeting", async c => {
    const user = await findUser(c.req);
    return c.json({ hello: user?.id ?? "stranger" });
});

api.get("/items", async c => {
    const user = await getUser(c.req);
    return c.json({ owner: user.id, scopes: user.scopes, items: ["apple"] });
});

api.get("/reports", async c => {
    const user = await getUser(c.req, "editor");
    return c.json({ editor: user.id, roles: user.roles });
});

const app = new Hono();
app.route("/api", api);

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: "127.0.0.1" }, ({ port }) => {
    console.log(`Listening on http://127.0.0.1:${port}`);
});
