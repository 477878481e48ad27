import express from "express";
import { createValidator } from "oidc-spa-native";
import { allScopes } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/express";

const validator = createValidator({
    issuerUri: process.env.ISSUER_URI,
    expectedAudience: process.env.AUDIENCE,
    algorithms: ["RS256"]
});

const app = express();
app.use(protect(validator));
// What `done` was called with. Handlers that read `req.user` stay as they are.
app.use((req, _res, next) => {
    req.user = { id: req.auth.claims.sub };
    next();
});

app.get("/me", (req, res) => {
    res.json({ hello: req.user.id });
});
app.delete("/items", protect(validator, { require: allScopes(["items:write"]) }), (_req, res) => {
    res.status(204).end();
});

app.listen(process.env.PORT);
