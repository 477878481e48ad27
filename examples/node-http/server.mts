// A small API on node:http. `npm run example -- node-http` starts it beside an authorization server.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createValidator } from "oidc-spa-native";
import { allRoles, rolesOf } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/node-http";
import { z } from "zod";

const validator = createValidator({
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE!,
    claims: z.object({
        sub: z.string(),
        realm_access: z.object({ roles: z.array(z.string()) }).optional()
    })
});

function send(res: ServerResponse, body: unknown) {
    res.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

const routes: Record<string, (req: IncomingMessage, res: ServerResponse) => void> = {
    "/api/public": (_req, res) => send(res, { open: true }),

    "/api/greeting": protect(validator, { optional: true }, (_req, res: ServerResponse, auth) => {
        send(res, { hello: auth?.claims.sub ?? "stranger" });
    }),

    "/api/items": protect(validator, {}, (_req, res: ServerResponse, auth) => {
        send(res, { owner: auth.claims.sub, items: ["apple"] });
    }),

    "/api/reports": protect(
        validator,
        { require: allRoles(["editor"], rolesOf.keycloakRealm) },
        (_req, res: ServerResponse, { claims: { sub, realm_access } }) => {
            send(res, { editor: sub, roles: realm_access?.roles });
        }
    )
};

const server = createServer((req, res) => {
    // Not by `new URL`, which throws for some of what a client may send as its target, such as `//`.
    const [path = ""] = (req.url ?? "").split("?");
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (req.method === "GET" && route !== undefined) {
        route(req, res);
    } else {
        res.writeHead(404).end();
    }
});

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
