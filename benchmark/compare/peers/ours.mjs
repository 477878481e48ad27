// This project, through its own interface.

import { loadOnWebAssembly, loadOurs } from "../ours.mjs";
import { authorizationField } from "../wire.mjs";

/** A validator with these options, as something to be measured. */
export async function validating(options, target, load = loadOurs) {
    const { createValidator } = load("oidc-spa-native");
    const validator = createValidator(options);
    await validator.ready();
    const { engine } = validator.health();
    if ((engine === "wasm") !== (load === loadOnWebAssembly)) {
        throw new Error(`the engine is ${engine}`);
    }
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

export const oursOnWebAssembly = {
    id: "ours-wasm",
    title: "oidc-spa-native on WebAssembly",
    role: "ours",
    can: () => true,
    make: ({ issuerUri, audience, algorithm, target }) =>
        validating(
            { issuerUri, expectedAudience: audience, algorithms: [algorithm] },
            target,
            loadOnWebAssembly
        )
};
