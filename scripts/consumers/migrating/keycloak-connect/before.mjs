import express from "express";
import Keycloak from "keycloak-connect";

const keycloak = new Keycloak(
    {},
    {
        "auth-server-url": process.env.KEYCLOAK_URL,
        realm: process.env.KEYCLOAK_REALM,
        resource: process.env.AUDIENCE,
        "bearer-only": true,
        "verify-token-audience": true
    }
);

const app = express();
app.use(keycloak.middleware());

app.get("/me", keycloak.protect(), (req, res) => {
    res.json({ hello: req.kauth.grant.access_token.content.sub });
});
app.delete("/items", keycloak.protect("realm:editor"), (_req, res) => {
    res.status(204).end();
});

app.listen(process.env.PORT);
