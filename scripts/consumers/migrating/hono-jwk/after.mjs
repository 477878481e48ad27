import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createValidator } from "oidc-spa-native";
import { allScopes } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/hono";

const validator = createValidator({
    issuerUri: process.env.ISSUER_URI,
    expectedAudience: process.env.AUDIENCE,
    algorithms: ["RS256"]
});

const app = new Hono();
app.use(protect(validator));

app.get("/me", c => c.json({ hello: c.var.auth.claims.sub }));
app.delete("/items", protect(validator, { require: allScopes(["items:write"]) }), c => c.body(null, 204));

serve({ fetch: app.fetch, port: Number(process.env.PORT) });
