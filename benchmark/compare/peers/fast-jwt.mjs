// fast-jwt with a public key in PEM, its quickest way: without its memory of tokens (its default), and with it.

import { createPublicKey } from "node:crypto";

const withCache = (id, title, cache) => ({
    id,
    title,
    role: "peer",
    package: "fast-jwt",
    can: ({ dpop }) => !dpop,
    async make({ issuerUri, audience, algorithm, jwk }) {
        const { createVerifier } = await import("fast-jwt");
        const verify = createVerifier({
            key: createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "pem" }),
            algorithms: [algorithm],
            allowedIss: issuerUri,
            allowedAud: audience,
            requiredClaims: ["iss", "aud", "exp"],
            cache
        });
        return { prepare: ({ token }) => token, verify };
    }
});

export const fastJwt = withCache("fast-jwt", "fast-jwt", false);
export const fastJwtCached = withCache("fast-jwt-cache", "fast-jwt, cache", true);
