// @node-rs/jsonwebtoken: another native addon. Synchronous, which costs it least.

import { createPublicKey } from "node:crypto";

export const nodeRsJsonwebtoken = {
    id: "node-rs-jsonwebtoken",
    title: "@node-rs/jsonwebtoken",
    role: "peer",
    package: "@node-rs/jsonwebtoken",
    can: ({ dpop }) => !dpop,
    async make({ issuerUri, audience, algorithm, jwk }) {
        const { verifySync } = await import("@node-rs/jsonwebtoken");
        const pem = createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "pem" });
        const validation = {
            iss: [issuerUri],
            aud: [audience],
            algorithms: [algorithm],
            requiredSpecClaims: ["iss", "aud", "exp"],
            leeway: 0
        };
        return { prepare: ({ token }) => token, verify: token => verifySync(token, pem, validation) };
    }
};
