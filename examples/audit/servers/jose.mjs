// jose on node:http, as the documentation of jwtVerify and createRemoteJWKSet has it.

import { createServer } from "node:http";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

const { ISSUER_URI, AUDIENCE, JWKS_URI, PORT } = process.env;
const keys = createRemoteJWKSet(new URL(JWKS_URI));

createServer(async (req, res) => {
    const [, token] = /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? "") ?? [];
    try {
        if (token === undefined) {
            throw new errors.JOSEError("no token");
        }
        const { payload } = await jwtVerify(token, keys, { issuer: ISSUER_URI, audience: AUDIENCE });
        res.setHeader("Content-Type", "application/json").end(JSON.stringify({ hello: payload.sub }));
    } catch (error) {
        const isRefused = error instanceof errors.JOSEError;
        res.writeHead(isRefused ? 401 : 500, { "WWW-Authenticate": "Bearer" }).end();
    }
}).listen(Number(PORT), "127.0.0.1");
