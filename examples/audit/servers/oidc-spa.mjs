// oidc-spa/server on node:http, as its documentation has it.

import { createServer } from "node:http";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa/server";
import { z } from "zod";

const { ISSUER_URI, AUDIENCE, PORT } = process.env;

const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
    .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: z.object({ sub: z.string() }) })
    .createUtils();

bootstrapAuth({ implementation: "real", issuerUri: ISSUER_URI, expectedAudience: AUDIENCE });

createServer(async (request, res) => {
    const context = extractRequestAuthContext({ request, trustProxy: false });
    if (!context) {
        res.writeHead(401).end();
        return;
    }
    if (!context.isWellFormed) {
        res.writeHead(400).end();
        return;
    }
    const { isSuccess, decodedAccessToken } = await validateAndDecodeAccessToken(context.accessTokenAndMetadata);
    if (!isSuccess) {
        res.writeHead(401).end();
        return;
    }
    res.setHeader("Content-Type", "application/json").end(JSON.stringify({ hello: decodedAccessToken.sub }));
}).listen(Number(PORT), "127.0.0.1");
