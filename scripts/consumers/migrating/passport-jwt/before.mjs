import express from "express";
import { passportJwtSecret } from "jwks-rsa";
import passport from "passport";
import { ExtractJwt, Strategy } from "passport-jwt";

passport.use(
    new Strategy(
        {
            secretOrKeyProvider: passportJwtSecret({
                jwksUri: process.env.JWKS_URI,
                cache: true,
                rateLimit: true
            }),
            jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
            issuer: process.env.ISSUER_URI,
            audience: process.env.AUDIENCE,
            algorithms: ["RS256"]
        },
        (claims, done) => done(null, { id: claims.sub, scopes: (claims.scope ?? "").split(" ") })
    )
);

const app = express();
app.use(passport.authenticate("jwt", { session: false }));

app.get("/me", (req, res) => {
    res.json({ hello: req.user.id });
});
app.delete("/items", (req, res) => {
    res.status(req.user.scopes.includes("items:write") ? 204 : 403).end();
});

app.listen(process.env.PORT);
