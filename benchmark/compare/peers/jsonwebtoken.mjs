// jsonwebtoken with a KeyObject, synchronously. It knows no EdDSA.

import { createPublicKey } from "node:crypto";

export const jsonwebtoken = {
    id: "jsonwebtoken",
    title: "jsonwebtoken",
    role: "peer",
    package: "jsonwebtoken",
    can: ({ dpop, algorithm }) => !dpop && algorithm !== "EdDSA",
    async make({ issuerUri, audience, algorithm, jwk }) {
        const { default: jwt } = await import("jsonwebtoken");
        const key = createPublicKey({ key: jwk, format: "jwk" });
        const options = { issuer: issuerUri, audience, algorithms: [algorithm] };
        return { prepare: ({ token }) => token, verify: token => jwt.verify(token, key, options) };
    }
};
