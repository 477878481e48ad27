// A small API on Hono, served by Node.js. `npm run example -- hono` starts it beside an authorization server.

import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createValidator } from "oidc-spa-native";
import { allRoles, rolesOf } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/hono";
import { z } from "zod";

const validator = createValidator({
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE!,
    claims: z.object({
        sub: z.string(),
        realm_access: z.object({ roles: z.array(z.string()) }).optional()
    })
});

const auth = protect(validator);
const maybe = protect(validator, { optional: true });
const editors = protect(validator, { require: allRoles(["editor"], rolesOf.keycloakRealm) });

const api = new Hono();

api.get("/public", c => c.json({ open: true }));

api.get("/greeting", maybe, c => c.json({ hello: c.var.auth?.claims.sub ?? "stranger" }));

api.get("/items", auth, c => c.json({ owner: c.var.auth.claims.sub, items: ["apple"] }));

api.get("/reports", editors, c => {
    const { sub, realm_access } = c.var.auth.claims;
    return c.json({ editor: sub, roles: realm_access?.roles });
});

const app = new Hono();
app.route("/api", api);

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: "127.0.0.1" }, ({ port }) => {
    console.log(`Listening on http://127.0.0.1:${port}`);
});
