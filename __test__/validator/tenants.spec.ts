// `issuers` as a function: tenants out of a database, asked for when a token names them (RFC 7519 section 4.1.1).

import { channel } from "node:diagnostics_channel";
import {
    createValidator,
    type IssuerFunction,
    type IssuerLookup,
    type IssuerOptions,
    type KeysEvent,
    type Validator,
    type ValidatorOptions
} from "oidc-spa-native";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let a: Fixtures;
let b: Fixtures;

beforeAll(async () => {
    [a, b] = await Promise.all([createFixtures(), createFixtures()]);
});

afterAll(() => Promise.all([a.issuer.close(), b.issuer.close()]));
afterEach(() => vi.useRealTimers());

const optionsOf = ({ issuer }: Fixtures): IssuerOptions => ({
    issuerUri: issuer.issuerUri,
    expectedAudience: AUDIENCE
});

/** Keys known in advance: nothing is fetched. */
const known = (f: Fixtures, issuerUri = f.issuer.issuerUri): IssuerOptions => ({
    issuerUri,
    expectedAudience: AUDIENCE,
    keys: { jwks: f.issuer.jwks as { keys: object[] } }
});

function validatorOf(
    issuers: IssuerFunction,
    issuerLookup: IssuerLookup = {},
    rest: Partial<ValidatorOptions> = {}
): Validator {
    // The issuers of the tests are on this machine.
    return createValidator({
        issuers,
        issuerLookup,
        network: { privateAddresses: true },
        ...rest
    } as ValidatorOptions);
}

const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` });

async function judge(validator: Validator, accessToken: string): Promise<string> {
    const verdict = await validator.validateRequest(bearer(accessToken));
    return verdict.isSuccess ? "granted" : `${verdict.status} ${verdict.code}: ${verdict.debugErrorMessage}`;
}

const named = (iss: unknown): string => a.token(nowInSeconds(), { iss });

describe("tenants", () => {
    test("each is asked for once, however many requests wait, and has its own keys and rules", async () => {
        const asked = vi.fn<IssuerFunction>(async iss => {
            await new Promise(resolve => setTimeout(resolve, 20));
            const f = [a, b].find(({ issuer }) => issuer.issuerUri === iss);
            return f === undefined ? null : optionsOf(f);
        });
        const validator = validatorOf(asked);
        const [of, ofOther] = [a.token(nowInSeconds()), b.token(nowInSeconds())];
        const verdicts = await Promise.all(
            Array.from({ length: 50 }, (_, i) => judge(validator, i % 2 === 0 ? of : ofOther))
        );
        expect(new Set(verdicts)).toEqual(new Set(["granted"]));
        expect(asked).toHaveBeenCalledTimes(2);
        // A key of one tenant verifies no token of the other.
        const forged = b.token(nowInSeconds(), { iss: a.issuer.issuerUri });
        expect(await judge(validator, forged)).toMatch(/signature_invalid|key_unknown/);
        expect(await judge(validator, a.token(nowInSeconds(), { aud: "urn:other" }))).toContain(
            "audience_mismatch"
        );
        expect(asked).toHaveBeenCalledTimes(2);
        const health = validator.health();
        expect(health.issuerLookup).toEqual({ known: 2, unknown: 0, lastError: null });
        expect(health.issuers.map(({ issuerUri, state }) => [issuerUri, state])).toEqual(
            expect.arrayContaining([
                [a.issuer.issuerUri, "fresh"],
                [b.issuer.issuerUri, "fresh"]
            ])
        );
    });

    test("a name of no tenant is refused, and remembered", async () => {
        const asked = vi.fn<IssuerFunction>(() => null);
        const validator = validatorOf(asked);
        for (let i = 0; i < 5; i++) {
            expect(await judge(validator, named("https://nobody.example"))).toContain("401 issuer_mismatch");
        }
        expect(asked.mock.calls).toEqual([["https://nobody.example"]]);
        expect(validator.health().issuerLookup).toEqual({ known: 0, unknown: 1, lastError: null });
        expect(validator.forgetIssuer("https://nobody.example")).toBe(true);
        expect(validator.forgetIssuer("https://nobody.example")).toBe(false);
        await judge(validator, named("https://nobody.example"));
        expect(asked).toHaveBeenCalledTimes(2);
    });

    test("nothing is asked where the token cannot be good, or names no issuer", async () => {
        const asked = vi.fn<IssuerFunction>(() => known(a));
        const validator = validatorOf(asked);
        const good = a.token(nowInSeconds());
        for (const [token, code] of [
            ["eyJ", "token_malformed"],
            [a.token(nowInSeconds() - 3600), "token_expired"],
            [named(undefined), "issuer_mismatch"],
            [named(7), "issuer_mismatch"],
            [named(""), "issuer_mismatch"],
            [named("https://a.example/\n"), "issuer_mismatch"],
            [named("https://a.example/ b"), "issuer_mismatch"],
            [named("1:2"), "issuer_mismatch"],
            [named("https://login.example/{tenantid}"), "issuer_mismatch"],
            [named(`https://a.example/${"x".repeat(512)}`), "issuer_mismatch"],
            [
                good.replace(/^[^.]*/, Buffer.from('{"alg":"none"}').toString("base64url")),
                "algorithm_not_allowed"
            ]
        ] as const) {
            expect(await judge(validator, token)).toContain(code);
        }
        expect((await validator.validateRequest({})).code).toBe("credentials_missing");
        expect(asked).not.toHaveBeenCalled();
        expect(await judge(validator, good)).toBe("granted");
        expect(asked).toHaveBeenCalledOnce();
        expect(await judge(validator, a.token(nowInSeconds() - 3600))).toContain("token_expired");
    });

    test("invented names cost a bounded number of questions, and known tenants nothing", async () => {
        const asked = vi.fn<IssuerFunction>(iss => (iss === a.issuer.issuerUri ? known(a) : null));
        const validator = validatorOf(asked, { maxPerSecond: 10, maxUnknown: 5 });
        expect(await judge(validator, a.token(nowInSeconds()))).toBe("granted");
        const begun = performance.now();
        const invented = Array.from({ length: 2000 }, (_, i) =>
            judge(validator, named(`https://x${i}.example`))
        );
        const outcomes = await Promise.all(invented);
        const most = 10 + Math.ceil(((performance.now() - begun) / 1000) * 10);
        expect(asked.mock.calls.length).toBeLessThanOrEqual(1 + most);
        const kinds = outcomes.map(outcome => outcome.slice(0, outcome.indexOf(":")));
        expect(new Set(kinds)).toEqual(new Set(["401 issuer_mismatch", "503 keys_unavailable"]));
        expect(outcomes.find(outcome => outcome.startsWith("503"))).toContain("issuerLookup.maxPerSecond");
        expect(validator.health().issuerLookup?.unknown).toBeLessThanOrEqual(5);
        expect(await judge(validator, a.token(nowInSeconds(), { jti: "2" }))).toBe("granted");
    });

    test("questions that hang are few, end in time, and end nothing else", async () => {
        let underWay = 0;
        const asked = vi.fn<IssuerFunction>(async iss => {
            if (iss === a.issuer.issuerUri) {
                return known(a);
            }
            underWay += 1;
            await new Promise(resolve => setTimeout(resolve, 300));
            throw new Error("too late");
        });
        const validator = validatorOf(asked, { maxAtOnce: 3, timeoutMs: 50 });
        expect(await judge(validator, a.token(nowInSeconds()))).toBe("granted");
        const outcomes = await Promise.all(
            Array.from({ length: 10 }, (_, i) => judge(validator, named(`https://x${i}.example`)))
        );
        expect(underWay).toBe(3);
        expect(outcomes.filter(outcome => outcome.includes("no answer within 50 ms"))).toHaveLength(3);
        expect(outcomes.filter(outcome => outcome.includes("issuerLookup.maxAtOnce"))).toHaveLength(7);
        expect(outcomes.every(outcome => outcome.startsWith("503 keys_unavailable"))).toBe(true);
        // The late rejections are heard by nobody, and end no process.
        await new Promise(resolve => setTimeout(resolve, 400));
        expect(await judge(validator, a.token(nowInSeconds(), { jti: "3" }))).toBe("granted");
    });

    test("whatever the function does wrong refuses with 503 and one short line, and is told", async () => {
        const events: KeysEvent[] = [];
        const listen = (event: unknown) => events.push(event as KeysEvent);
        channel("oidc-spa-native:keys").subscribe(listen);
        const iss = a.issuer.issuerUri;
        for (const [answer, said] of [
            [
                () => {
                    throw new Error(`no\r\n${"x".repeat(5000)}`);
                },
                "failed: no xxx"
            ],
            [() => Promise.reject(new Error("down")), "failed: down"],
            [() => undefined, "returned undefined"],
            [() => "https://a.example", "returned a string"],
            [() => [known(a)], "returned a list"],
            [() => ({}), "issuerUri: expected"],
            [() => ({ ...known(a), issuerUrl: "x" }), 'unknown option "issuers[0].issuerUrl"'],
            [() => ({ ...known(a), network: {} }), "unknown option"],
            [() => ({ issuerUri: iss }), "expectedAudience"],
            [() => known(a, "https://other.example"), "returned the options of another issuer"],
            [() => known(a, `${iss}/{tenantid}`), "returned the options of another issuer"],
            [() => ({ ...known(a), expectedAudience: /x/ }), "RegExp"]
        ] as const) {
            events.length = 0;
            const outcome = await judge(
                validatorOf(answer as unknown as IssuerFunction),
                a.token(nowInSeconds())
            );
            expect(outcome).toContain("503 keys_unavailable");
            expect(outcome).toContain(said);
            expect(outcome.length).toBeLessThan(800);
            expect(outcome).not.toMatch(/[\r\n]/);
            expect(events).toEqual([
                { type: "lookup-failed", issuerUri: "", error: expect.stringContaining(iss) }
            ]);
        }
        channel("oidc-spa-native:keys").unsubscribe(listen);
        expect(
            await judge(
                validatorOf(() => known(a)),
                a.token(nowInSeconds())
            )
        ).toBe("granted");
        expect(
            await judge(
                validatorOf(() => known(a, `${iss}/`)),
                a.token(nowInSeconds())
            )
        ).toBe("granted");
    });

    test("nothing private is reached unless the options say so", async () => {
        const before = { ...a.issuer.requests };
        const closed = createValidator({ issuers: () => optionsOf(a), keysTimeoutMs: 500 });
        expect(await judge(closed, a.token(nowInSeconds()))).toContain("503 keys_unavailable");
        expect(a.issuer.requests).toEqual(before);
        const byUrl = createValidator({
            issuers: iss => ({
                issuerUri: iss,
                expectedAudience: AUDIENCE,
                jwksUri: `${a.issuer.issuerUri}/jwks`
            }),
            keysTimeoutMs: 500
        });
        expect(await judge(byUrl, a.token(nowInSeconds()))).toContain("503 keys_unavailable");
        expect(a.issuer.requests).toEqual(before);
        expect(
            await judge(
                validatorOf(() => optionsOf(a)),
                a.token(nowInSeconds())
            )
        ).toBe("granted");
        // Plain http of other hosts needs allowHttp, as ever.
        const http = validatorOf(iss => ({ issuerUri: iss, expectedAudience: AUDIENCE }));
        expect(await judge(http, named("http://auth.example.com"))).toMatch(/503 keys_unavailable.*https/);
    });

    test("options hold for their age, then the function is asked while the old ones serve", async () => {
        vi.useFakeTimers({ toFake: ["performance"] });
        let options: IssuerOptions | null = known(a);
        const asked = vi.fn<IssuerFunction>(() => options);
        const validator = validatorOf(asked, { ageSeconds: 10 });
        const token = a.token(nowInSeconds());
        expect(await judge(validator, token)).toBe("granted");
        vi.advanceTimersByTime(9000);
        expect(await judge(validator, token)).toBe("granted");
        expect(asked).toHaveBeenCalledTimes(1);
        options = null;
        vi.advanceTimersByTime(2000);
        expect(await judge(validator, token)).toBe("granted");
        expect(asked).toHaveBeenCalledTimes(2);
        await new Promise(setImmediate);
        expect(await judge(validator, token)).toContain("issuer_mismatch");
        // Beyond twice the age nothing serves before the answer.
        options = known(a);
        expect(validator.forgetIssuer(a.issuer.issuerUri)).toBe(true);
        expect(await judge(validator, token)).toBe("granted");
        options = null;
        vi.advanceTimersByTime(21_000);
        expect(await judge(validator, token)).toContain("issuer_mismatch");
    });

    test("a tenant serves while its question fails, up to twice the age", async () => {
        vi.useFakeTimers({ toFake: ["performance"] });
        let fails = false;
        const asked = vi.fn<IssuerFunction>(() => {
            if (fails) {
                throw new Error("down");
            }
            return known(a);
        });
        const validator = validatorOf(asked, { ageSeconds: 10 });
        const token = a.token(nowInSeconds());
        expect(await judge(validator, token)).toBe("granted");
        fails = true;
        vi.advanceTimersByTime(15_000);
        for (let i = 0; i < 5; i++) {
            expect(await judge(validator, token)).toBe("granted");
            await new Promise(setImmediate);
        }
        // A failed question rests for a second.
        expect(asked).toHaveBeenCalledTimes(2);
        vi.advanceTimersByTime(6000);
        expect(await judge(validator, token)).toContain("503 keys_unavailable");
        expect(validator.health().issuerLookup?.lastError).toContain("down");
        fails = false;
        vi.advanceTimersByTime(1001);
        expect(await judge(validator, token)).toBe("granted");
    });

    test("what has changed holds at once after forgetIssuer, also where a question is under way", async () => {
        let audience = AUDIENCE;
        let release: (() => void) | undefined;
        const validator = validatorOf(async () => {
            const options = { ...known(a), expectedAudience: audience } as IssuerOptions;
            if (release === undefined) {
                await new Promise<void>(resolve => (release = resolve));
            }
            return options;
        });
        const token = a.token(nowInSeconds());
        const early = judge(validator, token);
        await vi.waitFor(() => expect(release).toBeDefined(), { timeout: 20_000 });
        audience = "urn:new";
        validator.forgetIssuer(a.issuer.issuerUri);
        release?.();
        expect(await early).toBe("granted");
        expect(await judge(validator, token)).toContain("audience_mismatch");
        audience = AUDIENCE;
        expect(await judge(validator, token)).toContain("audience_mismatch");
        validator.forgetIssuer(a.issuer.issuerUri);
        expect(await judge(validator, token)).toBe("granted");
    });

    test("forgetIssuer ends an issuer by whichever of its names, and no other", async () => {
        const issuerUri = "https://one.example/t";
        const names = [issuerUri, `${issuerUri}/`, "urn:one"];
        let isThere = true;
        const validator = validatorOf(iss => {
            if (iss === "https://two.example/t") {
                return known(a, iss);
            }
            return isThere && names.includes(iss)
                ? { ...known(a, issuerUri), issuerAliases: ["urn:one"] }
                : null;
        });
        for (const forgotten of names) {
            isThere = true;
            validator.forgetIssuer(forgotten);
            for (const name of [...names, "https://two.example/t"]) {
                expect(await judge(validator, named(name)), name).toBe("granted");
            }
            expect(validator.health().issuerLookup?.known).toBe(4);
            isThere = false;
            expect(validator.forgetIssuer(forgotten)).toBe(true);
            for (const name of names) {
                expect(await judge(validator, named(name)), `${name} after ${forgotten}`).toContain(
                    "issuer_mismatch"
                );
            }
            expect(validator.health().issuerLookup).toMatchObject({ known: 1, unknown: 3 });
            for (const name of names) {
                validator.forgetIssuer(name);
            }
            expect(validator.health().issuerLookup?.unknown).toBe(0);
        }
    });

    test("the least recently used tenant leaves, and its keys are no longer fetched", async () => {
        const asked = vi.fn<IssuerFunction>(iss => known(a, iss));
        const validator = validatorOf(asked, { maxKnown: 3 });
        const [one, two, three, four] = [1, 2, 3, 4].map(i => named(`https://t${i}.example`)) as [
            string,
            string,
            string,
            string
        ];
        for (const token of [one, two, three, one, four]) {
            expect(await judge(validator, token)).toBe("granted");
        }
        expect(asked).toHaveBeenCalledTimes(4);
        expect(validator.health().issuerLookup?.known).toBe(3);
        expect(validator.health().issuers.map(({ issuerUri }) => issuerUri)).toEqual(
            [4, 1, 3].map(i => `https://t${i}.example`)
        );
        expect(await judge(validator, one)).toBe("granted");
        expect(asked).toHaveBeenCalledTimes(4);
        expect(await judge(validator, two)).toBe("granted");
        expect(asked).toHaveBeenCalledTimes(5);
    });

    test("validateRequestSync says null until the tenant is known", async () => {
        const validator = validatorOf(iss => (iss === a.issuer.issuerUri ? known(a) : null));
        const token = bearer(a.token(nowInSeconds()));
        expect(validator.validateRequestSync(token)).toBeNull();
        expect((await validator.validateRequest(token)).isSuccess).toBe(true);
        expect(validator.validateRequestSync(token)?.isSuccess).toBe(true);
        const nobody = bearer(named("https://nobody.example"));
        expect(validator.validateRequestSync(nobody)).toBeNull();
        await validator.validateRequest(nobody);
        expect(validator.validateRequestSync(nobody)?.code).toBe("issuer_mismatch");
        expect(validator.validateRequestSync({})?.code).toBe("credentials_missing");
    });

    test("DPoP: proofs are remembered whatever becomes of the tenant, and nonces are of all", async () => {
        const validator = validatorOf(
            () => optionsOf(a),
            {},
            { nonce: "required", nonceSecret: "s".repeat(32) }
        );
        const token = a.boundToken(nowInSeconds());
        const target = { method: "GET", url: ITEMS };
        const ask = (changes: object, proof = a.proof(nowInSeconds(), token, { ...changes })) =>
            validator.validateRequest({ authorization: `DPoP ${token}`, dpop: proof }, target);
        const challenged = await ask({});
        expect(challenged.code).toBe("proof_nonce_required");
        validator.forgetIssuer(a.issuer.issuerUri);
        const nonce = challenged.headers["DPoP-Nonce"];
        const proof = a.proof(nowInSeconds(), token, { nonce });
        expect((await ask({}, proof)).isSuccess).toBe(true);
        validator.forgetIssuer(a.issuer.issuerUri);
        expect((await ask({}, proof)).code).toBe("proof_replayed");
        expect((await ask({ nonce })).isSuccess).toBe(true);
    });

    test("an audience by function, beside it", async () => {
        const validator = validatorOf(iss => ({
            ...known(a),
            expectedAudience: (audiences, { issuerUri }) => issuerUri === iss && audiences.includes(AUDIENCE)
        }));
        expect(await judge(validator, a.token(nowInSeconds()))).toBe("granted");
        expect(await judge(validator, a.token(nowInSeconds(), { aud: "urn:other" }))).toContain(
            "audience_mismatch"
        );
    });

    test("a function that alone has changed counts as soon as the options are asked for again", async () => {
        vi.useFakeTimers({ toFake: ["performance"] });
        let accepts = true;
        const validator = validatorOf(
            () => {
                const answer = accepts;
                return { ...known(a), expectedAudience: () => answer };
            },
            { ageSeconds: 10 }
        );
        const token = a.token(nowInSeconds());
        expect(await judge(validator, token)).toBe("granted");
        accepts = false;
        vi.advanceTimersByTime(21_000);
        expect(await judge(validator, token)).toContain("401 audience_mismatch");
        accepts = true;
        vi.advanceTimersByTime(21_000);
        expect(await judge(validator, token)).toBe("granted");
    });

    test("options that make no sense are refused", () => {
        const issuers: IssuerFunction = () => null;
        for (const [options, said] of [
            [
                { issuers, issuerUri: "https://a.example" },
                "issuerUri: belongs into what the function `issuers` returns"
            ],
            [{ issuers, keys: { env: "X" } }, "keys: belongs into"],
            [{ issuers, issuerLookup: { maxknown: 1 } }, 'did you mean "maxKnown"?'],
            [
                { issuers, issuerLookup: { maxKnown: 0 } },
                "maxKnown: expected a whole number from 1 to 100000; got 0"
            ],
            [{ issuers, issuerLookup: 5 }, "issuerLookup takes an object"],
            [{ issuers, network: { headers: { a: "b" } } }, "network.headers: are for one server alone"],
            [{ ...known(a), issuerLookup: {} }, "issuerLookup: is of no use unless issuers is a function"]
        ] as const) {
            expect(() => createValidator(options as unknown as ValidatorOptions)).toThrow(said);
        }
        expect(() => createValidator(known(a)).forgetIssuer("x")).toThrow("issuers are a function");
        expect(createValidator({ issuers, issuerLookup: { maxKnown: 1 } }).forgetIssuer("x")).toBe(false);
    });
});

describe("explain", () => {
    const checkOf = async (validator: Validator, accessToken: string, id: string) => {
        const { refusal, checks } = await validator.explain(bearer(accessToken));
        return [refusal?.code ?? null, checks.find(check => check.id === id)?.outcome];
    };

    test("of a tenant says what its verdict says, and asks for it too", async () => {
        const asked = vi.fn<IssuerFunction>(iss => {
            if (iss === "https://down.example") {
                throw new Error("down");
            }
            return iss === a.issuer.issuerUri ? known(a) : null;
        });
        const validator = validatorOf(asked);
        const good = a.token(nowInSeconds());
        expect(await checkOf(validator, good, "token.audience")).toEqual([null, "passed"]);
        expect(asked).toHaveBeenCalledOnce();
        const other = a.token(nowInSeconds(), { aud: "urn:other" });
        expect(await checkOf(validator, other, "token.audience")).toEqual(["audience_mismatch", "failed"]);
        const nobody = await checkOf(validator, named("https://nobody.example"), "token.audience");
        expect(nobody).toEqual(["issuer_mismatch", "skipped"]);
        const down = await checkOf(validator, named("https://down.example"), "token.audience");
        expect(down).toEqual(["keys_unavailable", "skipped"]);
    });

    test("asks the function in expectedAudience", async () => {
        const validator = createValidator({
            ...known(a),
            expectedAudience: (audiences: readonly string[]) => audiences.includes(AUDIENCE)
        } as ValidatorOptions);
        const good = a.token(nowInSeconds());
        expect(await checkOf(validator, good, "application.audience")).toEqual([null, "passed"]);
        const other = a.token(nowInSeconds(), { aud: "urn:other" });
        expect(await checkOf(validator, other, "application.audience")).toEqual([
            "audience_mismatch",
            "failed"
        ]);
        const bad = `${good.slice(0, -8)}AAAAAAAA`;
        expect(await checkOf(validator, bad, "application.audience")).toEqual([
            "signature_invalid",
            "skipped"
        ]);
        expect(await checkOf(createValidator(known(a)), good, "application.audience")).toEqual([
            null,
            "skipped"
        ]);
    });
});
