// Requests and the exact responses that every adapter gives to them. `conformance-servers.ts` has the frameworks.

import type {
    AccessTokenClaims,
    Refused,
    Granted,
    RequestRules,
    Requirements,
    Validator
} from "oidc-spa-native";
import { createValidator } from "oidc-spa-native";
import { allRoles, allScopes, rolesOf, stepUp } from "oidc-spa-native/authorization";
import {
    ALGS,
    bearer,
    BY_BEARER,
    BY_DPOP,
    dpop,
    error,
    EXPIRED,
    expired,
    get,
    invalidProof,
    invalidToken,
    METADATA,
    metadata,
    MISSING,
    neither,
    NONCE_HEADERS,
    NONCE_REQUIRED,
    ok,
    plus,
    preflight,
    problem,
    refused,
    replayed,
    row,
    SCOPE,
    STEP_UP,
    STRONGER,
    two,
    unchanged,
    withBearer,
    withDpop,
    around,
    changeProof,
    MALFORMED_FIELD,
    twoLines
} from "./messages.js";
import { AUDIENCE, type Fixtures } from "../support/fixtures.js";
import { trailingBitTwin } from "../support/jwt.js";

/** The rules of a route, as far as they are the same type in every adapter. */
export interface Rules extends RequestRules {
    optional?: boolean;
    require?: Requirements<AccessTokenClaims>;
    onRejected?: (refusal: Refused, request: unknown) => void;
}

export interface Route {
    readonly path: string;
    readonly validator: Validator;
    readonly rules: Rules;
    /** What the application itself exposes, before the guard or with its response. */
    readonly exposes?: string;
    /** How often the guard stands before the route. */
    readonly times: number;
}

/** The API that each framework serves: every route for all methods, and the metadata at the root. */
export interface Application {
    /** What the routes are mounted under, "" for nothing. */
    readonly prefix: string;
    readonly routes: readonly Route[];
    /** Its metadata is served. */
    readonly validator: Validator;
}

/** What a route answers once it is reached: 204 without body to OPTIONS, else 200 with this JSON. */
export function bodyOf(auth: Granted | null): string {
    return JSON.stringify(auth === null ? { sub: null } : { sub: auth.claims.sub, scheme: auth.scheme });
}

export interface Request {
    readonly method: string;
    /** A path of the application, or an absolute one with `at: "root"`. */
    readonly path: string;
    readonly at?: "root";
    /** Lines, in order. */
    readonly headers: readonly (readonly [string, string])[];
}

export interface Response {
    readonly status: number;
    /** Without those of the transport. A nonce is written as `<nonce>`. */
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
}

export interface Context {
    readonly fixtures: Fixtures;
    /** Seconds. */
    readonly now: number;
    /** Origin and prefix of the running server. */
    readonly base: string;
    /** The nonce of the response before. */
    readonly nonce: string | undefined;
}

export interface Step {
    readonly request: (context: Context) => Request;
    readonly response: Response;
}

export interface Row {
    readonly name: string;
    readonly steps: readonly Step[];
    /** Only for transports that carry it, by how their names begin. */
    readonly only?: "http1" | "http1, each line seen" | "http1, lines joined";
}

/** Told to `onRejected`, in order; the spec empties it. */
export const rejected: Pick<Refused, "code" | "refusalId">[] = [];

/** Each route is logged by something that fails: that must not change an answer. */
const onRejected = (refusal: Refused): void => {
    rejected.push(refusal);
    throw new Error("a logger that fails");
};

export function newApplication(fixtures: Fixtures, prefix: string): Application {
    const options = {
        issuerUri: fixtures.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        resource: AUDIENCE,
        resourceMetadata: { scopesSupported: ["read", "items:write"], resourceName: "Items" },
        proofAlgorithms: ["ES256"]
    } as const;
    const SECRET = "of the tests, at least 32 characters";
    const validator = createValidator(options);
    const withNonces = createValidator({
        ...options,
        nonce: "required",
        nonceSecret: SECRET
    });
    const offeringNonces = createValidator({ ...options, nonceSecret: SECRET, nonce: "on-stale-proof" });
    // Nobody listens there.
    const cutOff = createValidator({ ...options, issuerUri: "http://127.0.0.1:9", keysTimeoutMs: 0 });
    const route = (path: string, rules: Rules = {}, rest: Partial<Route> = {}): Route => ({
        path,
        validator,
        rules: { onRejected, ...rules },
        times: 1,
        ...rest
    });
    return {
        prefix,
        validator,
        routes: [
            route("/items"),
            route("/twice", { require: allScopes(["read"]) }, { times: 2 }),
            route("/optional", { optional: true }),
            route("/write", { require: allScopes(["read", "items:write"]) }),
            route("/admin", { require: allRoles(["superuser"], rolesOf.keycloakRealm) }),
            route("/mfa", { require: stepUp({ acrValues: ["mfa", "hwk"], maxAgeSeconds: 300 }) }),
            route("/both", { require: [allScopes(["items:write"]), stepUp({ acrValues: ["mfa"] })] }),
            route("/bound", { dpop: "required" }),
            route("/bearer", { dpop: "disabled" }),
            route("/nonce", {}, { validator: withNonces }),
            route("/exposed", {}, { validator: offeringNonces, exposes: "X-Total" }),
            route("/unavailable", {}, { validator: cutOff })
        ]
    };
}

export function rowsFor(fixtures: Fixtures): readonly Row[] {
    const document =
        `{"authorization_servers":["${fixtures.issuer.issuerUri}"],"bearer_methods_supported":["header"],` +
        `"dpop_bound_access_tokens_required":false,"dpop_signing_alg_values_supported":["ES256"],"resource":"${AUDIENCE}","resource_name":"Items",` +
        '"scopes_supported":["read","items:write"]}';
    const METADATA_HEADERS = {
        "access-control-allow-origin": "*",
        "cache-control": "public, max-age=3600",
        "content-type": "application/json"
    };
    return [
        row("B2.24 no credentials", () => get("/items"), MISSING),
        row("a DPoP proof alone is no credentials", () => get("/items", ["DPoP", "x"]), MISSING),
        row("good Bearer", withBearer("/items"), BY_BEARER),
        row(
            "scheme in another case",
            ({ fixtures, now }) => get("/items", ["authorization", `bEARER ${fixtures.token(now)}`]),
            BY_BEARER
        ),
        row("expired", withBearer("/items", expired), EXPIRED),
        row(
            "wrong audience",
            withBearer("/items", () => ({ aud: "https://other.example.com" })),
            invalidToken("audience_mismatch", "The access token is for another audience")
        ),
        row(
            "bad signature",
            ({ fixtures, now }) => {
                const [header, payload, signature = ""] = fixtures.token(now).split(".");
                const other = (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
                return get("/items", ["Authorization", `Bearer ${header}.${payload}.${other}`]);
            },
            invalidToken("signature_invalid", "The access token's signature is invalid")
        ),
        row(
            "malformed token",
            ({ fixtures, now }) => {
                const token = fixtures.token(now);
                return get("/items", [
                    "Authorization",
                    `Bearer ${token.slice(0, -1)}${trailingBitTwin(token.split(".")[2] ?? "").at(-1)}`
                ]);
            },
            invalidToken("token_malformed", "The access token is malformed")
        ),
        row("malformed field", () => get("/items", ["Authorization", "Bearer a b"]), MALFORMED_FIELD),
        ...[
            ["empty", ""],
            ["of spaces", "   "],
            ["of a tab", "\t"]
        ].map(([name, value]) =>
            row(
                `an Authorization field that is ${name}`,
                () => get("/items", ["Authorization", value!]),
                MISSING
            )
        ),
        row("optional, an empty field", () => get("/optional", ["Authorization", ""]), ok({ sub: null })),
        row(
            "optional, a field of a space and a tab",
            () => get("/optional", ["Authorization", " \t"]),
            ok({ sub: null })
        ),
        row("U+00A0 behind credentials", around("", "\u00a0"), MALFORMED_FIELD),
        row("U+00A0 before credentials", around("\u00a0", ""), MALFORMED_FIELD),
        row("U+00A0 alone", () => get("/items", ["Authorization", "\u00a0"]), MALFORMED_FIELD),
        row("optional, U+00A0 alone", () => get("/optional", ["Authorization", "\u00a0"]), MALFORMED_FIELD),
        // Who receives HTTP/2 drops a field with white space around its value (RFC 9113 section 8.2.1).
        ...[
            row("spaces and tabs around credentials", around("\t ", " \t"), BY_BEARER),
            row("U+00A0 and a space behind credentials", around("", "\u00a0 "), MALFORMED_FIELD),
            row(
                "spaces and tabs around a proof",
                context => changeProof(withDpop("/items")(context), proof => ` \t${proof}\t `),
                BY_DPOP
            )
        ].map((row): Row => ({ ...row, only: "http1" })),
        ...twoLines("two empty Authorization lines", () =>
            get("/items", ["Authorization", ""], ["Authorization", ""])
        ),
        ...twoLines("an Authorization line and an empty one", context => {
            const { headers } = withBearer("/items")(context);
            return { ...get("/items"), headers: [...headers, ["Authorization", ""]] };
        }),
        ...twoLines("an empty Authorization line and another", context => {
            const { headers } = withBearer("/items")(context);
            return { ...get("/items"), headers: [["Authorization", ""], ...headers] };
        }),
        row(
            "an empty DPoP field",
            context => changeProof(withDpop("/items")(context), () => ""),
            invalidProof("proof_malformed", "The DPoP proof is malformed")
        ),
        row(
            "U+00A0 behind a proof",
            context => changeProof(withDpop("/items")(context), proof => `${proof}\u00a0`),
            invalidProof("proof_malformed", "The DPoP proof is malformed")
        ),
        row(
            "another scheme",
            () => get("/items", ["Authorization", "Basic dXNlcjpwYXNz"]),
            refused(401, "scheme_unsupported", "The authentication scheme is not accepted", neither)
        ),
        ...twoLines("I10 two Authorization lines", two),

        row("good DPoP", withDpop("/items"), BY_DPOP),
        row(
            "good DPoP with a query",
            context => ({ ...withDpop("/items")(context), path: "/items?x=1" }),
            BY_DPOP
        ),
        row("good DPoP, POST", withDpop("/items", { method: "POST" }), BY_DPOP),
        {
            name: "replayed DPoP proof",
            steps: [
                { request: replayed, response: BY_DPOP },
                {
                    request: replayed,
                    response: invalidProof("proof_replayed", "The DPoP proof was used before")
                }
            ]
        },
        row(
            "missing proof",
            withDpop("/items", { proofs: 0 }),
            invalidProof("proof_missing", "The DPoP proof is missing")
        ),
        row(
            "two proofs",
            withDpop("/items", { proofs: 2 }),
            invalidProof("proof_repeated", "More than one DPoP proof")
        ),
        row(
            "proof for another method",
            withDpop("/items", { proof: { htm: "POST" } }),
            invalidProof("proof_method_mismatch", "The DPoP proof is for another method")
        ),
        row(
            "proof for another path",
            withDpop("/items", { proof: { htu: "http://127.0.0.1/items" } }),
            invalidProof("proof_uri_mismatch", "The DPoP proof is for another URI")
        ),
        row(
            "bound token as Bearer",
            ({ fixtures, now }) => get("/items", ["Authorization", `Bearer ${fixtures.boundToken(now)}`]),
            invalidToken("token_bound", "The access token is bound to a key that was not proved")
        ),
        row("one request through two guards, Bearer", withBearer("/twice"), BY_BEARER),
        row("one request through two guards, DPoP", withDpop("/twice"), BY_DPOP),

        row("optional, anonymous", () => get("/optional"), ok({ sub: null })),
        row("optional, bad token", withBearer("/optional", expired), EXPIRED),
        row("optional, good token", withBearer("/optional"), BY_BEARER),

        row(
            "P01 scope missing",
            withBearer("/write"),
            refused(
                403,
                "scope_insufficient",
                "The access token lacks a scope",
                bearer(`${SCOPE}, scope="read items:write"`)
            )
        ),
        row(
            "P01 scope missing, DPoP",
            withDpop("/write", { claims: () => ({ scope: undefined }) }),
            refused(
                403,
                "scope_insufficient",
                "The access token lacks a scope",
                dpop(`${SCOPE}, scope="read items:write"`)
            )
        ),
        row(
            "scope there",
            withBearer("/write", () => ({ scope: "items:write openid read" })),
            BY_BEARER
        ),
        row("P04 expired token without the scope", withBearer("/write", expired), EXPIRED),
        row(
            "role missing",
            withBearer("/admin"),
            refused(
                403,
                "role_insufficient",
                "The access token lacks a role",
                bearer(error("insufficient_scope", "The access token lacks a role"))
            )
        ),
        row(
            "role there",
            withBearer("/admin", () => ({ realm_access: { roles: ["superuser"] } })),
            BY_BEARER
        ),
        row(
            "P05 P07 step-up",
            withBearer("/mfa"),
            refused(401, "authentication_insufficient", STRONGER, bearer(STEP_UP))
        ),
        row(
            "P12 step-up, DPoP",
            withDpop("/mfa"),
            refused(401, "authentication_insufficient", STRONGER, dpop(STEP_UP))
        ),
        row(
            "step-up done",
            withBearer("/mfa", now => ({ acr: "hwk", auth_time: now - 290 })),
            BY_BEARER
        ),
        row("P11 step-up with an invalid token", withBearer("/mfa", expired), EXPIRED),
        row(
            "B9.1 scope and step-up",
            withBearer("/both"),
            refused(
                401,
                "authentication_insufficient",
                STRONGER,
                bearer(
                    `${error("insufficient_user_authentication", STRONGER)}, scope="items:write", acr_values="mfa"`
                )
            )
        ),

        row(
            "J41 Bearer where DPoP is required",
            withBearer("/bound"),
            invalidToken(
                "token_unbound",
                "The access token is not bound to its client",
                error => `DPoP ${error}, ${METADATA}, ${ALGS}`
            )
        ),
        row(
            "no credentials where DPoP is required",
            () => get("/bound"),
            refused(401, "credentials_missing", "Credentials are required", `DPoP ${METADATA}, ${ALGS}`)
        ),
        row("DPoP where it is required", withDpop("/bound"), BY_DPOP),
        row(
            "J42 DPoP where it is disabled",
            withDpop("/bearer"),
            refused(
                401,
                "scheme_unsupported",
                "The authentication scheme is not accepted",
                `Bearer ${METADATA}`
            )
        ),
        row("Bearer where DPoP is disabled", withBearer("/bearer"), BY_BEARER),

        {
            name: "M01 M13 nonce required, then given",
            steps: [
                { request: withDpop("/nonce"), response: NONCE_REQUIRED },
                { request: withDpop("/nonce", { takesNonce: true }), response: BY_DPOP }
            ]
        },
        row("O12 what the application exposes stays", withDpop("/exposed"), {
            ...plus(BY_DPOP, NONCE_HEADERS),
            headers: {
                ...BY_DPOP.headers,
                ...NONCE_HEADERS,
                "access-control-expose-headers": "X-Total, DPoP-Nonce"
            }
        }),

        row("I26 preflight", () => preflight("/items", ["Access-Control-Request-Method", "GET"]), MISSING),
        row("OPTIONS that is no preflight", () => preflight("/items"), MISSING),
        row("HEAD without credentials", () => ({ ...get("/items"), method: "HEAD" }), {
            ...MISSING,
            body: ""
        }),
        row("HEAD, good Bearer", withBearer("/items", unchanged, "HEAD"), { ...BY_BEARER, body: "" }),
        row("HEAD, good DPoP", withDpop("/items", { method: "HEAD" }), { ...BY_DPOP, body: "" }),

        row(
            "keys unavailable",
            withBearer("/unavailable", () => ({ iss: "http://127.0.0.1:9" })),
            {
                status: 503,
                headers: {
                    "access-control-expose-headers": "Retry-After",
                    "content-type": "application/problem+json",
                    "retry-after": "5"
                },
                body: problem(503, "The issuer's keys are not available", "keys_unavailable")
            }
        ),

        row("B8.5 metadata", metadata("GET"), { status: 200, headers: METADATA_HEADERS, body: document }),
        row("P18 metadata, whatever the Host", metadata("GET", ["X-Forwarded-Host", "evil.example"]), {
            status: 200,
            headers: METADATA_HEADERS,
            body: document
        }),
        row("P17 metadata, HEAD", metadata("HEAD"), { status: 200, headers: METADATA_HEADERS, body: "" }),
        row("P17 metadata, OPTIONS", metadata("OPTIONS"), {
            status: 204,
            headers: {
                "access-control-allow-headers": "*",
                "access-control-allow-methods": "GET, HEAD, OPTIONS",
                "access-control-allow-origin": "*",
                allow: "GET, HEAD, OPTIONS"
            },
            body: ""
        }),
        row("P17 metadata, POST", metadata("POST"), {
            status: 405,
            headers: { "access-control-allow-origin": "*", allow: "GET, HEAD, OPTIONS" },
            body: ""
        })
    ];
}
