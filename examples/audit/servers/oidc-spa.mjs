// oidc-spa/server on node:http, as its documentation has it.

import { createServer } from "node:http";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa/server";
import { z } from "zod";

const { ISSUER_URI, AUDIENCE, PORT } = process.env;

const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
    .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: z.object({ sub: z.string() }) })
    .createUtils();

bootstrapAuth({ implementation: "real", issuerUri: ISSUER_URI, expectedAudience: AUDIENCE });

async function statusOf(request) {
    const context = extractRequestAuthContext({ request, trustProxy: false });
    if (!context) {
        return 401;
    }
    if (!context.isWellFormed) {
        return 400;
    }
    const { isSuccess } = await validateAndDecodeAccessToken(context.accessTokenAndMetadata);
    return isSuccess ? 200 : 401;
}

createServer(async (req, res) => {
    // An exception is a fault of the server, which goes on.
    res.writeHead(await statusOf(req).catch(() => 500)).end();
}).listen(Number(PORT), "127.0.0.1");
