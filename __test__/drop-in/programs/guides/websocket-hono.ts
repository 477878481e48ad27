// A WebSocket program on Hono, served by Node.js, as a user of oidc-spa/server writes it.

import { serve, upgradeWebSocket } from "@hono/node-server";
import { Hono, type HonoRequest } from "hono";
import { HTTPException } from "hono/http-exception";
import { oidcSpa } from "oidc-spa/server";
import { WebSocketServer } from "ws";
import { z } from "zod";

const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
    .withExpectedDecodedAccessTokenShape({
        decodedAccessTokenSchema: z.object({
            sub: z.string(),
            realm_access: z.object({ roles: z.array(z.string()) }).optional()
        })
    })
    .createUtils();

async function getUserOfUpgrade(req: HonoRequest, requiredRole?: "editor") {
    const accessToken = req
        .header("Sec-WebSocket-Protocol")
        ?.split(",")
        .map(protocol => /^authorization_bearer_(.+)$/.exec(protocol.trim())?.[1])
        .find(token => token !== undefined);
    if (accessToken === undefined) {
        throw new HTTPException(400, { message: "Bad Request" });
    }
    const { isSuccess, debugErrorMessage, decodedAccessToken } = await validateAndDecodeAccessToken({
        scheme: "Bearer",
        accessToken,
        // An upgrade from a browser carries no proof.
        rejectIfAccessTokenDPoPBound: false
    });
    if (!isSuccess) {
        console.warn(debugErrorMessage);
        throw new HTTPException(401, { message: "Unauthorized" });
    }
    const { sub, realm_access } = decodedAccessToken;
    if (requiredRole && !realm_access?.roles.includes(requiredRole)) {
        throw new HTTPException(403, { message: "Forbidden" });
    }
    return { id: sub };
}

bootstrapAuth({
    implementation: "real",
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE
});

const app = new Hono();

const chat = (requiredRole?: "editor") =>
    upgradeWebSocket(async c => {
        const user = await getUserOfUpgrade(c.req, requiredRole);
        return {
            onOpen: (_event, ws) => ws.send(`Hello ${user.id}`),
            onMessage: (event, ws) => ws.send(`${user.id} said ${event.data}`)
        };
    });

app.get("/api/items", chat());
app.get("/api/reports", chat("editor"));

serve(
    {
        fetch: app.fetch,
        websocket: { server: new WebSocketServer({ noServer: true }) },
        port: Number(process.env.PORT ?? 3000),
        hostname: "127.0.0.1"
    },
    ({ port }) => console.log(`Listening on http://127.0.0.1:${port}`)
);
