// A program on Express, as a user of oidc-spa/server writes it.

import express, { type Request, type Response } from "express";
import type { AddressInfo } from "node:net";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa/server";
import { z } from "zod";

const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
    .withExpectedDecodedAccessTokenShape({
        decodedAccessTokenSchema: z.object({
            sub: z.string(),
            realm_access: z.object({ roles: z.array(z.string()) }).optional()
        })
    })
    .createUtils();

interface User {
    id: string;
    roles: string[];
}

/** Answers by itself; the Promise never settles, so that the route ends there. */
function refuse(res: Response, status: 400 | 401 | 403): Promise<never> {
    res.sendStatus(status);
    return new Promise(() => {});
}

/** `undefined` for a request without credentials. */
async function findUser(req: Request, res: Response): Promise<User | undefined> {
    const requestAuthContext = extractRequestAuthContext({ request: req, trustProxy: true });
    if (requestAuthContext === undefined) {
        return undefined;
    }
    if (!requestAuthContext.isWellFormed) {
        console.warn(requestAuthContext.debugErrorMessage);
        return refuse(res, 400);
    }
    const { isSuccess, debugErrorMessage, decodedAccessToken } = await validateAndDecodeAccessToken(
        requestAuthContext.accessTokenAndMetadata
    );
    if (!isSuccess) {
        console.warn(debugErrorMessage);
        return refuse(res, 401);
    }
    return { id: decodedAccessToken.sub, roles: decodedAccessToken.realm_access?.roles ?? [] };
}

async function getUser(req: Request, res: Response, requiredRole?: "editor"): Promise<User> {
    const user = await findUser(req, res);
    if (user === undefined) {
        return refuse(res, 401);
    }
    if (requiredRole !== undefined && !user.roles.includes(requiredRole)) {
        return refuse(res, 403);
    }
    return user;
}

bootstrapAuth({
    implementation: "real",
    issuerUri: process.env.OIDC_ISSUER_URI!,
    expectedAudience: process.env.OIDC_AUDIENCE
});

const app = express();

app.get("/api/public", (_req, res) => {
    res.json({ open: true });
});

app.get("/api/greeting", async (req, res) => {
    const user = await findUser(req, res);
    res.json({ hello: user?.id ?? "stranger" });
});

app.get("/api/items", async (req, res) => {
    const user = await getUser(req, res);
    res.json({ owner: user.id, items: ["apple"] });
});

app.get("/api/reports", async (req, res) => {
    const user = await getUser(req, res, "editor");
    res.json({ editor: user.id, roles: user.roles });
});

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
