// `validator.metrics()`: what is counted, and under which names.

import { allScopes } from "oidc-spa-native/authorization";
import { createValidator, type Validator, type ValidatorOptions } from "oidc-spa-native";
import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";
import { metricsText } from "oidc-spa-native/prometheus";
import { describe, expect, test, vi } from "vitest";
import { startLocalIssuer } from "../support/local-issuer.js";

const issuer = createTestIssuer();
const { issuerUri } = issuer;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const create = (more: Partial<ValidatorOptions> = {}): Validator =>
    createValidator({ ...issuer.options, ...more } as ValidatorOptions);

describe("requests", () => {
    test("nothing is counted before the first", () => {
        expect(create().metrics()).toMatchObject({
            granted: [],
            refused: [],
            forbidden: [],
            verifications: { memory: 0, inline: 0, threads: 0, recalledTokens: 0 }
        });
    });

    test("each is counted once, by its outcome and its scheme", async () => {
        const validator = create();
        const token = issuer.sign();
        await validator.validateRequest(bearer(token));
        await validator.validateRequest(bearer(token));
        expect(validator.validateRequestSync(bearer(issuer.sign()))?.isSuccess).toBe(true);
        await validator.validateRequest(bearer("nonsense"));
        await validator.validateRequest({});
        await validator.validateRequest({ authorization: "Basic YTpi" });
        const { granted, refused, verifications } = validator.metrics();
        expect(granted).toEqual([{ issuerUri, scheme: "Bearer", count: 3 }]);
        expect(refused).toEqual([
            { code: "token_malformed", scheme: "Bearer", count: 1 },
            { code: "credentials_missing", scheme: null, count: 1 },
            { code: "scheme_unsupported", scheme: null, count: 1 }
        ]);
        expect(verifications).toEqual({ memory: 1, inline: 5, threads: 0, recalledTokens: 0 });
    });

    test("a proof, the same proof again, and a bound token that comes again", async () => {
        const validator = create();
        const client = dpopClient({ token: client => issuer.sign({}, { boundTo: client }) });
        const target = { method: "GET", url: "https://api.test/items" };
        const first = client.headers("GET", target.url);
        await validator.validateRequest(first, target);
        await validator.validateRequest(first, target);
        await validator.validateRequest(client.headers("GET", target.url), target);
        const { granted, refused, verifications, replayMemory } = validator.metrics();
        expect(granted).toEqual([{ issuerUri, scheme: "DPoP", count: 2 }]);
        expect(refused).toEqual([{ code: "proof_replayed", scheme: "DPoP", count: 1 }]);
        expect(verifications.recalledTokens).toBe(1);
        expect(replayMemory.entries).toBeGreaterThanOrEqual(2);
        expect(replayMemory.storeQuestions).toBe(0);
    });

    test("counts go on beyond 2^32, and stand still at 2^53", async () => {
        // The rows that the validator counts in, by what a row counts.
        const rows = new Map<unknown, Record<string, unknown>>();
        const set = Map.prototype.set;
        vi.spyOn(Map.prototype, "set").mockImplementation(function (this: Map<unknown, unknown>, key, value) {
            if (typeof value === "object" && value !== null && "Bearer" in value && "DPoP" in value) {
                set.call(rows, key, value);
            }
            return set.call(this, key, value);
        });
        const validator = create();
        const token = issuer.sign();
        const both = async () => {
            await validator.validateRequest(bearer(token));
            await validator.validateRequest(bearer("nonsense"));
            const { granted, refused } = validator.metrics();
            return [granted[0]?.count, refused[0]?.count];
        };
        try {
            expect(await both()).toEqual([1, 1]);
        } finally {
            vi.restoreAllMocks();
        }
        expect([...rows.keys()]).toEqual([issuerUri, "token_malformed"]);
        const begin = (count: number) => rows.forEach(row => Object.assign(row, { Bearer: count }));
        begin(2 ** 31 - 1);
        expect(await both()).toEqual([2 ** 31, 2 ** 31]);
        begin(2 ** 32 - 1);
        expect(await both()).toEqual([2 ** 32, 2 ** 32]);
        expect(await both()).toEqual([2 ** 32 + 1, 2 ** 32 + 1]);
        expect(metricsText(validator)).toContain(" 4294967297\n");
        begin(2 ** 53 - 1);
        expect(await both()).toEqual([2 ** 53, 2 ** 53]);
        // A double has no greater whole number beside it. A count that stands still is read as no requests, one that
        // falls as a new process.
        expect(await both()).toEqual([2 ** 53, 2 ** 53]);
        expect(metricsText(validator)).toContain(" 9007199254740992\n");
    });

    test("the schema refuses instead of a grant, authorize after one", async () => {
        const validator = createValidator({
            ...issuer.options,
            claims: {
                parse: (claims: unknown) => {
                    if ((claims as { sub: string }).sub === "bob") {
                        throw new Error("no bobs");
                    }
                    return claims as { sub: string };
                }
            }
        });
        await validator.validateRequest(bearer(issuer.sign({ sub: "bob" })));
        const verdict = await validator.validateRequest(bearer(issuer.sign({ sub: "ann" })));
        validator.authorize(verdict, allScopes(["items:write"]));
        const { granted, refused, forbidden } = validator.metrics();
        expect(granted).toEqual([{ issuerUri, scheme: "Bearer", count: 1 }]);
        expect(refused).toEqual([{ code: "claims_rejected", scheme: "Bearer", count: 1 }]);
        expect(forbidden).toEqual([{ code: "scope_insufficient", scheme: "Bearer", count: 1 }]);
    });

    test("two validators count apart", async () => {
        const [one, other] = [create(), create()];
        await one.validateRequest({});
        expect(one.metrics().refused).toHaveLength(1);
        expect(other.metrics().refused).toEqual([]);
    });
});

describe("names", () => {
    test("an issuer has the name that the options give it, and no request adds a row", async () => {
        const validator = create({ issuerAliases: ["https://alias.test"] } as Partial<ValidatorOptions>);
        await validator.validateRequest(bearer(issuer.sign({ iss: "https://alias.test" })));
        for (let i = 0; i < 50; i++) {
            await validator.validateRequest(bearer(issuer.sign({ iss: `https://${i}.test` })));
            await validator.validateRequest({ authorization: `Scheme${i} x` });
        }
        const { granted, refused } = validator.metrics();
        expect(granted).toEqual([{ issuerUri, scheme: "Bearer", count: 1 }]);
        expect(refused.map(({ code, count }) => [code, count])).toEqual([
            ["issuer_mismatch", 50],
            ["scheme_unsupported", 50]
        ]);
    });

    test("of a function in issuers a hundred have rows of their own", async () => {
        const { keys } = issuer.options;
        const validator = createValidator({
            issuers: iss => ({ issuerUri: iss, expectedAudience: false, keys }),
            issuerLookup: { maxPerSecond: 10_000 }
        } as ValidatorOptions);
        for (let i = 0; i < 103; i++) {
            const verdict = await validator.validateRequest(
                bearer(issuer.sign({ iss: `https://t${i}.test` }))
            );
            expect(verdict.isSuccess).toBe(true);
        }
        const { granted, keys: listed } = validator.metrics();
        expect(granted).toHaveLength(101);
        expect(granted.at(-1)).toEqual({ issuerUri: "other", scheme: "Bearer", count: 3 });
        expect(listed).toHaveLength(100);
    });
});

test("fetches, failures and rotations of an issuer's keys", async () => {
    const { publicJwk: first } = ((jwks: { keys: object[] }) => ({ publicJwk: jwks.keys[0] }))(
        issuer.jwks as unknown as { keys: object[] }
    );
    const local = await startLocalIssuer({ keys: [first] });
    try {
        const validator = createValidator({
            issuerUri: local.issuerUri,
            expectedAudience: false
        } as ValidatorOptions);
        expect(validator.metrics().keys).toEqual([
            {
                issuerUri: local.issuerUri,
                fetches: 0,
                failures: 0,
                rotations: 0,
                fetchSeconds: 0,
                usableKeys: 0,
                ageSeconds: null
            }
        ]);
        local.failWith = 500;
        await expect(validator.ready({ timeoutMs: 100 })).rejects.toThrow();
        expect(validator.metrics().keys[0]).toMatchObject({ fetches: 1, failures: 1, ageSeconds: null });
        local.failWith = undefined;
        await validator.ready();
        const [keys] = validator.metrics().keys;
        expect(keys).toMatchObject({ failures: 1, rotations: 0, usableKeys: 1 });
        expect(keys?.fetches).toBeGreaterThanOrEqual(2);
        expect(keys?.fetchSeconds).toBeGreaterThan(0);
        expect(keys?.ageSeconds).toBeGreaterThanOrEqual(0);
    } finally {
        await local.close();
    }
});

test("a replay store that gives no answer is counted, and one that does", async () => {
    let answer: () => Promise<boolean> = async () => true;
    const validator = create({ replayStore: { checkAndStore: () => answer() } });
    const client = dpopClient({ token: client => issuer.sign({}, { boundTo: client }) });
    const target = { method: "GET", url: "https://api.test/items" };
    const ask = () => validator.validateRequest(client.headers("GET", target.url), target);
    expect((await ask()).isSuccess).toBe(true);
    answer = async () => {
        throw new Error("gone");
    };
    expect((await ask()).isSuccess).toBe(false);
    const { replayMemory, refused } = validator.metrics();
    expect(replayMemory).toMatchObject({ storeQuestions: 2, storeUnanswered: 1 });
    expect(refused).toEqual([{ code: "replay_memory_unavailable", scheme: "DPoP", count: 1 }]);
});
