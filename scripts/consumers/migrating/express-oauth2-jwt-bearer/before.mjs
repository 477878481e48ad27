import express from "express";
import { auth, requiredScopes } from "express-oauth2-jwt-bearer";

const app = express();
app.use(auth({ issuerBaseURL: process.env.ISSUER_URI, audience: process.env.AUDIENCE }));

app.get("/me", (req, res) => {
    res.json({ hello: req.auth.payload.sub });
});
app.delete("/items", requiredScopes("items:write"), (_req, res) => {
    res.status(204).end();
});

app.listen(process.env.PORT);
