// express-oauth2-jwt-bearer: its middleware, called with what it reads of an Express request.

import { authorizationField } from "../wire.mjs";

export const expressOauth2JwtBearer = {
    id: "express-oauth2-jwt-bearer",
    title: "express-oauth2-jwt-bearer",
    role: "peer",
    package: "express-oauth2-jwt-bearer",
    can: () => true,
    async make({ issuerUri, audience, algorithm, dpop, target }) {
        const { auth } = await import("express-oauth2-jwt-bearer");
        const middleware = auth({
            issuer: issuerUri,
            jwksUri: `${issuerUri}/jwks`,
            audience,
            tokenSigningAlg: algorithm,
            dpop: { enabled: dpop, required: dpop }
        });
        const url = new URL(target.url);
        return {
            prepare: ({ token, proof }) => {
                const headers = { host: url.host };
                if (proof === undefined) {
                    headers.authorization = authorizationField("Bearer", token);
                } else {
                    headers.authorization = authorizationField("DPoP", token);
                    headers.dpop = proof;
                }
                return {
                    headers,
                    method: target.method,
                    protocol: url.protocol.slice(0, -1),
                    url: url.pathname,
                    originalUrl: url.pathname,
                    query: {},
                    body: undefined,
                    is: () => false,
                    get: name => headers[name.toLowerCase()]
                };
            },
            verify: req =>
                new Promise((resolve, reject) => {
                    middleware(req, undefined, error =>
                        error === undefined ? resolve(req.auth.payload) : reject(error)
                    );
                })
        };
    }
};
