// A program on node:http, as a user of oidc-spa/server writes it.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
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

/** Answers by itself; the Promise never settles, so that the route ends there. */
function refuse(res: ServerResponse, status: 400 | 401 | 403) {
    res.writeHead(status).end();
    return new Promise<never>(() => {});
}

/** `undefined` for a request without credentials. */
async function findUser(params: { req: IncomingMessage; res: ServerResponse }) {
    const { req, res } = params;
    const requestAuthContext = extractRequestAuthContext({ request: req, trustProxy: true });
    if (!requestAuthContext) {
        return undefined;
    }
    if (!requestAuthContext.isWellFormed) {
        console.warn(requestAuthContext.debugErrorMessage);
        return refuse(res, 400);
    }
    const { isSuccess, debugErrorMessage, decodedAccessToken } = await validateAndDecodeAccessToken(
        requestAuthContext.accessTokenAndMetadata
    );
    if (!isSuccess) {
        console.warn(debugErrorMessage);
        return refuse(res, 401);
    }
    const { sub, realm_access } = decodedAccessToken;
    return { id: sub, roles: realm_access?.roles ?? [] };
}

async function getUser(params: { req: IncomingMessage; res: ServerResponse; requiredRole?: "editor" }) {
    const { req, res, requiredRole } = params;
    const user = await findUser({ req, res });
    if (!user) {
        return refuse(res, 401);
    }
    if (requiredRole && !user.roles.includes(requiredRole)) {
        return refuse(res, 403);
    }
    return user;
}

bootstrapAuth({
    implementation: "real",
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE
});

const server = createServer(async (req, res) => {
    const { pathname } = new URL(req.url!, "http://localhost");
    const send = (body: unknown) => {
        res.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    };
    if (req.method === "GET" && pathname === "/api/public") {
        send({ open: true });
        return;
    }
    if (req.method === "GET" && pathname === "/api/greeting") {
        const user = await findUser({ req, res });
        send({ hello: user?.id ?? "stranger" });
        return;
    }
    if (req.method === "GET" && pathname === "/api/items") {
        const user = await getUser({ req, res });
        send({ owner: user.id, items: ["apple"] });
        return;
    }
    if (req.method === "GET" && pathname === "/api/reports") {
        const user = await getUser({ req, res, requiredRole: "editor" });
        send({ editor: user.id, roles: user.roles });
        return;
    }
    res.writeHead(404).end();
});

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
