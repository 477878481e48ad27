// This project, through its own interface.

import { loadOurs } from "../ours.mjs";
import { authorizationField } from "../wire.mjs";

/** A validator with these options, as something to be measured. */
export async function validating(options, target) {
    const { createValidator } = loadOurs("oidc-spa-native");
    const validator = createValidator(options);
    await validator.ready();
    return {
        prepare: ({ token, proof }) =>
            proof === undefined
                ? { authorization: authorizationField("Bearer", token) }
                : { authorization: authorizationField("DPoP", token), dpop: proof },
        verify: async headers => (await validator.validateRequest(headers, target)).claims
    };
}

export const ours = {
    id: "ours",
    title: "oidc-spa-native",
    role: "ours",
    can: () => true,
    make: ({ issuerUri, audience, algorithm, target }) =>
        validating({ issuerUri, expectedAudience: audience, algorithms: [algorithm] }, target)
};
