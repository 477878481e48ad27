import express from "express";
import { expressjwt } from "express-jwt";
import jwksRsa from "jwks-rsa";

const app = express();
app.use(
    expressjwt({
        secret: jwksRsa.expressJwtSecret({ jwksUri: process.env.JWKS_URI, cache: true, rateLimit: true }),
        issuer: process.env.ISSUER_URI,
        audience: process.env.AUDIENCE,
        algorithms: ["RS256"]
    })
);

app.get("/me", (req, res) => {
    res.json({ hello: req.auth.sub });
});
app.delete("/items", (req, res) => {
    res.status((req.auth.scope ?? "").split(" ").includes("items:write") ? 204 : 403).end();
});
app.use((error, _req, res, _next) => {
    res.status(error.status ?? 500).json({ code: error.code });
});

app.listen(process.env.PORT);
