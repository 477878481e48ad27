// The resource server: an Express API whose door is guarded by oidc-spa-native.

import { once } from "node:events";
import express from "express";
import { createValidator } from "oidc-spa-native";

/**
 * @param {{ issuerUri: string, expectedAudience: string }} options
 * @returns an object with `url` and `close()`
 */
export async function startApi({ issuerUri, expectedAudience }) {
    const validator = createValidator({
        issuerUri,
        expectedAudience,
        // The default is 30 seconds. The demo rotates keys, and would have to wait for as long.
        keysCooldownSeconds: 1
    });

    const app = express();

    app.use(async (req, res, next) => {
        const verdict = await validator.validateRequest(req);
        res.set(verdict.headers);
        if (!verdict.isSuccess) {
            res.status(verdict.status).json({ code: verdict.code });
            return;
        }
        req.auth = verdict;
        next();
    });

    app.get("/items", (req, res) => {
        const { claims, scheme } = req.auth;
        res.json({ subject: claims.sub, scheme });
    });

    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");

    return {
        url: `http://127.0.0.1:${server.address().port}`,
        async close() {
            server.closeAllConnections();
            server.close();
            await once(server, "close");
        }
    };
}
