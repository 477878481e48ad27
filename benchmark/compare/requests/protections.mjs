// What stands before the route. A guard is given the framework's own request and answers with the claims, or with nothing
// to refuse. An adapter of a framework, once there is one, is a middleware beside `express-oauth2-jwt-bearer`.

import { loadOurs } from "../ours.mjs";
import { fastJwt } from "../peers/fast-jwt.mjs";
import { jose } from "../peers/jose.mjs";

/** Guards by the id in the plan: each is made once, when its server starts. */
export const GUARDS = {
    async ours({ issuerUri, audience, algorithm }) {
        const { createValidator } = loadOurs("oidc-spa-native");
        const validator = createValidator({ issuerUri, expectedAudience: audience, algorithms: [algorithm] });
        await validator.ready();
        return async request => (await validator.validateRequest(request)).claims;
    },

    "ours-server": context => dropIn(loadOurs("oidc-spa-native/server"), context),

    "oidc-spa": async context => dropIn(await import("oidc-spa/server"), context),

    jose: context => ofPeer(jose, context),

    "fast-jwt": context => ofPeer(fastJwt, context)
};

/** Middlewares of Express. */
export const MIDDLEWARES = {
    async "express-oauth2-jwt-bearer"({ issuerUri, audience, algorithm, dpop }) {
        const { auth } = await import("express-oauth2-jwt-bearer");
        return auth({
            issuer: issuerUri,
            jwksUri: `${issuerUri}/jwks`,
            audience,
            tokenSigningAlg: algorithm,
            dpop: { enabled: dpop, required: dpop }
        });
    }
};

async function dropIn({ oidcSpa, extractRequestAuthContext }, { issuerUri, audience }) {
    const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
    await bootstrapAuth({ implementation: "real", issuerUri, expectedAudience: audience });
    return async request => {
        const context = extractRequestAuthContext({ request, trustProxy: false });
        if (context?.isWellFormed !== true) {
            return undefined;
        }
        return (await validateAndDecodeAccessToken(context.accessTokenAndMetadata)).decodedAccessToken;
    };
}

/** A library that is given tokens, by the least that finds them. */
async function ofPeer(peer, context) {
    const { prepare, verify } = await peer.make(context);
    return async (_request, authorization) => {
        if (authorization?.startsWith("Bearer ") !== true) {
            return undefined;
        }
        try {
            return await verify(prepare({ token: authorization.slice(7) }));
        } catch {
            return undefined;
        }
    };
}
