// What a good token permits: requirements, the verdicts and challenges of `validator.authorize`, modes of one request.

import {
    createValidator,
    type Granted,
    type Requirement,
    type Validator,
    type ValidatorOptions
} from "oidc-spa-native";
import {
    allOf,
    allRoles,
    allScopes,
    anyRole,
    anyScope,
    rolesOf,
    satisfies,
    stepUp,
    type ClaimPath
} from "oidc-spa-native/authorization";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { startLocalIssuer } from "../support/local-issuer.js";

let fixtures: Fixtures;
let validator: Validator;

const optionsOf = (): ValidatorOptions => ({
    issuerUri: fixtures.issuer.issuerUri,
    expectedAudience: AUDIENCE,
    proofAlgorithms: ["ES256"]
});

beforeAll(async () => {
    fixtures = await createFixtures();
    validator = createValidator(optionsOf());
});

afterAll(() => fixtures.issuer.close());

async function granted(claims: Record<string, unknown> = {}, by = validator): Promise<Granted> {
    const verdict = await by.validateRequest({
        authorization: `Bearer ${fixtures.token(nowInSeconds(), claims)}`
    });
    if (!verdict.isSuccess) {
        throw new Error(verdict.debugErrorMessage);
    }
    return verdict;
}

/** The code of the refusal, or "granted". */
async function judged(claims: Record<string, unknown>, requirement: Requirement): Promise<string> {
    const grant = await granted(claims);
    const verdict = validator.authorize(grant, requirement);
    if (verdict.isSuccess) {
        expect(verdict).toBe(grant);
        return "granted";
    }
    return verdict.code;
}

const SCOPE = "scope_insufficient";
const ROLE = "role_insufficient";

describe("scopes", () => {
    test.each<[string, Record<string, unknown>, Requirement, string]>([
        ["all there", { scope: "write read" }, allScopes(["read", "write"]), "granted"],
        ["P01 one missing", { scope: "read" }, allScopes(["read", "write"]), SCOPE],
        ["P01 no scope claim", { scope: undefined }, allScopes(["read"]), SCOPE],
        ["a part of a name is no scope", { scope: "readwrite" }, allScopes(["read"]), SCOPE],
        ["case matters", { scope: "Read" }, allScopes(["read"]), SCOPE],
        ["any", { scope: "admin" }, anyScope(["read", "admin"]), "granted"],
        ["none of any", { scope: "write" }, anyScope(["read", "admin"]), SCOPE],
        [
            "Entra ID's scp, a text",
            { scope: undefined, scp: "Items.Read Items.Write" },
            allScopes(["Items.Write"]),
            "granted"
        ],
        ["scp, a list", { scope: undefined, scp: ["read"] }, allScopes(["read"]), "granted"],
        ["scp of mixed types", { scope: undefined, scp: ["read", 1] }, allScopes(["read"]), SCOPE],
        ["scope separated by something else", { scope: "read,write" }, allScopes(["read"]), SCOPE],
        [
            "P03 implied",
            { scope: "admin" },
            allScopes(["read"], { implies: held => held === "admin" }),
            "granted"
        ],
        [
            "P03 not implied",
            { scope: "write" },
            allScopes(["read"], { implies: held => held === "admin" }),
            SCOPE
        ],
        ["a list", { scope: ["read", "write"] }, allScopes(["read", "write"]), "granted"],
        ["a list without it", { scope: ["write"] }, allScopes(["read"]), SCOPE],
        ["a list: one of them", { scope: ["write"] }, anyScope(["read", "write"]), "granted"],
        ["an item of a list is one scope", { scope: ["read write"] }, allScopes(["read"]), SCOPE],
        ["an empty list", { scope: [] }, allScopes(["read"]), SCOPE],
        [
            "scope and scp together",
            { scope: ["read"], scp: "write" },
            allScopes(["read", "write"]),
            "granted"
        ],
        [
            "P03 implies answers what is not true",
            { scope: "x" },
            allScopes(["read"], { implies: (() => 1) as never }),
            SCOPE
        ]
    ])("%s", async (_name, claims, requirement, expected) => {
        expect(await judged(claims, requirement)).toBe(expected);
    });

    test.each<[string, Record<string, unknown>, Requirement]>([
        ["scope as a list of something else", { scope: ["read", 1] }, allScopes(["read"])],
        ["scope as a list in a list", { scope: [["read"]] }, allScopes(["read"])],
        ["scope as an object", { scope: { read: true } }, allScopes(["read"])],
        ["auth_time as a text", { auth_time: String(nowInSeconds()) }, stepUp({ maxAgeSeconds: 100 })],
        ["auth_time that is no number", { auth_time: NaN }, stepUp({ maxAgeSeconds: 100 })]
    ])(
        "a claim of a type that the validator refuses grants nothing here either: %s",
        async (_name, claims, requirement) => {
            const grant = await granted();
            expect(
                validator.authorize(
                    { ...grant, rawClaims: { ...grant.rawClaims, ...claims } as never },
                    requirement
                ).isSuccess
            ).toBe(false);
        }
    );

    test("any of several: the first is told", async () => {
        const verdict = validator.authorize(await granted({ scope: "x" }), anyScope(["read", "admin"]));
        expect(verdict.headers["WWW-Authenticate"]).toContain(', scope="read", DPoP');
    });
});

describe("roles", () => {
    test.each<[string, Record<string, unknown>, readonly string[], ClaimPath, string]>([
        [
            "Keycloak's realm",
            { realm_access: { roles: ["a", "b"] } },
            ["a", "b"],
            rolesOf.keycloakRealm,
            "granted"
        ],
        [
            "Keycloak's client",
            { resource_access: { "my-api": { roles: ["a"] } } },
            ["a"],
            rolesOf.keycloakClient("my-api"),
            "granted"
        ],
        [
            "another client's roles",
            { resource_access: { other: { roles: ["a"] } } },
            ["a"],
            rolesOf.keycloakClient("my-api"),
            ROLE
        ],
        ["Entra ID", { roles: ["a"] }, ["a"], rolesOf.entraRoles, "granted"],
        ["Entra ID's groups", { groups: ["a"] }, ["a"], rolesOf.entraGroups, "granted"],
        ["Auth0", { permissions: ["read:items"] }, ["read:items"], rolesOf.auth0Permissions, "granted"],
        ["RFC 9068 roles", { roles: ["a"] }, ["a"], rolesOf.rfc9068Roles, "granted"],
        ["RFC 9068 groups", { groups: ["a"] }, ["a"], rolesOf.rfc9068Groups, "granted"],
        ["RFC 9068 entitlements", { entitlements: ["a"] }, ["a"], rolesOf.rfc9068Entitlements, "granted"],
        [
            "a namespaced claim",
            { "https://example.com/roles": ["a"] },
            ["a"],
            ["https://example.com/roles"],
            "granted"
        ],
        ["one missing", { roles: ["a"] }, ["a", "b"], ["roles"], ROLE],
        ["claim missing", {}, ["a"], ["roles"], ROLE],
        ["one role as a text", { roles: "a" }, ["a"], ["roles"], "granted"],
        ["a text is one role", { roles: "a b" }, ["a"], ["roles"], ROLE],
        ["a text is one role, with its spaces", { roles: "a b" }, ["a b"], ["roles"], "granted"],
        ["a text of two", { roles: "a,b" }, ["a", "b"], ["roles"], ROLE],
        ["a text of another role", { roles: "ab" }, ["a"], ["roles"], ROLE],
        ["no text", { roles: "" }, ["a"], ["roles"], ROLE],
        ["an object", { roles: { a: true } }, ["a"], ["roles"], ROLE],
        ["mixed types", { roles: ["a", null] }, ["a"], ["roles"], ROLE],
        ["a path through a list", { roles: [["a"]] }, ["a"], ["roles", "0"], ROLE],
        ["a path through a text", { roles: "abc" }, ["a"], ["roles", "length"], ROLE],
        ["inherited: __proto__", {}, ["a"], ["__proto__", "roles"], ROLE],
        ["inherited: constructor", {}, ["Object"], ["constructor", "name"], ROLE]
    ])("%s", async (_name, claims, roles, path, expected) => {
        expect(await judged(claims, allRoles(roles, path))).toBe(expected);
    });

    test("nothing is read from a polluted prototype", async () => {
        const grant = await granted({ scope: undefined, realm_access: undefined });
        const pollution = { scope: "read", roles: ["a"], acr: "mfa", auth_time: nowInSeconds() };
        Object.assign(Object.prototype, pollution);
        try {
            for (const requirement of [
                allScopes(["read"]),
                allRoles(["a"], ["roles"]),
                stepUp({ acrValues: ["mfa"] }),
                stepUp({ maxAgeSeconds: 60 })
            ]) {
                expect(validator.authorize(grant, requirement).isSuccess).toBe(false);
            }
        } finally {
            for (const name of Object.keys(pollution)) {
                delete (Object.prototype as Record<string, unknown>)[name];
            }
        }
    });

    test("one of several, and none", async () => {
        expect(await judged({ roles: ["b"] }, anyRole(["a", "b"], ["roles"]))).toBe("granted");
        expect(await judged({ roles: ["c"] }, anyRole(["a", "b"], ["roles"]))).toBe(ROLE);
    });

    test("a client is not told which roles", async () => {
        const verdict = validator.authorize(await granted(), allRoles(["top-secret-role"], ["roles"]));
        expect(verdict).toMatchObject({ status: 403, code: ROLE });
        expect(JSON.stringify(verdict.headers)).not.toContain("top-secret-role");
        expect(verdict.debugErrorMessage).toContain("top-secret-role");
    });
});

describe("predicates", () => {
    const DENIED = "permission_insufficient";
    test.each<[string, unknown, string]>([
        ["true", () => true, "granted"],
        ["false", () => false, DENIED],
        ["truthy", () => 1, DENIED],
        ["a Promise of true", async () => true, DENIED],
        [
            "it throws",
            () => {
                throw new TypeError("claims.tenant is undefined");
            },
            DENIED
        ]
    ])("%s", async (_name, predicate, expected) => {
        expect(await judged({}, satisfies(predicate as () => boolean, "the tenant"))).toBe(expected);
    });

    test.each<[string, unknown]>([
        ["undefined", undefined],
        ["an unknown code", { code: "keys_unavailable", debugErrorMessage: "" }],
        ["a scope that breaks the header", { code: SCOPE, debugErrorMessage: "", scopes: ['a", error="x'] }],
        ["a scope with a line break", { code: SCOPE, debugErrorMessage: "", scopes: ["a\r\nX: y"] }],
        ["one good scope and one bad", { code: SCOPE, debugErrorMessage: "", scopes: ["a", "b\r\nX: y"] }],
        ["one good scope and a number", { code: SCOPE, debugErrorMessage: "", scopes: ["a", 7] }],
        [
            "one good acr value and one bad",
            { code: "authentication_insufficient", debugErrorMessage: "", acrValues: ["a", 'b", error="x'] }
        ],
        [
            "a fraction of a second",
            { code: "authentication_insufficient", debugErrorMessage: "", maxAgeSeconds: 0.5 }
        ]
    ])("a requirement of the application's own that answers nonsense refuses: %s", async (_name, answer) => {
        expect(await judged({}, { shortfall: () => answer as null })).toBe(DENIED);
    });

    // What is checked must be what is told: each member is asked once, and those of a class count too.
    test("an answer whose members change, or stand in its class, is told as it was checked", async () => {
        const changing = (first: unknown, then: unknown) => {
            let asked = 0;
            return { get: () => (asked++ === 0 ? first : then), enumerable: true };
        };
        const answering = (code: unknown, scopes: unknown) => ({
            shortfall: () =>
                Object.defineProperties(
                    { debugErrorMessage: "" },
                    { code: code as {}, scopes: scopes as {} }
                ) as never
        });
        const always = (value: unknown) => changing(value, value);
        expect(await judged({}, answering(always(SCOPE), always(["a"])))).toBe(SCOPE);
        expect(await judged({}, answering(changing(SCOPE, "granted\r\n"), always(["a"])))).toBe(SCOPE);
        expect(await judged({}, answering(always(SCOPE), changing(["a"], ["b\r\n"])))).toBe(SCOPE);
        class Lacking {
            get code() {
                return SCOPE;
            }
            get debugErrorMessage() {
                return "";
            }
        }
        expect(await judged({}, { shortfall: () => new Lacking() as never })).toBe(SCOPE);
    });

    test("it sees the claims as the schema typed them", async () => {
        const typed = createValidator({
            ...optionsOf(),
            claims: { parse: ({ sub }) => ({ name: `user ${sub}` }) }
        });
        const grant = await typed.validateRequest({
            authorization: `Bearer ${fixtures.token(nowInSeconds())}`
        });
        expect(
            typed.authorize(
                grant,
                satisfies(({ name }: { name: string }) => name === "user user-1")
            ).isSuccess
        ).toBe(true);
    });
});

describe("step-up", () => {
    const UA = "authentication_insufficient";
    const NOW = nowInSeconds();

    test.each<[string, Record<string, unknown>, Parameters<typeof stepUp>[0], string]>([
        ["acr of the list", { acr: "b" }, { acrValues: ["a", "b"] }, "granted"],
        ["P05 acr missing", {}, { acrValues: ["a"] }, UA],
        ["another acr", { acr: "c" }, { acrValues: ["a", "b"] }, UA],
        ["acr is a list", { acr: ["a"] }, { acrValues: ["a"] }, UA],
        ["recent", { auth_time: NOW - 100 }, { maxAgeSeconds: 100 }, "granted"],
        ["too old", { auth_time: NOW - 101 }, { maxAgeSeconds: 100 }, UA],
        ["P07 auth_time missing", {}, { maxAgeSeconds: 2_147_483_647 }, UA],
        ["P09 max_age 0, now", { auth_time: NOW }, { maxAgeSeconds: 0 }, "granted"],
        ["P09 max_age 0, a second ago", { auth_time: NOW - 1 }, { maxAgeSeconds: 0 }, UA],
        ["a minute ahead", { auth_time: NOW + 60 }, { maxAgeSeconds: 0 }, "granted"],
        ["further ahead", { auth_time: NOW + 61 }, { maxAgeSeconds: 0 }, UA],
        ["both, one missing", { acr: "a" }, { acrValues: ["a"], maxAgeSeconds: 100 }, UA]
    ])("%s", async (_name, claims, asked, expected) => {
        // The validator's clock decides, not this process's.
        const at = createValidator({ ...optionsOf(), clock: () => NOW * 1000 + 999 });
        const token = fixtures.token(NOW, claims);
        const verdict = at.authorize(
            await at.validateRequest({ authorization: `Bearer ${token}` }),
            stepUp(asked)
        );
        expect(verdict.isSuccess ? "granted" : verdict.code).toBe(expected);
    });
});

describe("several", () => {
    test("one challenge has all scopes, and stands beside a step-up", async () => {
        const grant = await granted({ scope: "a" });
        const verdict = validator.authorize(grant, [
            allScopes(["a"]),
            allScopes(["b"]),
            stepUp({ acrValues: ["x"] }),
            stepUp({ acrValues: ["y"], maxAgeSeconds: 9 })
        ]);
        expect(verdict).toMatchObject({ status: 401, code: "authentication_insufficient" });
        expect(verdict.headers["WWW-Authenticate"]).toContain(
            'scope="a b", acr_values="x y", max_age="9", DPoP'
        );
    });

    test("a missing role comes first, and asks for nothing that would not help", async () => {
        const verdict = validator.authorize(
            await granted(),
            allOf(allScopes(["x"]), allRoles(["x"], ["roles"]), stepUp({ acrValues: ["x"] }))
        );
        expect(verdict).toMatchObject({ status: 403, code: ROLE });
        expect(verdict.headers["WWW-Authenticate"]).not.toContain("scope=");
    });

    test("what is fulfilled asks for nothing", async () => {
        const grant = await granted({ acr: "x" });
        expect(validator.authorize(grant, allOf(allScopes(["read"]), stepUp({ acrValues: ["x"] })))).toBe(
            grant
        );
    });

    test("a refusal stays what it is", async () => {
        const refused = await validator.validateRequest({ authorization: "Bearer a.b.c" });
        expect(validator.authorize(refused, allScopes(["read"]))).toBe(refused);
        const anonymous = await validator.validateRequest({});
        expect(validator.authorize(anonymous, allRoles(["admin"], rolesOf.keycloakRealm))).toBe(anonymous);
    });

    test.each([
        ["no credentials", {}],
        ["another scheme", { authorization: "Basic eDp5" }]
    ])("B12.5: %s: the challenge names the scopes to ask for, and no error", async (_what, headers) => {
        const refused = await validator.validateRequest(headers);
        const verdict = validator.authorize(
            refused,
            [allScopes(["read", "write"]), anyScope(["admin", "root"])],
            { dpop: "disabled" }
        );
        expect(verdict).toEqual({
            ...refused,
            headers: { "WWW-Authenticate": 'Bearer scope="read write admin"' }
        });
        const odd = { scopes: ['a" b'], shortfall: () => null };
        expect(validator.authorize(refused, odd)).toBe(refused);
    });
});

describe("O05 P09 P10: requirements that make no sense", () => {
    test("of names one by one, none is left out by what the message says to write", () => {
        const make = () => allScopes("read" as never, "write" as never);
        expect(make).toThrow('got the string "read". Write all of them as one list: ["read", …]');
    });

    test.each<[string, () => unknown]>([
        ["no scope", () => allScopes([])],
        ["a scope with a space", () => allScopes(["a b"])],
        ["a scope with a quote", () => anyScope(['a"'])],
        ["a scope with a backslash", () => allScopes(["a\\"])],
        ["a scope with a line break", () => allScopes(["a\r\n"])],
        ["a scope outside ASCII", () => allScopes(["ä"])],
        ["an empty scope", () => allScopes([""])],
        ["scopes as a text", () => allScopes("read" as never)],
        ["a scope that is a number", () => allScopes([1 as never])],
        ["implies is no function", () => allScopes(["a"], { implies: true as never })],
        ["no role", () => allRoles([], ["roles"])],
        ["no path", () => anyRole(["a"], [] as never)],
        ["a path as a text", () => allRoles(["a"], "roles" as never)],
        ["Keycloak's client without a name", () => allRoles(["a"], rolesOf.keycloakClient(""))],
        ["no predicate", () => satisfies(true as never)],
        ["no step", () => stepUp({})],
        ["no acr", () => stepUp({ acrValues: [] })],
        ["acr with a quote", () => stepUp({ acrValues: ['a"'] })],
        ["acr with a space", () => stepUp({ acrValues: ["a b"] })],
        ["negative age", () => stepUp({ maxAgeSeconds: -1 })],
        ["fraction", () => stepUp({ maxAgeSeconds: 1.5 })],
        ["NaN", () => stepUp({ maxAgeSeconds: NaN })],
        ["more than 32 bits", () => stepUp({ maxAgeSeconds: 2 ** 32 })],
        ["age as a text", () => stepUp({ maxAgeSeconds: "60" as never })],
        ["none of several", () => allOf(...([] as unknown as [Requirement]))],
        ["something else", () => allOf({} as never)]
    ])("%s", (_name, make) => {
        expect(make).toThrow(TypeError);
    });

    test("an empty list of requirements is none", async () => {
        const grant = await granted();
        expect(() => validator.authorize(grant, [] as never)).toThrow(TypeError);
        expect(() => validator.authorize(grant, null as never)).toThrow(TypeError);
    });

    test("a list that changes later changes no requirement", async () => {
        const scopes = ["missing"];
        const requirement = allScopes(scopes);
        scopes.splice(0);
        expect(await judged({}, requirement)).toBe(SCOPE);
    });
});

describe("the mode of one request", () => {
    const target = { method: "GET", url: ITEMS };
    const BEARER = 'Bearer error="invalid_token"';

    test("J41 J42: it takes the validator's place, and the challenges follow", async () => {
        const now = nowInSeconds();
        const bound = fixtures.boundToken(now);
        const byDpop = () => ({ authorization: `DPoP ${bound}`, dpop: fixtures.proof(now, bound) });
        const byBearer = { authorization: `Bearer ${fixtures.token(now)}` };
        const strict = createValidator({ ...optionsOf(), dpop: "required" });
        expect([validator.dpop, strict.dpop]).toEqual(["allowed", "required"]);

        const required = await validator.validateRequest(byBearer, target, { dpop: "required" });
        expect(required).toMatchObject({ code: "token_unbound" });
        expect(required.headers["WWW-Authenticate"]).toMatch(/^DPoP error="invalid_token".*algs="ES256"$/);
        const disabled = await validator.validateRequest(byDpop(), target, { dpop: "disabled" });
        expect(disabled).toMatchObject({
            code: "scheme_unsupported",
            headers: { "WWW-Authenticate": "Bearer" }
        });
        expect(await strict.validateRequest(byBearer, target, { dpop: "allowed" })).toMatchObject({
            isSuccess: true
        });
        expect(await strict.validateRequest(byBearer, target, {})).toMatchObject({ isSuccess: false });
        expect(await validator.validateRequest(byDpop(), target, { dpop: "required" })).toMatchObject({
            isSuccess: true
        });
        expect(await validator.validateRequest(byBearer, null, { dpop: "disabled" })).toMatchObject({
            isSuccess: true
        });
    });

    test("it outlives the wait for keys", async () => {
        const issuer = await startLocalIssuer({ keys: (fixtures.issuer.jwks as { keys: unknown[] }).keys });
        try {
            const fresh = () =>
                createValidator({
                    ...optionsOf(),
                    issuerUri: issuer.issuerUri,
                    expectedAudience: AUDIENCE
                } as ValidatorOptions);
            const token = fixtures.token(nowInSeconds(), { iss: issuer.issuerUri });
            const verdict = await fresh().validateRequest({ authorization: `Bearer ${token}` }, target, {
                dpop: "required"
            });
            expect(issuer.requests.jwks).toBe(1);
            expect(verdict).toMatchObject({ code: "token_unbound" });
            expect(verdict.headers["WWW-Authenticate"]).toMatch(/^DPoP /);
        } finally {
            await issuer.close();
        }
    });

    test("claims that the schema refuses, and what is lacking, are told by it too", async () => {
        const picky = createValidator({
            ...optionsOf(),
            claims: {
                parse: (): never => {
                    throw new Error("no");
                }
            }
        });
        const headers = { authorization: `Bearer ${fixtures.token(nowInSeconds())}` };
        const verdict = await picky.validateRequest(headers, null, { dpop: "disabled" });
        expect(verdict.headers["WWW-Authenticate"]).toMatch(new RegExp(`^${BEARER}.*accepted"$`));
        const lacking = validator.authorize(await granted(), allScopes(["x"]), { dpop: "disabled" });
        expect(lacking.headers["WWW-Authenticate"]).toMatch(/^Bearer error="insufficient_scope".*scope="x"$/);
    });

    test.each<[string, unknown]>([
        ["another mode", { dpop: "on" }],
        ["null", { dpop: null }],
        ["an inherited name", { dpop: "constructor" }],
        ["a misspelt rule", { DPoP: "required" }],
        ["a text", "required"],
        ["nothing", null]
    ])("rules that make no sense: %s", async (_name, rules) => {
        await expect(validator.validateRequest({}, null, rules as never)).rejects.toThrow(TypeError);
        expect(() =>
            validator.authorize({ isSuccess: false } as never, allScopes(["x"]), rules as never)
        ).toThrow(TypeError);
    });
});

describe("resource metadata", () => {
    test("B8.4 P14: what to serve, and where", () => {
        const { resourceMetadata } = createValidator({
            ...optionsOf(),
            expectedAudience: `${AUDIENCE}/mcp`,
            resource: `${AUDIENCE}/mcp`,
            dpop: "required"
        } as ValidatorOptions);
        expect(resourceMetadata).toEqual({
            url: `${AUDIENCE}/.well-known/oauth-protected-resource/mcp`,
            path: "/.well-known/oauth-protected-resource/mcp",
            document: {
                resource: `${AUDIENCE}/mcp`,
                authorization_servers: [fixtures.issuer.issuerUri],
                dpop_bound_access_tokens_required: true,
                dpop_signing_alg_values_supported: ["ES256"]
            }
        });
        expect(validator.resourceMetadata).toBeNull();
    });

    test("a template of issuers is no authorization server that a client could ask", () => {
        const { resourceMetadata } = createValidator({
            issuerUri: "https://login.example.com/{tenantid}/v2.0",
            expectedAudience: AUDIENCE,
            resource: AUDIENCE
        });
        expect(resourceMetadata?.document).not.toHaveProperty("authorization_servers");
    });

    test("P16: a resource that is no expected audience is a warning", () => {
        const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
        createValidator({ ...optionsOf(), resource: "https://other.example.com" } as ValidatorOptions);
        createValidator({ ...optionsOf(), resource: AUDIENCE } as ValidatorOptions);
        expect(warn.mock.calls.map(([message]) => String(message))).toEqual([
            expect.stringContaining('resource is "https://other.example.com"')
        ]);
        warn.mockRestore();
    });
});
