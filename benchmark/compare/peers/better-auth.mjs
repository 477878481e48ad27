// better-auth: what its resource servers call, `verifyAccessTokenRequest`. It remembers proofs.

import { authorizationField } from "../wire.mjs";

export const betterAuth = {
    id: "better-auth",
    title: "better-auth",
    role: "peer",
    package: "better-auth",
    can: () => true,
    async make({ issuerUri, audience, algorithm, target }) {
        const { verifyAccessTokenRequest } = await import("better-auth/oauth2");
        const options = {
            jwksUrl: `${issuerUri}/jwks`,
            verifyOptions: { issuer: issuerUri, audience, algorithms: [algorithm] }
        };
        return {
            prepare: ({ token, proof }) => ({
                authorizationHeader: authorizationField(proof === undefined ? "Bearer" : "DPoP", token),
                dpopProofJwt: proof ?? null,
                ...target
            }),
            verify: request => verifyAccessTokenRequest(request, options)
        };
    }
};
