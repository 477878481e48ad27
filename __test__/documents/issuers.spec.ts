// docs/issuers.md: the options of each issuer accept a token of its shape, and each refusal that the page names is given.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createValidator, type ValidatorOptions } from "oidc-spa-native";
import { describe, expect, test } from "vitest";
import { type Alg, jws, type Key, newKey } from "../support/jwt.js";
import { startLocalIssuer } from "../support/local-issuer.js";
import { root } from "../support/script.js";

const NOW = 1_800_000_000;

type Claims = Record<string, unknown>;

interface Mistake {
    readonly code: string;
    readonly what: string;
    /** Claims in the place of the good token's; `undefined` takes one away. */
    readonly claims?: Claims;
    /** The whole token. */
    readonly token?: string | ((good: Claims) => string);
    readonly options?: object;
}

interface Shape {
    readonly alg?: Alg;
    readonly header?: Claims;
    readonly claims: Claims;
    readonly mistakes: readonly Mistake[];
}

const rsa = newKey("rsa");
const ec = newKey("P-256");
const keyOf = (alg: Alg): Key => (alg === "ES256" ? ec : rsa);
const kidOf = (alg: Alg): string => `kid-${alg}`;
const jwks = {
    keys: (["RS256", "ES256"] as const).map(alg => ({ ...keyOf(alg).publicJwk, kid: kidOf(alg), use: "sig" }))
};

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const encrypted = [
    part({ alg: "dir", enc: "A256GCM", iss: "https://tenant.eu.auth0.com/" }),
    "",
    "AA",
    "AA",
    "AA"
].join(".");
/** Signed with a secret, as far as can be told from its header. */
const hs256 = (claims: Claims): string =>
    `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}.${"A".repeat(43)}`;
const TENANT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
const API = "11111111-2222-3333-4444-555555555555";
const times = { iat: NOW - 5, exp: NOW + 295 };

const SHAPES: Record<string, Shape> = {
    Keycloak: {
        claims: {
            ...times,
            auth_time: NOW - 9,
            jti: "onrtac:6d1c",
            iss: "https://auth.example.com/realms/app",
            aud: ["https://api.example.com", "account"],
            sub: "f0e1",
            typ: "Bearer",
            azp: "web",
            sid: "s-1",
            acr: "1",
            "allowed-origins": ["https://app.example.com"],
            realm_access: { roles: ["user"] },
            resource_access: { account: { roles: ["view-profile"] } },
            scope: "openid email profile",
            email_verified: true
        },
        mistakes: [
            { code: "audience_mismatch", what: "no mapper", claims: { aud: "account" } },
            { code: "claim_missing", what: "no mapper, no roles", claims: { aud: undefined } },
            { code: "claim_missing", what: "no scope basic", claims: { sub: undefined } },
            {
                code: "issuer_mismatch",
                what: "an inner name",
                claims: { iss: "http://keycloak:8080/realms/app" }
            },
            {
                code: "token_type_unexpected",
                what: "an ID token",
                claims: { typ: "ID", aud: "web", nonce: "n" }
            },
            { code: "token_type_unexpected", what: "a refresh token", claims: { typ: "Refresh" } }
        ]
    },
    Auth0: {
        claims: {
            ...times,
            iss: "https://tenant.eu.auth0.com/",
            sub: "auth0|64f1",
            aud: ["https://api.example.com", "https://tenant.eu.auth0.com/userinfo"],
            azp: "AbCdEf",
            scope: "openid profile read:items",
            permissions: ["read:items"]
        },
        mistakes: [
            { code: "token_malformed", what: "encrypted", token: encrypted },
            { code: "token_malformed", what: "opaque", token: "qEeXyI3pGLZfXBwoQ8Yh2i1rEoSjZTB1" },
            { code: "audience_mismatch", what: "another API", claims: { aud: "https://other.example.com" } },
            { code: "algorithm_not_allowed", what: "HS256", token: hs256 },
            {
                code: "issuer_mismatch",
                what: "a custom domain",
                claims: { iss: "https://login.example.com/" }
            },
            {
                code: "token_type_unexpected",
                what: "an ID token",
                claims: {
                    aud: "AbCdEf",
                    azp: undefined,
                    scope: undefined,
                    permissions: undefined,
                    nonce: "n",
                    sid: "s"
                }
            }
        ]
    },
    "Entra ID": {
        header: { x5t: "x" },
        claims: {
            ...times,
            nbf: NOW - 5,
            aud: API,
            iss: `https://login.microsoftonline.com/${TENANT}/v2.0`,
            aio: "x",
            azp: "22222222-2222-3333-4444-555555555555",
            azpacr: "0",
            name: "Jane",
            oid: "o",
            preferred_username: "jane@example.com",
            rh: "r",
            scp: "access",
            sub: "s",
            tid: TENANT,
            uti: "u",
            ver: "2.0"
        },
        mistakes: [
            {
                code: "issuer_mismatch",
                what: "version 1",
                claims: {
                    iss: `https://sts.windows.net/${TENANT}/`,
                    aud: `api://${API}`,
                    appid: "2222",
                    ver: "1.0"
                }
            },
            {
                code: "signature_invalid",
                what: "for Graph",
                token: good => {
                    const signed = sign(
                        "RS256",
                        { nonce: "the hash of n" },
                        { ...good, aud: "00000003-0000-0000-c000-000000000000" }
                    );
                    return [
                        part({ alg: "RS256", typ: "JWT", kid: kidOf("RS256"), nonce: "n" }),
                        ...signed.split(".").slice(1)
                    ].join(".");
                }
            },
            {
                code: "audience_mismatch",
                what: "an ID token",
                claims: {
                    aud: "22222222-2222-3333-4444-555555555555",
                    azp: undefined,
                    azpacr: undefined,
                    scp: undefined
                }
            }
        ]
    },
    "Azure AD B2C": {
        claims: {
            ...times,
            nbf: NOW - 5,
            auth_time: NOW - 5,
            iss: `https://contoso.b2clogin.com/${TENANT}/v2.0/`,
            sub: "s",
            aud: API,
            tfp: "B2C_1_signin",
            nonce: "n",
            scp: "read",
            azp: "22222222-2222-3333-4444-555555555555",
            ver: "1.0"
        },
        mistakes: [
            {
                code: "issuer_mismatch",
                what: "the old address",
                claims: { iss: `https://login.microsoftonline.com/${TENANT}/v2.0/` }
            },
            {
                code: "audience_mismatch",
                what: "for itself",
                claims: { aud: "22222222-2222-3333-4444-555555555555" }
            }
        ]
    },
    Okta: {
        claims: {
            ...times,
            ver: 1,
            jti: "AT.x",
            iss: "https://dev-123456.okta.com/oauth2/default",
            aud: "api://default",
            cid: "0oa1",
            uid: "00u1",
            scp: ["openid", "read"],
            auth_time: NOW - 9,
            sub: "jane@example.com"
        },
        mistakes: [
            {
                code: "issuer_mismatch",
                what: "the org server",
                claims: { iss: "https://dev-123456.okta.com", aud: "https://dev-123456.okta.com" }
            },
            { code: "audience_mismatch", what: "another audience", claims: { aud: "api://items" } },
            {
                code: "token_type_unexpected",
                what: "an ID token",
                claims: {
                    aud: "0oa1",
                    cid: undefined,
                    scp: undefined,
                    at_hash: "h",
                    nonce: "n",
                    amr: ["pwd"]
                }
            }
        ]
    },
    "Amazon Cognito": {
        claims: {
            ...times,
            sub: "6f1a",
            "cognito:groups": ["users"],
            iss: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E",
            version: 2,
            client_id: "1h57kf5cpq17m0eml12example",
            origin_jti: "o",
            event_id: "e",
            token_use: "access",
            scope: "openid items/read",
            auth_time: NOW - 9,
            jti: "j",
            username: "jane"
        },
        mistakes: [
            {
                code: "claim_missing",
                what: "an audience is expected",
                options: { expectedClients: undefined, expectedAudience: "1h57kf5cpq17m0eml12example" }
            },
            { code: "client_mismatch", what: "another client", claims: { client_id: "other" } },
            {
                code: "token_type_unexpected",
                what: "an ID token",
                claims: {
                    token_use: "id",
                    aud: "1h57kf5cpq17m0eml12example",
                    client_id: undefined,
                    scope: undefined,
                    at_hash: "h"
                }
            }
        ]
    },
    Google: {
        claims: {
            ...times,
            iss: "https://accounts.google.com",
            azp: "123456789012-example.apps.googleusercontent.com",
            aud: "123456789012-example.apps.googleusercontent.com",
            sub: "110169484474386276334",
            email: "jane@example.com",
            email_verified: true,
            at_hash: "h",
            nonce: "n",
            hd: "example.com",
            name: "Jane",
            jti: "j"
        },
        mistakes: [
            { code: "token_malformed", what: "its access token", token: "ya29-a0AfH6SMBx" },
            {
                code: "token_type_unexpected",
                what: "ID tokens not accepted",
                options: { acceptIdTokens: false }
            },
            {
                code: "audience_mismatch",
                what: "another client",
                claims: { aud: "987-other.apps.googleusercontent.com" }
            }
        ]
    },
    Clerk: {
        header: { cat: "cl_B7d4PD111AAA" },
        claims: {
            azp: "https://app.example.com",
            exp: NOW + 55,
            fva: [0, -1],
            iat: NOW - 5,
            iss: "https://clerk.example.com",
            nbf: NOW - 15,
            pla: "u:free",
            sid: "sess_1",
            sts: "active",
            sub: "user_1",
            v: 2
        },
        mistakes: [
            {
                code: "claim_missing",
                what: "an audience is expected",
                options: { expectedClients: undefined, expectedAudience: "https://api.example.com" }
            },
            { code: "claim_missing", what: "no web page", claims: { azp: undefined } },
            { code: "client_mismatch", what: "another origin", claims: { azp: "https://evil.example.com" } },
            { code: "token_expired", what: "kept", claims: { exp: NOW - 1 } }
        ]
    },
    Supabase: {
        alg: "ES256",
        claims: {
            iss: "https://abcdefghijklmnop.supabase.co/auth/v1",
            sub: "u-1",
            aud: "authenticated",
            ...times,
            email: "jane@example.com",
            phone: "",
            app_metadata: { provider: "email", providers: ["email"] },
            user_metadata: {},
            role: "authenticated",
            aal: "aal1",
            amr: [{ method: "password", timestamp: NOW - 9 }],
            session_id: "s-1",
            is_anonymous: false
        },
        mistakes: [
            { code: "algorithm_not_allowed", what: "the legacy secret", token: hs256 },
            {
                code: "algorithm_not_allowed",
                what: "the anon key",
                token: hs256({ iss: "supabase", ref: "x", role: "anon" })
            },
            { code: "token_malformed", what: "a publishable key", token: "sb_publishable_0123456789" },
            {
                code: "issuer_mismatch",
                what: "another project",
                claims: { iss: "https://other.supabase.co/auth/v1" }
            }
        ]
    },
    Zitadel: {
        claims: {
            ...times,
            nbf: NOW - 5,
            aud: ["345678901234567890", "234567890123456789"],
            client_id: "345678901234567890",
            iss: "https://instance-abc123.zitadel.cloud",
            jti: "V2_1",
            sub: "123456789012345678",
            "urn:zitadel:iam:org:project:roles": { admin: { "1": "example.com" } }
        },
        mistakes: [
            { code: "token_malformed", what: "a bearer token", token: "iMjkaDgYB9JnDPTdLbnjmUZ" },
            {
                code: "audience_mismatch",
                what: "no scope for the project",
                claims: { aud: ["345678901234567890"] }
            },
            {
                code: "token_type_unexpected",
                what: "an ID token",
                claims: {
                    client_id: undefined,
                    jti: undefined,
                    at_hash: "h",
                    azp: "345678901234567890",
                    nonce: "n"
                }
            }
        ]
    }
};

function sign(alg: Alg, header: Claims, claims: Claims): string {
    return jws({ alg, typ: "JWT", kid: kidOf(alg), ...header }, claims, alg, keyOf(alg));
}

const page = readFileSync(join(root, "docs/issuers.md"), "utf8");
const sections = new Map(
    page
        .split(/^## /m)
        .slice(1)
        .map(section => [section.slice(0, section.indexOf("\n")), section])
);

/** The options that a section's block passes to createValidator. */
function optionsOf(section: string): Record<string, unknown> {
    const [, block = ""] = /^```ts\n(.*?)^```$/ms.exec(section) ?? [];
    let options: unknown;
    new Function("createValidator", block)((given: unknown) => {
        options = given;
    });
    return options as Record<string, unknown>;
}

async function judged(
    section: string,
    shape: Shape,
    { claims = {}, token, options = {} }: Partial<Mistake> = {}
) {
    // Keys known in advance in the place of those that the issuer publishes; nothing else is changed.
    const { jwksUri: _, ...written } = optionsOf(section);
    const validator = createValidator({
        ...written,
        ...options,
        keys: { jwks },
        clock: () => NOW * 1000
    } as unknown as ValidatorOptions);
    const merged = Object.fromEntries(
        Object.entries({ ...shape.claims, ...claims }).filter(([, value]) => value !== undefined)
    );
    const text =
        typeof token === "function"
            ? token(merged)
            : (token ?? sign(shape.alg ?? "RS256", shape.header ?? {}, merged));
    return validator.validateRequest({ authorization: `Bearer ${text}` });
}

/** Refusals that no token shows: the issuer does not answer as it should. */
const BY_READY: Record<string, readonly string[]> = { "Azure AD B2C": ["keys_unavailable"] };

test("every issuer of the page has a shape here, and the other way round", () => {
    expect([...sections.keys()]).toEqual(Object.keys(SHAPES));
    expect(sections.size).toBe(10);
});

describe.each(Object.entries(SHAPES))("%s", (name, shape) => {
    const section = sections.get(name) ?? "";

    test("a token of its shape is granted with the options of the page", async () => {
        const verdict = await judged(section, shape);
        expect(verdict.debugErrorMessage).toBeUndefined();
        expect(verdict).toMatchObject({ isSuccess: true, claims: shape.claims });
    });

    test.each(shape.mistakes.map(mistake => [`${mistake.what}: ${mistake.code}`, mistake] as const))(
        "%s",
        async (_, mistake) => {
            const verdict = await judged(section, shape, mistake);
            expect(verdict.code, verdict.debugErrorMessage).toBe(mistake.code);
        }
    );

    test("the page names these refusals and no others", () => {
        const named = [...section.matchAll(/^- `([a-z_]+)`: /gm)].map(([, code]) => code);
        const shown = [...(BY_READY[name] ?? []), ...shape.mistakes.map(({ code }) => code)];
        expect(new Set(named)).toEqual(new Set(shown));
        expect(named).toHaveLength(new Set(named).size);
    });
});

test("Azure AD B2C: without jwksUri ready() says that the issuer publishes nothing there", async () => {
    const issuer = await startLocalIssuer({ path: "/contoso.onmicrosoft.com/B2C_1_signin/v2.0" });
    issuer.metadata = {
        issuer: `https://contoso.b2clogin.com/${TENANT}/v2.0/`,
        jwks_uri: `${issuer.issuerUri}/jwks`
    };
    const validator = createValidator({
        issuerUri: issuer.issuerUri,
        expectedAudience: API,
        keysTimeoutMs: 500
    });
    await expect(validator.ready({ timeoutMs: 300 })).rejects.toThrow(/the metadata names the issuer/);
    const claims = {
        ...SHAPES["Azure AD B2C"]?.claims,
        iss: issuer.issuerUri,
        exp: Math.ceil(Date.now() / 1000) + 60
    };
    const verdict = await validator.validateRequest({ authorization: `Bearer ${sign("RS256", {}, claims)}` });
    expect(verdict.code).toBe("keys_unavailable");
    await issuer.close();
});
