import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { jwk } from "hono/jwk";

const app = new Hono();
app.use(
    jwk({
        jwks_uri: process.env.JWKS_URI,
        alg: ["RS256"],
        verification: { iss: process.env.ISSUER_URI, aud: process.env.AUDIENCE }
    })
);

app.get("/me", c => c.json({ hello: c.get("jwtPayload").sub }));
app.delete("/items", c => {
    const scopes = (c.get("jwtPayload").scope ?? "").split(" ");
    return c.body(null, scopes.includes("items:write") ? 204 : 403);
});

serve({ fetch: app.fetch, port: Number(process.env.PORT) });
