import express from "express";
import { createValidator } from "oidc-spa-native";
import { allRoles, rolesOf } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/express";

const validator = createValidator({
    issuerUri: `${process.env.KEYCLOAK_URL}/realms/${process.env.KEYCLOAK_REALM}`,
    expectedAudience: process.env.AUDIENCE
});
const signedIn = protect(validator);
const editor = protect(validator, { require: allRoles(["editor"], rolesOf.keycloakRealm) });

const app = express();

app.get("/me", signedIn, (req, res) => {
    res.json({ hello: req.auth.claims.sub });
});
app.delete("/items", editor, (_req, res) => {
    res.status(204).end();
});

app.listen(process.env.PORT);
