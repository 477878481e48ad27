// Two libraries behind one interface: `oidc-spa/server`, and this project's drop-in for it. The code is the same for
// both, the import apart.

import { loadOurs } from "../ours.mjs";

const shared = load => ({
    can: () => true,
    async make({ issuerUri, audience, target }) {
        const { oidcSpa } = await load();
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        await bootstrapAuth({ implementation: "real", issuerUri, expectedAudience: audience });
        return {
            prepare: ({ token, proof }) =>
                proof === undefined
                    ? { scheme: "Bearer", accessToken: token, rejectIfAccessTokenDPoPBound: true }
                    : {
                          scheme: "DPoP",
                          accessToken: token,
                          dpopProof: proof,
                          expectedHtm: target.method,
                          expectedHtu: target.url
                      },
            verify: async credentials => (await validateAndDecodeAccessToken(credentials)).decodedAccessToken
        };
    }
});

export const dropIn = {
    id: "ours-server",
    title: "oidc-spa-native/server",
    role: "ours",
    ...shared(() => loadOurs("oidc-spa-native/server"))
};

export const oidcSpa = {
    id: "oidc-spa",
    title: "oidc-spa/server",
    role: "peer",
    package: "oidc-spa",
    ...shared(() => import("oidc-spa/server"))
};
