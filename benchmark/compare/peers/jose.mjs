// jose: one `createRemoteJWKSet` for the process, `jwtVerify` for each token.

export const jose = {
    id: "jose",
    title: "jose",
    role: "peer",
    package: "jose",
    can: ({ dpop }) => !dpop,
    async make({ issuerUri, audience, algorithm }) {
        const { createRemoteJWKSet, jwtVerify } = await import("jose");
        const keys = createRemoteJWKSet(new URL(`${issuerUri}/jwks`));
        await keys.reload();
        const options = { issuer: issuerUri, audience, algorithms: [algorithm] };
        return {
            prepare: ({ token }) => token,
            verify: async token => (await jwtVerify(token, keys, options)).payload
        };
    }
};
