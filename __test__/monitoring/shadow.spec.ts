// `shadow`: stricter rules that are tried, and refuse nobody.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
    createValidator,
    type ShadowEvent,
    type ShadowRules,
    type Validator,
    type ValidatorOptions
} from "oidc-spa-native";
import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";
import { expect, test } from "vitest";

const issuer = createTestIssuer();
const target = { method: "GET", url: "https://api.test/items" };
const create = (more: Partial<ValidatorOptions>): Validator =>
    createValidator({ ...issuer.options, ...more } as ValidatorOptions);
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const now = () => Math.floor(Date.now() / 1000);

/** Tokens that some stricter rule refuses, and one that none does. */
const TOKENS: Readonly<Record<string, () => string>> = {
    plain: () => issuer.sign(),
    "of an older kind": () => issuer.sign({}, { header: { typ: "JWT" } }),
    "without a jti": () => issuer.sign({ jti: undefined }),
    "for others too": () =>
        issuer.sign({ aud: [String(issuer.options.expectedAudience), "https://other.test"] }),
    old: () => issuer.sign({ iat: now() - 120 })
};

const RULES: readonly ShadowRules[] = [
    { profile: "rfc9068" },
    { dpop: "required" },
    { audienceMode: "only" },
    { certificate: "required" },
    { senderConstrained: "required" },
    { maxTokenAgeSeconds: 60 },
    { profile: "rfc9068", audienceMode: "only", maxTokenAgeSeconds: 60, senderConstrained: "required" }
];

test.each(RULES)("%j: it says what the rules themselves say, and grants", async shadow => {
    let refused = 0;
    for (const make of Object.values(TOKENS)) {
        const token = make();
        const [tried, enforced] = [create({ shadow }), create(shadow as Partial<ValidatorOptions>)];
        expect((await tried.validateRequest(bearer(token))).isSuccess).toBe(true);
        const verdict = await enforced.validateRequest(bearer(token));
        const report = tried.metrics().shadow;
        expect(report?.refused.map(({ code }) => code)).toEqual(verdict.isSuccess ? [] : [verdict.code]);
        expect(report?.passed).toBe(verdict.isSuccess ? 1 : 0);
        refused += verdict.isSuccess ? 0 : 1;
    }
    expect(refused).toBeGreaterThan(0);
});

test("a request with a proof passes, and its proof is remembered once", async () => {
    const validator = create({ shadow: { dpop: "required", senderConstrained: "required" } });
    const client = dpopClient({ token: client => issuer.sign({}, { boundTo: client }) });
    for (let i = 0; i < 3; i++) {
        const verdict = await validator.validateRequest(client.headers("GET", target.url), target);
        expect(verdict.isSuccess).toBe(true);
    }
    expect(validator.metrics().shadow).toEqual({ passed: 3, refused: [] });
    expect(validator.metrics().granted).toEqual([{ issuerUri: issuer.issuerUri, scheme: "DPoP", count: 3 }]);
});

test("what comes from memory is judged too; what is refused is not", async () => {
    const validator = create({ shadow: { dpop: "required" } });
    const token = issuer.sign({ client_id: "web" });
    for (let i = 0; i < 3; i++) {
        await validator.validateRequest(bearer(token));
    }
    await validator.validateRequest(bearer("nonsense"));
    expect(validator.metrics().verifications.memory).toBe(2);
    expect(validator.metrics().shadow).toEqual({
        passed: 0,
        refused: [{ code: "token_unbound", clientId: "web", count: 3 }]
    });
});

test("what the application's schema refuses is not judged a second time", async () => {
    const parse = (claims: { readonly client_id?: unknown }) => {
        if (claims.client_id === "web") {
            throw new Error("not this one");
        }
        return claims;
    };
    const shadow = { dpop: "required" } as const;
    const later = { parse: async (claims: object) => parse(claims) };
    for (const claims of [{ parse }, later]) {
        const validator = create({ shadow, claims: claims as never });
        const refused = await validator.validateRequest(bearer(issuer.sign({ client_id: "web" })));
        expect(refused).toMatchObject({ code: "claims_rejected" });
        expect(validator.metrics().shadow).toEqual({ passed: 0, refused: [] });
        const granted = await validator.validateRequest(bearer(issuer.sign({ client_id: "app" })));
        expect(granted.isSuccess).toBe(true);
        const refusedRows = [{ code: "token_unbound", clientId: "app", count: 1 }];
        expect(validator.metrics().shadow).toEqual({ passed: 0, refused: refusedRows });
    }
});

test("the rule of a route goes before it, as it goes before the option", async () => {
    const validator = create({ shadow: { dpop: "required" } });
    await validator.validateRequest(bearer(issuer.sign()), undefined, { dpop: "allowed" });
    expect(validator.metrics().shadow).toEqual({ passed: 1, refused: [] });
});

test("clients have bounded, escaped names", async () => {
    const validator = create({ shadow: { dpop: "required" } });
    for (let i = 0; i < 120; i++) {
        await validator.validateRequest(bearer(issuer.sign({ client_id: `client ${i}` })));
    }
    await validator.validateRequest(bearer(issuer.sign({ client_id: `client 1` })));
    const { refused = [] } = validator.metrics().shadow ?? {};
    expect(refused).toHaveLength(101);
    expect(refused.at(-1)).toEqual({ code: "token_unbound", clientId: "other", count: 20 });
    expect(refused[1]).toEqual({ code: "token_unbound", clientId: "client 1", count: 2 });
    const odd = create({ shadow: { dpop: "required" } });
    await odd.validateRequest(bearer(issuer.sign({ client_id: `a\u001b[31m\n${"x".repeat(300)}` })));
    await odd.validateRequest(bearer(issuer.sign({ client_id: undefined })));
    const [one, none] = odd.metrics().shadow?.refused ?? [];
    expect(one?.clientId).toMatch(/^[\x20-\x7e]{90,130}$/);
    expect(none?.clientId).toBeNull();
});

test("an event for each, without the token", async () => {
    const validator = create({ shadow: { audienceMode: "only" } });
    const told: ShadowEvent[] = [];
    const note = (message: unknown) => void told.push(message as ShadowEvent);
    subscribe("oidc-spa-native:shadow", note);
    const aud = [String(issuer.options.expectedAudience), "https://other.test"];
    const token = issuer.sign({ aud, client_id: "web" });
    await validator.validateRequest(bearer(token));
    await validator.validateRequest(bearer(issuer.sign()));
    unsubscribe("oidc-spa-native:shadow", note);
    expect(told).toEqual([
        {
            code: "audience_mismatch",
            clientId: "web",
            issuerUri: issuer.issuerUri,
            scheme: "Bearer",
            debugErrorMessage: expect.any(String)
        }
    ]);
    expect(JSON.stringify(told)).not.toContain(token.slice(-20));
});

test("without the option nothing is counted; what is not stricter or misspelt is an error", () => {
    expect(create({}).metrics().shadow).toBeNull();
    for (const [options, part] of [
        [{ shadow: {} }, "shadow: expected one or more stricter rules"],
        [{ shadow: { dpopp: "required" } }, 'did you mean "dpop"'],
        [{ shadow: { dpop: "allowed" } }, "shadow.dpop"],
        [{ dpop: "required", shadow: { dpop: "required" } }, "shadow.dpop: is what the options say already"],
        [{ expectedAudience: () => true, shadow: { audienceMode: "only" } }, "shadow.audienceMode"]
    ] as const) {
        expect(() => create(options as Partial<ValidatorOptions>)).toThrow(part);
    }
    expect(() =>
        createValidator({ issuers: () => null, shadow: { dpop: "required" } } as ValidatorOptions)
    ).toThrow("cannot stand beside a function in `issuers`");
});
