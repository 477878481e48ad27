// `explain` names the reason that `validateRequest` names, all others beside it, and neither grants nor remembers.

import {
    createValidator,
    type ExplainRules,
    type RequestTarget,
    type ValidatorOptions
} from "oidc-spa-native";
import { allScopes, anyRole } from "oidc-spa-native/authorization";
import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";
import { afterAll, describe, expect, it } from "vitest";

const issuer = createTestIssuer();
const client = dpopClient({ token: bound => issuer.sign({ scope: "read" }, { boundTo: bound }) });
const stranger = dpopClient({ token: bound => issuer.sign({}, { boundTo: bound }) });
const URL_OF_ITEMS = "https://api.test/items";
const target: RequestTarget = { method: "GET", url: URL_OF_ITEMS };
const options: ValidatorOptions = { ...issuer.options };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const proved = (proof: string) => ({ authorization: `DPoP ${client.token}`, dpop: proof });

const failedOf = (checks: readonly { id: string; outcome: string }[]) =>
    checks.filter(({ outcome }) => outcome === "failed").map(({ id }) => id);

interface Case {
    readonly name: string;
    readonly headers: () => Record<string, string | string[]>;
    readonly failed: readonly string[];
    readonly options?: Partial<ValidatorOptions>;
    readonly rules?: ExplainRules;
}

const cases: readonly Case[] = [
    { name: "no credentials", headers: () => ({}), failed: ["credentials"] },
    { name: "another scheme", headers: () => ({ authorization: "Basic eDp5" }), failed: ["credentials"] },
    {
        name: "two tokens",
        headers: () => ({ authorization: ["Bearer a", "Bearer b"] }),
        failed: ["credentials"]
    },
    { name: "an opaque token", headers: () => bearer("opaque"), failed: ["token.form"] },
    {
        name: "no signature",
        headers: () => bearer(issuer.sign({}, { algorithm: "none" })),
        failed: ["token.algorithm"]
    },
    {
        name: "another type, and expired",
        headers: () => bearer(issuer.sign({}, { header: { typ: "logout+jwt" }, expiresInSeconds: -5 })),
        failed: ["token.type", "token.times"]
    },
    {
        name: "another key",
        headers: () => bearer(issuer.sign({ aud: "account" }, { otherKey: true })),
        failed: ["token.signature", "token.audience"]
    },
    {
        name: "expired, for another API and another issuer's",
        headers: () =>
            bearer(issuer.sign({ aud: "account", iss: "https://other.test" }, { expiresInSeconds: -5 })),
        failed: ["token.times", "token.issuer", "token.audience"]
    },
    {
        name: "a claim is missing",
        headers: () => bearer(issuer.sign({ sub: undefined })),
        failed: ["token.claims"]
    },
    {
        name: "another client",
        headers: () => bearer(issuer.sign()),
        options: { expectedClients: ["web"] },
        failed: ["token.client"]
    },
    { name: "a bound token as Bearer", headers: () => bearer(client.token), failed: ["presentation.scheme"] },
    {
        name: "an unbound token where DPoP is required",
        headers: () => bearer(issuer.sign()),
        rules: { dpop: "required" },
        failed: ["presentation.accepted"]
    },
    {
        name: "a proof for another request, too old",
        headers: () => proved(client.proof("POST", "http://api.test/items", { issuedSecondsAgo: 100 })),
        failed: ["proof.times", "proof.method", "proof.uri"]
    },
    {
        name: "a proof of another key",
        headers: () => proved(stranger.proof("GET", URL_OF_ITEMS, { accessToken: client.token })),
        failed: ["proof.binding"]
    },
    {
        name: "a proof for another token",
        headers: () => proved(client.proof("GET", URL_OF_ITEMS, { accessToken: "other" })),
        failed: ["proof.token"]
    },
    {
        name: "no nonce where one is required",
        headers: () => proved(client.proof("GET", URL_OF_ITEMS)),
        options: { nonce: "required", nonceSecret: "of the tests, at least 32 characters" },
        failed: ["proof.times"]
    },
    {
        name: "claims that the schema does not take",
        headers: () => bearer(issuer.sign()),
        options: {
            claims: {
                parse: () => {
                    throw new Error("no email");
                }
            }
        },
        failed: ["application.claims"]
    }
];

describe.each(cases)("$name", ({ headers, options: other, rules, failed }) => {
    const validator = createValidator({ ...options, ...other } as ValidatorOptions);

    it("is explained by the reason of its refusal", async () => {
        const given = headers();
        const { refusal, checks } = await validator.explain(given, target, rules);
        const verdict = await validator.validateRequest(given, target, rules);
        expect(failedOf(checks)).toEqual(failed);
        expect(verdict.isSuccess).toBe(false);
        expect(refusal).toEqual(
            verdict.isSuccess ? null : { code: verdict.code, debugErrorMessage: verdict.debugErrorMessage }
        );
    });

    it("shows nothing of the token or the proof", async () => {
        const given = headers();
        const text = JSON.stringify(await validator.explain(given, target, rules));
        const secrets = Object.values(given)
            .flat()
            .flatMap(value => value.split(/[ .]/));
        for (const secret of secrets.filter(part => part.length > 12)) {
            expect(text).not.toContain(secret);
        }
    });
});

describe("a good request", () => {
    const validator = createValidator(options);

    it("is explained any number of times, and granted once", async () => {
        const given = proved(client.proof("GET", URL_OF_ITEMS));
        for (let i = 0; i < 3; i++) {
            const { refusal, checks } = await validator.explain(given, target);
            expect([refusal, failedOf(checks)]).toEqual([null, []]);
        }
        expect(await validator.validateRequest(given, target)).toMatchObject({ isSuccess: true });
        const { refusal, checks } = await validator.explain(given, target);
        expect([refusal?.code, failedOf(checks)]).toEqual(["proof_replayed", ["proof.replay"]]);
    });

    it("lacks what its route asks for", async () => {
        const given = bearer(issuer.sign({ scope: "read" }));
        const read = await validator.explain(given, target, { require: allScopes(["read"]) });
        expect(read.refusal).toBeNull();
        const write = await validator.explain(given, target, { require: allScopes(["write"]) });
        const lack = validator.authorize(await validator.validateRequest(given), allScopes(["write"]));
        expect(write.refusal).toEqual(
            lack.isSuccess ? null : { code: lack.code, debugErrorMessage: lack.debugErrorMessage }
        );
        expect(failedOf(write.checks)).toEqual(["route.requirement"]);
        const role = await validator.explain(given, target, { require: [anyRole(["admin"], ["roles"])] });
        expect(role.refusal?.code).toBe("role_insufficient");
    });

    it("has the same checks in the same order as a bad one, and each names its clause", async () => {
        const good = await validator.explain(bearer(issuer.sign()), target);
        const bad = await validator.explain({}, target);
        expect(bad.checks.map(({ id }) => id)).toEqual(good.checks.map(({ id }) => id));
        for (const { id, clause } of good.checks) {
            expect(clause ?? "RFC", id).toMatch(/^RFC/);
        }
    });

    it("tells what is verified from the client's own word", async () => {
        const { checks } = await validator.explain(bearer(issuer.sign({}, { otherKey: true })), target);
        const audience = checks.find(({ id }) => id === "token.audience");
        expect(audience).toMatchObject({ outcome: "passed", isVerified: false, found: "https://api.test" });
    });

    it("is not explained with a requirement that is none, also where it is refused", async () => {
        for (const given of [bearer(issuer.sign()), {}]) {
            const wrong = validator.explain(given, target, { require: "read" as never });
            await expect(wrong).rejects.toThrow('the rule "require"');
            expect(
                (await validator.explain(given, target, { require: allScopes(["x"]) })).refusal
            ).not.toBeNull();
        }
    });

    it("is no way around a rule that is misspelt", async () => {
        const misspelt = { dpopp: "required" } as ExplainRules;
        await expect(validator.explain({}, target, misspelt)).rejects.toThrow('did you mean "dpop"');
    });
});

describe("with keys that must be fetched", () => {
    const listening = createTestIssuer().listen();
    afterAll(async () => (await listening).close());

    it("waits for them as a verdict does, and uses those that are there while the issuer is away", async () => {
        const there = await listening;
        const given = bearer(there.sign());
        const explained = await createValidator({ ...there.options }).explain(given, target);
        expect(explained.refusal).toBeNull();
        there.fail();
        const second = createValidator({ ...there.options, publicBaseUrl: "https://other.test" });
        expect((await second.explain(given, target)).refusal).toBeNull();
    });

    it("says nothing of keys that nobody asked for, since the token has expired", async () => {
        const asked: string[] = [];
        const server = await createTestIssuer().listen({
            respond: ({ url = "" }) => {
                asked.push(url);
                return false;
            }
        });
        const validator = createValidator({ ...server.options, leewaySeconds: 7 });
        const given = bearer(server.sign({}, { expiresInSeconds: -60 }));
        const { refusal, checks } = await validator.explain(given, target);
        expect([refusal?.code, failedOf(checks), asked]).toEqual(["token_expired", ["token.times"], []]);
        expect(checks.find(({ id }) => id === "issuer.keys")?.outcome).toBe("skipped");
        await validator.ready();
        const known = await validator.explain(given, target);
        expect(failedOf(known.checks)).toEqual(["token.times"]);
        expect(known.checks.find(({ id }) => id === "token.signature")?.outcome).toBe("passed");
        await server.close();
    });

    it("judges at the time at which the keys have come, as a verdict does", async () => {
        // The answers are held for longer than the token lives, counted from the clock that stands still.
        const server = await createTestIssuer().listen({
            respond: (_, response) => {
                const end = response.end.bind(response);
                response.end = ((...given: Parameters<typeof end>) => {
                    setTimeout(() => end(...given), 1100);
                    return response;
                }) as typeof response.end;
                return false;
            }
        });
        const at = Math.floor(Date.now() / 1000) * 1000;
        const slow = { ...server.options, clock: () => at, keysTimeoutMs: 30_000 };
        const given = bearer(server.sign({ iat: at / 1000, exp: at / 1000 + 1 }));
        const { refusal } = await createValidator({ ...slow, leewaySeconds: 0 }).explain(given, target);
        expect(refusal?.code).toBe("token_expired");
        const long = bearer(server.sign({ iat: at / 1000, exp: at / 1000 + 1000 }));
        expect((await createValidator(slow).explain(long, target)).refusal).toBeNull();
        await server.close();
    });

    it("has the same sentence as the refusal where the issuer is not there", async () => {
        const gone = createValidator({
            issuerUri: "http://127.0.0.1:9",
            expectedAudience: "https://api.test",
            keysTimeoutMs: 300
        } as ValidatorOptions);
        const given = bearer(issuer.sign({ iss: "http://127.0.0.1:9" }));
        const verdict = await gone.validateRequest(given, target);
        const { refusal, checks } = await gone.explain(given, target);
        expect(refusal?.code).toBe("keys_unavailable");
        expect(verdict).toMatchObject({
            code: "keys_unavailable",
            debugErrorMessage: refusal?.debugErrorMessage
        });
        expect(failedOf(checks)).toEqual(["issuer.keys"]);
    });
});
