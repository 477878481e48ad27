/**
 * The drop-in for `oidc-spa/server` 10.2.11: its names, its types, its results, over the addon.
 *
 * In: calls of a program for `oidc-spa/server`. Out: the results that it expects, with the finer `code` beside
 * `errorCause`. Never: a rule about tokens outside the mock modes.
 */

export { extractRequestAuthContext } from "./drop-in/extraction.js";
export type * from "./drop-in/types.js";
export { oidcSpa } from "./drop-in/bootstrap.js";
