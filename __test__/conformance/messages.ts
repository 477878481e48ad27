// The messages that the conformance table is made of: requests to be sent, responses to the letter.

import type { ErrorCode } from "oidc-spa-native";
import type { Context, Request, Response, Row, Step } from "./rows.js";
import { AUDIENCE } from "../support/fixtures.js";

export const METADATA = `resource_metadata="${AUDIENCE}/.well-known/oauth-protected-resource"`;
export const ALGS = 'algs="ES256"';

type Parameters = string;

/** Both challenges, the parameters of an error in the first, the second or both. */
export const bearer = (error: Parameters): string =>
    `Bearer ${error}, ${METADATA}, DPoP ${METADATA}, ${ALGS}`;
export const dpop = (error: Parameters): string => `Bearer ${METADATA}, DPoP ${error}, ${METADATA}, ${ALGS}`;
export const both = (error: Parameters): string =>
    `Bearer ${error}, ${METADATA}, DPoP ${error}, ${METADATA}, ${ALGS}`;
export const neither = `Bearer ${METADATA}, DPoP ${METADATA}, ${ALGS}`;

const TITLES: Readonly<Record<number, string>> = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    503: "Service Unavailable"
};

export const problem = (status: number, detail: string, code: ErrorCode): string =>
    `{"type":"about:blank","title":"${TITLES[status]}","status":${status},"detail":"${detail}","code":"${code}"}`;

export function refused(status: number, code: ErrorCode, detail: string, challenge: string): Response {
    return {
        status,
        headers: {
            "access-control-expose-headers": "WWW-Authenticate",
            "content-type": "application/problem+json",
            "www-authenticate": challenge
        },
        body: problem(status, detail, code)
    };
}

export const error = (name: string, description: string): Parameters =>
    `error="${name}", error_description="${description}"`;

export function invalidToken(
    code: ErrorCode,
    detail: string,
    by: (error: Parameters) => string = bearer
): Response {
    return refused(401, code, detail, by(error("invalid_token", detail)));
}

export const invalidProof = (code: ErrorCode, detail: string): Response =>
    refused(401, code, detail, dpop(error("invalid_dpop_proof", detail)));

export function ok(body: object): Response {
    return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

export const BY_BEARER = ok({ sub: "user-1", scheme: "Bearer" });
export const BY_DPOP = ok({ sub: "user-1", scheme: "DPoP" });

/** With other headers beside its own. */
export const plus = (response: Response, headers: Record<string, string>): Response => ({
    ...response,
    headers: { ...response.headers, ...headers }
});

export const get = (path: string, ...headers: [string, string][]): Request => ({
    method: "GET",
    path,
    headers
});

type Claims = (now: number) => Record<string, unknown>;
export const unchanged: Claims = () => ({});

export const withBearer =
    (path: string, claims: Claims = unchanged, method = "GET") =>
    ({ fixtures, now }: Context): Request => ({
        ...get(path, ["Authorization", `Bearer ${fixtures.token(now, claims(now))}`]),
        method
    });

interface Proof {
    readonly claims?: Claims;
    readonly proof?: Record<string, unknown>;
    readonly method?: string;
    readonly proofs?: 0 | 1 | 2;
    readonly takesNonce?: true;
}

export const withDpop =
    (path: string, { claims = unchanged, proof = {}, method = "GET", proofs = 1, takesNonce }: Proof = {}) =>
    ({ fixtures, now, base, nonce }: Context): Request => {
        const token = fixtures.boundToken(now, claims(now));
        const about = { htm: method, htu: base + path, ...(takesNonce ? { nonce } : {}), ...proof };
        const lines = Array.from(
            { length: proofs },
            () => ["DPoP", fixtures.proof(now, token, about)] as [string, string]
        );
        return { ...get(path, ["Authorization", `DPoP ${token}`], ...lines), method };
    };

/** The same request, each time it is asked for. */
function once(request: (context: Context) => Request): (context: Context) => Request {
    let made: { readonly base: string; readonly request: Request } | undefined;
    return context => {
        made = made?.base === context.base ? made : { base: context.base, request: request(context) };
        return made.request;
    };
}

export const row = (name: string, request: Step["request"], response: Response): Row => ({
    name,
    steps: [{ request, response }]
});

export const MISSING = refused(401, "credentials_missing", "Credentials are required", neither);
export const EXPIRED = invalidToken("token_expired", "The access token expired");
export const expired: Claims = now => ({ exp: now - 1 });

export const SCOPE = error("insufficient_scope", "The access token lacks a scope");
export const STRONGER = "A stronger or more recent authentication is required";
export const STEP_UP = `${error("insufficient_user_authentication", STRONGER)}, acr_values="mfa hwk", max_age="300"`;

export const NONCE_HEADERS = { "cache-control": "no-store", "dpop-nonce": "<nonce>" };
export const NONCE_REQUIRED = plus(
    refused(
        401,
        "proof_nonce_required",
        "The DPoP proof needs a nonce of this server",
        dpop(error("use_dpop_nonce", "The DPoP proof needs a nonce of this server"))
    ),
    { ...NONCE_HEADERS, "access-control-expose-headers": "WWW-Authenticate, DPoP-Nonce" }
);

export const preflight = (path: string, ...headers: [string, string][]): Request => ({
    ...get(path, ["Origin", "https://app.example.com"], ...headers),
    method: "OPTIONS"
});

const METADATA_PATH = "/.well-known/oauth-protected-resource";
export const metadata =
    (method: string, ...headers: [string, string][]) =>
    (): Request => ({
        ...get(METADATA_PATH, ...headers),
        at: "root",
        method
    });

export const replayed = once(withDpop("/items"));
export const MALFORMED = "The Authorization field is malformed";
export const two = (context: Context): Request => {
    const { headers } = withBearer("/items")(context);
    return { ...get("/items"), headers: [...headers, ...headers] };
};
export const MALFORMED_FIELD = refused(
    400,
    "credentials_malformed",
    MALFORMED,
    both(error("invalid_request", MALFORMED))
);
const REPEATED = "More than one Authorization field";

/** Lines of a field that comes once: refused as such where each line is seen, and as malformed where they are joined. */
export const twoLines = (name: string, request: Step["request"]): readonly Row[] => [
    {
        ...row(
            name,
            request,
            refused(400, "credentials_repeated", REPEATED, both(error("invalid_request", REPEATED)))
        ),
        only: "http1, each line seen"
    },
    { ...row(`${name}, joined to one`, request, MALFORMED_FIELD), only: "http1, lines joined" }
];

/** Good credentials, with something around them in their field. */
export const around =
    (before: string, behind: string) =>
    (context: Context): Request => {
        const { headers } = withBearer("/items")(context);
        return get(
            "/items",
            ...headers.map(([name, value]) => [name, before + value + behind] as [string, string])
        );
    };

export const changeProof = (request: Request, change: (proof: string) => string): Request => ({
    ...request,
    headers: request.headers.map(([name, value]) => [name, name === "DPoP" ? change(value) : value] as const)
});
