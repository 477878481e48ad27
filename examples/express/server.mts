// A small API on Express. `npm run example -- express` starts it beside an authorization server.

import express from "express";
import type { AddressInfo } from "node:net";
import { createValidator } from "oidc-spa-native";
import { allRoles, rolesOf } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/express";
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

const app = express();

app.get("/api/public", (_req, res) => {
    res.json({ open: true });
});

app.get("/api/greeting", maybe, (req, res) => {
    res.json({ hello: maybe.of(req)?.claims.sub ?? "stranger" });
});

app.get("/api/items", auth, (req, res) => {
    res.json({ owner: auth.of(req).claims.sub, items: ["apple"] });
});

app.get("/api/reports", editors, (req, res) => {
    const { sub, realm_access } = editors.of(req).claims;
    res.json({ editor: sub, roles: realm_access?.roles });
});

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
