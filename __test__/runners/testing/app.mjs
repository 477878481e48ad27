import express from "express";
import { allScopes } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/express";

/** The application, with the validator that it is given: the real one in production, another in tests. */
export function createApp(validator) {
    const signedIn = protect(validator);
    const writer = protect(validator, { require: allScopes(["items:write"]) });
    const app = express();
    app.get("/me", signedIn, (req, res) => {
        res.json({ hello: signedIn.of(req).claims.sub });
    });
    app.delete("/items", writer, (_req, res) => {
        res.status(204).end();
    });
    return app;
}
