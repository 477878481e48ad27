// docs/issuers.md: the options of each issuer accept a token of its shape, and each refusal that the page names is given.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { createValidator, type ValidatorOptions } from "oidc-spa-native";
import { createTestIssuer, type TokenShape } from "oidc-spa-native/testing";
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

interface Tokens {
    readonly alg?: Alg;
    readonly header?: Claims;
    readonly claims: Claims;
}

interface Shape {
    /** What its tokens look like: a shape of the kit, or what the kit does not have. */
    readonly tokens: TokenShape | Tokens;
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
        tokens: "keycloak",
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
        tokens: "auth0",
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
        tokens: "entra-v2",
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
        tokens: {
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
            }
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
        tokens: "okta",
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
        tokens: "cognito",
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
        tokens: "google",
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
        tokens: "clerk",
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
        tokens: "supabase",
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
        tokens: {
            claims: {
                ...times,
                nbf: NOW - 5,
                aud: ["345678901234567890", "234567890123456789"],
                client_id: "345678901234567890",
                iss: "https://instance-abc123.zitadel.cloud",
                jti: "V2_1",
                sub: "123456789012345678",
                "urn:zitadel:iam:org:project:roles": { admin: { "1": "example.com" } }
            }
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

/** A good token of the section's issuer: the kit's, where it has the shape, for whom the page's options expect. */
function tokensOf(section: string, tokens: Shape["tokens"]): Tokens {
    if (typeof tokens !== "string") {
        return tokens;
    }
    const { issuerUri, expectedAudience: audience, expectedClients } = optionsOf(section);
    const [clientId] = (expectedClients ?? []) as string[];
    const issuer = createTestIssuer({
        ...({ issuerUri, audience, clientId } as object),
        shape: tokens,
        clock: () => NOW * 1000
    });
    const token = issuer.sign();
    const { alg, kid: _, ...header } = decodeProtectedHeader(token);
    return { alg: alg as Alg, header: { typ: undefined, ...header }, claims: decodeJwt(token) };
}

async function judged(
    section: string,
    shape: Tokens,
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

describe.each(Object.entries(SHAPES))("%s", (name, { tokens, mistakes }) => {
    const section = sections.get(name) ?? "";
    const shape = tokensOf(section, tokens);

    test("a token of its shape is granted with the options of the page", async () => {
        const verdict = await judged(section, shape);
        expect(verdict.debugErrorMessage).toBeUndefined();
        expect(verdict).toMatchObject({ isSuccess: true, claims: shape.claims });
    });

    test.each(mistakes.map(mistake => [`${mistake.what}: ${mistake.code}`, mistake] as const))(
        "%s",
        async (_, mistake) => {
            const verdict = await judged(section, shape, mistake);
            expect(verdict.code, verdict.debugErrorMessage).toBe(mistake.code);
        }
    );

    test("the page names these refusals and no others", () => {
        const named = [...section.matchAll(/^- `([a-z_]+)`: /gm)].map(([, code]) => code);
        const shown = [...(BY_READY[name] ?? []), ...mistakes.map(({ code }) => code)];
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
    const { tokens: b2c } = SHAPES["Azure AD B2C"] as { tokens: Tokens };
    const claims = {
        ...b2c.claims,
        iss: issuer.issuerUri,
        exp: Math.ceil(Date.now() / 1000) + 60
    };
    const verdict = await validator.validateRequest({ authorization: `Bearer ${sign("RS256", {}, claims)}` });
    expect(verdict.code).toBe("keys_unavailable");
    await issuer.close();
});
