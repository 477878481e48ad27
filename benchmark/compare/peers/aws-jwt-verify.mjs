// aws-jwt-verify: its verifier for any issuer. It fetches over https only, so it is given the keys, as its documentation
// says for services without a network; verification is synchronous then.

export const awsJwtVerify = {
    id: "aws-jwt-verify",
    title: "aws-jwt-verify",
    role: "peer",
    package: "aws-jwt-verify",
    can: ({ dpop }) => !dpop,
    async make({ issuerUri, audience, algorithm, jwk }) {
        const { JwtVerifier } = await import("aws-jwt-verify");
        const verifier = JwtVerifier.create({
            issuer: issuerUri,
            audience,
            jwksUri: "https://auth.example.com/jwks",
            customJwtCheck: ({ header }) => {
                if (header.alg !== algorithm) {
                    throw new Error(`unexpected alg ${header.alg}`);
                }
            }
        });
        verifier.cacheJwks({ keys: [jwk] });
        return { prepare: ({ token }) => token, verify: token => verifier.verifySync(token) };
    }
};
