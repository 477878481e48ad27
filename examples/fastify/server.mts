// A small API on Fastify. `npm run example -- fastify` starts it beside an authorization server.

import Fastify from "fastify";
import { createValidator } from "oidc-spa-native";
import { allRoles, rolesOf } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/fastify";
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

const app = Fastify();

app.register(
    async api => {
        api.get("/public", async () => ({ open: true }));

        api.get("/greeting", { onRequest: maybe }, async request => ({
            hello: maybe.of(request)?.claims.sub ?? "stranger"
        }));

        api.get("/items", { onRequest: auth }, async request => ({
            owner: auth.of(request).claims.sub,
            items: ["apple"]
        }));

        api.get("/reports", { onRequest: editors }, async request => {
            const { sub, realm_access } = editors.of(request).claims;
            return { editor: sub, roles: realm_access?.roles };
        });
    },
    { prefix: "/api" }
);

const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" });
console.log(`Listening on ${address}`);
