// A small API on Bun.serve; Deno.serve and route handlers of Next.js take the same handlers. `npm run example -- fetch` starts it beside an authorization server.

import { createValidator } from "oidc-spa-native";
import { allRoles, rolesOf } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/fetch";
import { z } from "zod";

const validator = createValidator({
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE!,
    claims: z.object({
        sub: z.string(),
        realm_access: z.object({ roles: z.array(z.string()) }).optional()
    })
});

const server = Bun.serve({
    port: Number(process.env.PORT ?? 3000),
    hostname: "127.0.0.1",
    routes: {
        "/api/public": () => Response.json({ open: true }),

        "/api/greeting": protect(validator, { optional: true }, (_request: Request, auth) =>
            Response.json({ hello: auth?.claims.sub ?? "stranger" })
        ),

        "/api/items": protect(validator, {}, (_request: Request, auth) =>
            Response.json({ owner: auth.claims.sub, items: ["apple"] })
        ),

        "/api/reports": protect(
            validator,
            { require: allRoles(["editor"], rolesOf.keycloakRealm) },
            (_request: Request, { claims: { sub, realm_access } }) =>
                Response.json({ editor: sub, roles: realm_access?.roles })
        )
    },
    fetch: () => new Response("Not Found", { status: 404 })
});

console.log(`Listening on http://127.0.0.1:${server.port}`);
