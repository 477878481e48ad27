// A program on Express whose routes lie in a router, mounted under a prefix, behind a middleware that knows the user.

import express, { type NextFunction, type Request, type Response } from "express";
import type { AddressInfo } from "node:net";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa/server";
import { z } from "zod";

const { bootstrapAuth, validateAndDecodeAccessToken, ofTypeDecodedAccessToken } = oidcSpa
    .withExpectedDecodedAccessTokenShape({
        decodedAccessTokenSchema: z.object({
            sub: z.string(),
            realm_access: z.object({ roles: z.array(z.string()) }).default({ roles: [] })
        })
    })
    .createUtils();

type AccessToken = typeof ofTypeDecodedAccessToken;

async function authenticate(req: Request, res: Response, next: NextFunction): Promise<void> {
    const requestAuthContext = extractRequestAuthContext({ request: req, trustProxy: true });
    if (!requestAuthContext) {
        next();
        return;
    }
    if (!requestAuthContext.isWellFormed) {
        console.warn(requestAuthContext.debugErrorMessage);
        res.status(400).json({ error: "bad request" });
        return;
    }
    const result = await validateAndDecodeAccessToken(requestAuthContext.accessTokenAndMetadata);
    if (!result.isSuccess) {
        console.warn(result.debugErrorMessage);
        res.status(401).json({ error: result.errorCause });
        return;
    }
    res.locals.accessToken = result.decodedAccessToken;
    next();
}

function signedIn(_req: Request, res: Response, next: NextFunction): void {
    if (res.locals.accessToken === undefined) {
        res.status(401).json({ error: "sign in first" });
        return;
    }
    next();
}

const items = express.Router();

items.get("/greeting", authenticate, (_req, res) => {
    const accessToken: AccessToken | undefined = res.locals.accessToken;
    res.json({ hello: accessToken?.sub ?? "stranger" });
});

items.get("/items", authenticate, signedIn, (_req, res) => {
    const { sub }: AccessToken = res.locals.accessToken;
    res.json({ owner: sub, items: ["apple"] });
});

items.get("/reports", authenticate, signedIn, (_req, res) => {
    const { sub, realm_access }: AccessToken = res.locals.accessToken;
    if (!realm_access.roles.includes("editor")) {
        res.status(403).json({ error: "editors only" });
        return;
    }
    res.json({ editor: sub, roles: realm_access.roles });
});

items.get("/public", (_req, res) => {
    res.json({ open: true });
});

await bootstrapAuth({
    implementation: "real",
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE
});

const app = express();
app.use("/api", items);
const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
