import express from "express";
import { createValidator } from "oidc-spa-native";
import { allScopes } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/express";

const validator = createValidator({
    issuerUri: process.env.ISSUER_URI,
    expectedAudience: process.env.AUDIENCE
});

const app = express();
app.use(protect(validator));

app.get("/me", (req, res) => {
    res.json({ hello: req.auth.claims.sub });
});
app.delete("/items", protect(validator, { require: allScopes(["items:write"]) }), (_req, res) => {
    res.status(204).end();
});

app.listen(process.env.PORT);
