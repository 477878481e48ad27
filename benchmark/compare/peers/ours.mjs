// This project, through its own interface.

import { loadOurs } from "../ours.mjs";

export const ours = {
    id: "ours",
    title: "oidc-spa-native",
    role: "ours",
    can: () => true,
    async make({ issuerUri, audience, algorithm, target }) {
        const { createValidator } = loadOurs("oidc-spa-native");
        const validator = createValidator({ issuerUri, expectedAudience: audience, algorithms: [algorithm] });
        await validator.ready();
        return {
            prepare: ({ token, proof }) =>
                proof === undefined ? { authorization: `Bearer ${token}` } : { authorization: `DPoP ${token}`, dpop: proof },
            verify: async headers => (await validator.validateRequest(headers, target)).claims
        };
    }
};
