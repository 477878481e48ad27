// The engine of the page: the package's own `createValidator`, over WebAssembly and WebCrypto.

import "./process.mjs";
import { answeredFirst } from "#engine";
import { createValidator } from "oidc-spa-native";

export { allScopes, stepUp } from "oidc-spa-native/authorization";

/** A validator. It comes later, since WebCrypto says later which of the keys in the options are keys. */
export const validatorOf = options => answeredFirst(() => createValidator(options));
