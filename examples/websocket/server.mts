// A small API on WebSocket, with ws. `npm run example -- websocket` starts it beside an authorization server.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { createValidator } from "oidc-spa-native";
import { allRoles, rolesOf } from "oidc-spa-native/authorization";
import { acceptedProtocol, protect } from "oidc-spa-native/websocket";
import { WebSocketServer } from "ws";
import { z } from "zod";

const validator = createValidator({
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE!,
    claims: z.object({
        sub: z.string(),
        realm_access: z.object({ roles: z.array(z.string()) }).optional()
    })
});

const newSockets = () => new WebSocketServer({ noServer: true, handleProtocols: acceptedProtocol });
const [everybodys, maybes, users, editors] = [newSockets(), newSockets(), newSockets(), newSockets()];

// Each socket is closed when its token expires.
const maybe = protect(validator, { optional: true }, maybes);
const auth = protect(validator, {}, users);
const editor = protect(validator, { require: allRoles(["editor"], rolesOf.keycloakRealm) }, editors);

function chat(sockets: WebSocketServer, nameOf: (req: IncomingMessage) => string): void {
    sockets.on("connection", (ws, req) => {
        const name = nameOf(req);
        // A client may send what is no frame. Where nobody listens, that would end the process.
        ws.on("error", error => console.warn(error.message));
        ws.on("message", message => ws.send(`${name} said ${message}`));
        ws.send(`Hello ${name}`);
    });
}

chat(everybodys, () => "everybody");
chat(maybes, req => maybe.of(req)?.claims.sub ?? "stranger");
chat(users, req => auth.of(req).claims.sub);
chat(editors, req => editor.of(req).claims.sub);

const server = createServer((_req, res) => {
    res.writeHead(426).end();
});

server.on("upgrade", (req, socket, head) => {
    switch (req.url) {
        case "/api/public":
            return everybodys.handleUpgrade(req, socket, head, ws => everybodys.emit("connection", ws, req));
        case "/api/greeting":
            return maybe(req, socket, head);
        case "/api/reports":
            return editor(req, socket, head);
        default:
            return auth(req, socket, head);
    }
});

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
