import { createValidator, type Granted } from "oidc-spa-native";
import { allRoles, allScopes, rolesOf, stepUp } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/fetch";
import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";
import { expect, test } from "vitest";

const ISSUER = { issuerUri: "https://auth.example.com", expectedAudience: "https://api.example.com" };

const granted = (claims: object): Granted => ({
    isSuccess: true,
    claims: claims as never,
    rawClaims: claims as never,
    accessToken: "a.b.c",
    scheme: "Bearer",
    issuerUri: ISSUER.issuerUri,
    headers: {}
});

test("a Redis client in the place of its URL is told where it goes", () => {
    class Redis {
        set(): void {}
    }
    for (const replayStore of [new Redis(), { redis: new Redis() }]) {
        expect(() => createValidator({ ...ISSUER, replayStore: replayStore as never })).toThrow(
            /replayStore.*: expected .* with a URL, .* goes into a function, replayStore: \{ checkAndStore \}/
        );
    }
});

test("a URL in the place of the store is told what to write, and its password is not repeated", () => {
    const given = "redis://:secret@host:6379" as never;
    expect(() => createValidator({ ...ISSUER, replayStore: given })).toThrow(
        /^(?!.*secret).*replayStore: expected \{ redis: "redis:/
    );
});

test("roles and a sign-in that do not suffice are told beside what is there", () => {
    const validator = createValidator(ISSUER);
    const claims = { realm_access: { roles: ["user", "x\n"] }, acr: "0", auth_time: 1 };
    const messageOf = (requirement: Parameters<typeof validator.authorize>[1], of: object = claims) =>
        validator.authorize(granted(of), requirement).debugErrorMessage;
    const admin = allRoles(["admin"], rolesOf.keycloakRealm);
    expect(messageOf(admin)).toBe(
        'Expected each of the roles "admin" in the claim "realm_access", "roles"; the access token has "user", "x\\n"'
    );
    expect(messageOf(admin, {})).toMatch(/; the access token has none there$/);
    expect(messageOf(admin, { realm_access: { roles: ["admin"] } })).toBeUndefined();
    expect(messageOf(stepUp({ acrValues: ["mfa"], maxAgeSeconds: 300 }))).toMatch(
        /^The access token lacks acr of "mfa" \(it is "0"\) and auth_time of at most 300 seconds ago \(it is \d+ seconds ago\)$/
    );
    expect(messageOf(stepUp({ maxAgeSeconds: 300 }), {})).toMatch(/\(it is absent\)$/);
    expect(messageOf(allScopes(["a"]), { scope: "a" })).toBeUndefined();
});

test("an unknown rule and an unknown option have one sentence, and so have wrong values of both", () => {
    const messageOf = (act: () => unknown): string => {
        try {
            act();
        } catch (error) {
            return (error as TypeError).message;
        }
        return "nothing was thrown";
    };
    const ofRules = (rules: object) =>
        messageOf(() => protect(createValidator(ISSUER), rules as never, () => new Response()));
    const ofOptions = (options: object) => messageOf(() => createValidator({ ...ISSUER, ...options }));

    const shape = /^oidc-spa-native: unknown (?:rule|option) "dpopp"(?: of protect)?; did you mean "dpop"\?$/;
    expect(ofRules({ dpopp: "required" })).toMatch(shape);
    expect(ofOptions({ dpopp: "required" })).toMatch(shape);

    const unlike = /^oidc-spa-native: unknown (?:rule|option) "zzzzzz"(?: of protect)?\. There are /;
    expect(ofRules({ zzzzzz: 1 })).toMatch(unlike);
    expect(ofOptions({ zzzzzz: 1 })).toMatch(unlike);

    const value =
        /^oidc-spa-native: (?:the rule "dpop"|dpop): expected "allowed", "required" or "disabled"; got "on"\.?$/;
    expect(ofRules({ dpop: "on" })).toMatch(value);
    expect(ofOptions({ dpop: "on" })).toMatch(value);

    const hostile = `a\n\u202e${"x".repeat(10_000)}`;
    for (const message of [ofRules({ [hostile]: 1 }), ofOptions({ [hostile]: 1 })]) {
        expect(message).toMatch(/^oidc-spa-native: unknown (?:rule|option) "a[^\n\u202e]*x…"/);
        expect(message.length).toBeLessThan(2_000);
    }
    for (const message of [ofRules({ dpop: hostile }), ofOptions({ dpop: hostile })]) {
        expect(message).not.toMatch(/\n|\u202e/);
        expect(message.length).toBeLessThan(1_000);
    }

    // What other libraries call it. As a rule of a route it is an option in the wrong place.
    for (const [name, meant] of [
        ["issuer", "issuerUri"],
        ["audience", "expectedAudience"],
        ["clockTolerance", "leewaySeconds"],
        ["algorithm", "algorithms"],
        ["jwksUrl", "jwksUri"],
        ["maxAge", "maxTokenAgeSeconds"]
    ] as const) {
        expect(ofOptions({ [name]: "x" })).toContain(`unknown option "${name}"; did you mean "${meant}"?`);
    }
    expect(ofRules({ issuer: "x" })).toContain("it is an option of a validator");
    expect(ofRules({ dpop: "required" })).toBe("nothing was thrown");
    expect(ofOptions({ dpop: "required" })).toBe("nothing was thrown");
});

test("a refusal for a scheme, a binding or a client says what lets such a request in", async () => {
    const issuer = createTestIssuer();
    const client = dpopClient({ token: key => issuer.sign({}, { boundTo: key }) });
    const target = { method: "GET", url: "https://api.example.com/items" };
    const proven = client.headers(target.method, target.url);
    const bearer = { authorization: `Bearer ${issuer.sign()}` };
    const certified = { authorization: `Bearer ${issuer.sign({ cnf: { "x5t#S256": "A".repeat(43) } })}` };
    const judged = (options: object, headers: Record<string, string>) =>
        createValidator({ ...issuer.options, ...options }).validateRequest(headers, target);

    for (const [options, headers, advice] of [
        [{}, { authorization: "Token x" }, 'got Token; write "Bearer " and the access token'],
        [
            { dpop: "required" },
            bearer,
            "The client asks the issuer for the token with a proof, and sends it as"
        ],
        [{ dpop: "disabled" }, proven, "by the option `dpop` or the rule of that name"],
        [
            { certificate: "required" },
            bearer,
            "The client connects with its certificate when it asks the issuer"
        ],
        [{ senderConstrained: "required" }, bearer, "with a DPoP proof or with its certificate"],
        [{}, certified, 'where a proxy ends TLS, write `clientCertificate: "header"`'],
        [
            { clientCertificate: "header", trustProxy: 1 },
            certified,
            "connects with its certificate, and the proxy writes it there"
        ],
        [
            { audienceMode: "only" },
            { authorization: `Bearer ${issuer.sign({ aud: ["https://api.test", "b"] })}` },
            'Have the issuer give tokens for one API each, or write "any"'
        ],
        [
            { expectedClients: "web" },
            { authorization: `Bearer ${issuer.sign({ client_id: undefined })}` },
            "or check the audience (`expectedAudience`) in its place"
        ],
        [
            { issuerUri: undefined, expectedAudience: undefined, keys: undefined, issuers: () => null },
            bearer,
            "If it is an issuer of yours, let `issuers` name it"
        ]
    ] as const) {
        expect((await judged(options, headers)).debugErrorMessage).toContain(advice);
    }
    expect((await judged({}, bearer)).isSuccess).toBe(true);
    expect((await judged({ dpop: "required", senderConstrained: "required" }, proven)).isSuccess).toBe(true);
});

test.each([
    [{ clock: 5 }, '"clock": expected a function that returns milliseconds since 1970; got 5. Write clock: '],
    [
        { clock: "now" },
        '"clock": expected a function that returns milliseconds since 1970; got "now". Write clock: '
    ],
    [
        { claims: 5 },
        '"claims": expected a Standard Schema (zod, valibot, arktype) or an object with a parse function; got 5. Write'
    ],
    [{ respond: {} }, '"respond": expected a function; got an object. Write respond: '],
    [{ onWarning: true }, '"onWarning": expected a function; got true. Write onWarning: ']
])("%j: what was expected, what came, and what to write", (wrong, said) => {
    expect(() => createValidator({ ...ISSUER, ...wrong } as never)).toThrow(said);
});

test("a time limit and a step-up say what was expected, what came, and what to write", async () => {
    const ready = createValidator(ISSUER).ready({ timeoutMs: "5" as never });
    await expect(ready).rejects.toThrow(
        '"timeoutMs": expected a number of milliseconds from 0 to 3600000; got "5". Write await validator.ready('
    );
    expect(() => stepUp({ maxAgeSeconds: "5" as never })).toThrow(
        'maxAgeSeconds: expected a whole number of seconds from 0 to 2147483647; got "5"'
    );
    expect(() => allScopes(["a"], { implies: true as never })).toThrow(
        '"implies": expected a function that returns true or false; got true. Write implies: '
    );
});
