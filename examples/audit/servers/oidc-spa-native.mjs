// oidc-spa-native on node:http, as docs/adapters.md has it.

import { createServer } from "node:http";
import { createValidator } from "oidc-spa-native";
import { protect } from "oidc-spa-native/node-http";

const { ISSUER_URI, AUDIENCE, PORT } = process.env;
const validator = createValidator({ issuerUri: ISSUER_URI, expectedAudience: AUDIENCE });

createServer(
    protect(validator, {}, (_req, res, { claims }) => {
        res.setHeader("Content-Type", "application/json").end(JSON.stringify({ hello: claims.sub }));
    })
).listen(Number(PORT), "127.0.0.1");
