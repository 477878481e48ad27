// A small API on Cloudflare Workers: Hono, one handler on the Fetch adapter, and DPoP proofs that count once for all isolates.

import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { createValidator } from "oidc-spa-native";
import { protect as protectHandler } from "oidc-spa-native/fetch";
import { protect } from "oidc-spa-native/hono";
import { replayStore } from "./replay-store.js";

export { ProofShard } from "./replay-store.js";

const validator = createValidator({
    issuerUri: env.OIDC_ISSUER_URI,
    expectedAudience: env.OIDC_AUDIENCE,
    replayStore
});

const app = new Hono();

app.get("/api/public", c => c.json({ open: true }));

app.get("/api/items", protect(validator), c => c.json({ owner: c.var.auth.claims.sub, items: ["apple"] }));

app.get("/api/payments", protect(validator, { dpop: "required" }), c =>
    c.json({ payer: c.var.auth.claims.sub })
);

const orders = protectHandler(validator, { dpop: "required" }, (request: Request, auth) =>
    Response.json({ method: request.method, owner: auth.claims.sub })
);

export default {
    fetch(request, env, context) {
        return new URL(request.url).pathname === "/api/orders"
            ? orders(request)
            : app.fetch(request, env, context);
    }
} satisfies ExportedHandler<Env>;
