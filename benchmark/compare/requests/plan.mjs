// Whole requests: which servers, protected by what.

export const FRAMEWORKS = ["node:http", "Express", "Fastify", "Hono"];

/** Where a server stands without protection, and where it also answers in the next turn of its event loop. */
export const UNPROTECTED = "unprotected";
export const DEFERRED = "deferred";

/**
 * What stands before the route. The files are `protections.mjs` (how) and this one (where and what it is called).
 *
 * @type {{ id: string, title: string, role: string, dpop: boolean, only?: string }[]}
 */
export const PROTECTIONS = [
    { id: UNPROTECTED, title: "unprotected", role: "harness", dpop: false },
    { id: DEFERRED, title: "unprotected, answers in the next turn", role: "harness", dpop: false },
    { id: "ours", title: "oidc-spa-native", role: "ours", dpop: true },
    { id: "ours-server", title: "oidc-spa-native/server", role: "ours", dpop: true },
    { id: "oidc-spa", title: "oidc-spa/server", role: "peer", dpop: true },
    { id: "jose", title: "jose", role: "peer", dpop: false },
    { id: "fast-jwt", title: "fast-jwt", role: "peer", dpop: false },
    {
        id: "express-oauth2-jwt-bearer",
        title: "express-oauth2-jwt-bearer",
        role: "peer",
        dpop: true,
        only: "Express"
    }
];

export const PATH = "/v1/items";
export const CONNECTIONS = 64;
export const BEARER_REQUESTS = 4000;
export const DPOP_REQUESTS = 4000;
