// Made by the first request that needs it: `next build` loads routes too, where there is no issuer to name.

import { createValidator } from "oidc-spa-native";

let validator;

export function getValidator() {
    validator ??= createValidator({
        issuerUri: process.env.ISSUER_URI,
        expectedAudience: process.env.AUDIENCE,
        publicBaseUrl: process.env.PUBLIC_URL
    });
    return validator;
}
