// A WebSocket program on ws. Browsers cannot set a header field of the upgrade: the token comes as a subprotocol.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
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

const PREFIX = "authorization_bearer_";

/** The user, or the status to refuse the upgrade with. */
async function getUser(req: IncomingMessage, requiredRole?: "editor"): Promise<{ id: string } | 400 | 401 | 403> {
    const protocols = req.headers["sec-websocket-protocol"]?.split(",").map(protocol => protocol.trim()) ?? [];
    const accessToken = protocols.find(protocol => protocol.startsWith(PREFIX))?.slice(PREFIX.length);
    if (!accessToken) {
        return 400;
    }
    const { isSuccess, debugErrorMessage, decodedAccessToken } = await validateAndDecodeAccessToken({
        scheme: "Bearer",
        accessToken,
        // An upgrade from a browser carries no proof.
        rejectIfAccessTokenDPoPBound: false
    });
    if (!isSuccess) {
        console.warn(debugErrorMessage);
        return 401;
    }
    if (requiredRole && !decodedAccessToken.realm_access?.roles.includes(requiredRole)) {
        return 403;
    }
    return { id: decodedAccessToken.sub };
}

bootstrapAuth({
    implementation: "real",
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE
});

const sockets = new WebSocketServer({ noServer: true });
const server = createServer((_req, res) => {
    res.writeHead(426).end();
});

server.on("upgrade", async (req, socket, head) => {
    const user = await getUser(req, req.url === "/api/reports" ? "editor" : undefined);
    if (typeof user === "number") {
        socket.end(`HTTP/1.1 ${user} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
        return;
    }
    sockets.handleUpgrade(req, socket, head, ws => {
        ws.on("message", message => ws.send(`${user.id} said ${message}`));
        ws.send(`Hello ${user.id}`);
    });
});

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
