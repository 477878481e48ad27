// Keys that are carried over a cold start: `validator.snapshot()` and the option `keysSnapshot`.

import { createValidator, type Validator, type ValidatorOptions } from "oidc-spa-native";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { AUDIENCE, createFixtures, kidOf, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { newKey } from "../support/jwt.js";
import { startLocalIssuer } from "../support/local-issuer.js";

let f: Fixtures;
const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);

beforeAll(async () => {
    f = await createFixtures();
});

beforeEach(() => warned.mockClear());

afterAll(async () => {
    warned.mockRestore();
    await f.issuer.close();
});

/** Each with keys of its own, as another process has: validators that have all options in common share them. */
let processes = 0;
const validatorOf = (options: object): Validator =>
    createValidator({
        network: { timeoutMs: 5000 - ++processes },
        ...("issuers" in options ? {} : { issuerUri: f.issuer.issuerUri, expectedAudience: AUDIENCE }),
        ...options
    } as unknown as ValidatorOptions);

const warnings = (): string[] => warned.mock.calls.map(([warning]) => String(warning));

const judgeNow = (validator: Validator, accessToken: string): string | null => {
    const verdict = validator.validateRequestSync({ authorization: `Bearer ${accessToken}` });
    return verdict === null ? null : verdict.isSuccess ? "granted" : verdict.code;
};

interface CarriedSet {
    issuerUri: string;
    place: string;
    fetchedAt: number;
    freshUntil: number;
    jwkSet: string;
}

const setsOf = (text: string): CarriedSet[] => (JSON.parse(text) as { sets: CarriedSet[] }).sets;

async function snapshotOf(options: object = {}): Promise<string> {
    const validator = validatorOf(options);
    await validator.ready();
    return validator.snapshot();
}

/** The same snapshot, taken some seconds earlier. */
function aged(text: string, seconds: number, changes: Partial<CarriedSet> = {}): string {
    const sets = setsOf(text).map(set => ({
        ...set,
        fetchedAt: set.fetchedAt - seconds * 1000,
        freshUntil: set.freshUntil - seconds * 1000,
        ...changes
    }));
    return JSON.stringify({ version: 1, sets });
}

describe("a snapshot of keys", () => {
    test("serves at once, without a request to the issuer", async () => {
        const text = await snapshotOf();
        const before = { ...f.issuer.requests };
        const validator = validatorOf({ keysSnapshot: text });
        expect(judgeNow(validator, f.token(nowInSeconds()))).toBe("granted");
        expect(f.issuer.requests).toEqual(before);
        expect(warnings()).toEqual([]);
        const [health] = validator.health().issuers;
        expect(health).toMatchObject({
            state: "fresh",
            fetchedAt: setsOf(text)[0]?.fetchedAt,
            lastError: null
        });
        // Without it, the keys are not at hand.
        expect(judgeNow(validatorOf({}), f.token(nowInSeconds()))).toBeNull();
    });

    test("from process to process it grows no younger", async () => {
        const text = aged(await snapshotOf(), 120);
        const again = validatorOf({ keysSnapshot: text }).snapshot();
        expect(setsOf(again)[0]?.fetchedAt).toBe(setsOf(text)[0]?.fetchedAt);
        const apart = (setsOf(again)[0]?.freshUntil ?? 0) - (setsOf(text)[0]?.freshUntil ?? 0);
        expect(Math.abs(apart)).toBeLessThan(1000);
    });

    test("is JSON that holds what the issuer publishes, and no secret of the options", async () => {
        const issuer = await startLocalIssuer({ keys: (f.issuer.jwks as { keys: object[] }).keys });
        const text = await snapshotOf({
            jwksUri: `${issuer.issuerUri}/jwks`,
            network: { headers: { authorization: "Bearer hidden" } }
        });
        expect(text).not.toContain("hidden");
        expect(text).not.toContain("/jwks");
        const [set, ...others] = setsOf(text);
        expect(others).toEqual([]);
        expect(JSON.parse(set?.jwkSet ?? "")).toEqual(f.issuer.jwks);
        expect(Math.abs((set?.fetchedAt ?? 0) - Date.now())).toBeLessThan(60_000);
        expect((set?.freshUntil ?? 0) - (set?.fetchedAt ?? 0)).toBeGreaterThan(590_000);
        await issuer.close();
    });

    test("a new key and a rotation are found as ever", async () => {
        const issuer = await startLocalIssuer({ keys: (f.issuer.jwks as { keys: object[] }).keys });
        const options = { issuerUri: issuer.issuerUri };
        const text = await snapshotOf(options);
        const token = (changes = {}) => f.token(nowInSeconds(), { iss: issuer.issuerUri, ...changes });
        issuer.jwks = { keys: [{ ...newKey("P-256").publicJwk, kid: kidOf("ES256") }] };
        const validator = validatorOf({ ...options, keysSnapshot: text });
        expect(judgeNow(validator, token())).toBe("granted");
        // A signature that none of them made has the issuer asked, and the withdrawn key ends.
        const [head, claims, signature] = token().split(".") as [string, string, string];
        await validator.validateRequest({
            authorization: `Bearer ${head}.${claims}.${"A".repeat(signature.length)}`
        });
        expect(judgeNow(validator, token({ jti: "2" }))).toBe("signature_invalid");
        await issuer.close();
    });

    test("beyond their age keys serve while the issuer is asked, which it is at once", async () => {
        const issuer = await startLocalIssuer({ keys: (f.issuer.jwks as { keys: object[] }).keys });
        const options = { issuerUri: issuer.issuerUri };
        const text = await snapshotOf(options);
        const token = (changes = {}) => f.token(nowInSeconds(), { iss: issuer.issuerUri, ...changes });
        issuer.jwks = { keys: [{ ...newKey("P-256").publicJwk, kid: "new" }] };
        const before = issuer.requests.jwks;
        const validator = validatorOf({ ...options, keysSnapshot: aged(text, 1200) });
        expect(judgeNow(validator, token())).toBe("granted");
        await vi.waitFor(() => expect(issuer.requests.jwks).toBe(before + 1), { timeout: 20_000 });
        await vi.waitFor(() => expect(validator.health().issuers[0]?.state).toBe("fresh"), {
            timeout: 20_000
        });
        expect(judgeNow(validator, token({ jti: "2" }))).not.toBe("granted");
        await issuer.close();
    });

    test("keys never serve longer than keysSnapshotMaxAgeSeconds, though the issuer is down", async () => {
        const issuer = await startLocalIssuer({ keys: (f.issuer.jwks as { keys: object[] }).keys });
        const options = {
            issuerUri: issuer.issuerUri,
            keysOutageSeconds: "forever",
            keysSnapshotMaxAgeSeconds: 60
        };
        const { keysSnapshotMaxAgeSeconds: _, ...rest } = options;
        const text = await snapshotOf(rest);
        await issuer.close();
        const token = f.token(nowInSeconds(), { iss: issuer.issuerUri });
        const validator = validatorOf({ ...options, keysSnapshot: aged(text, 56) });
        expect(judgeNow(validator, token)).toBe("granted");
        await vi.waitFor(() => expect(judgeNow(validator, token)).not.toBe("granted"), { timeout: 20_000 });
        expect(judgeNow(validatorOf({ ...options, keysSnapshot: aged(text, 61) }), token)).toBeNull();
        expect(warnings().join()).toMatch(/were fetched 6\d s ago; keysSnapshotMaxAgeSeconds is 60/);
        // No date that somebody wrote makes them younger.
        warned.mockClear();
        const ahead = aged(text, -3600);
        expect(judgeNow(validatorOf({ ...options, keysSnapshot: ahead }), token)).toBeNull();
        expect(warnings().join()).toContain("a time that is still to come");
    });

    test("what cannot be used is told of, and the keys are fetched", async () => {
        const text = await snapshotOf();
        const other = await startLocalIssuer({ keys: (f.issuer.jwks as { keys: object[] }).keys });
        for (const [keysSnapshot, why] of [
            ["", "it is"],
            [text.slice(0, -10), "it is"],
            ["[]", "it is"],
            ["{}", "it has no version"],
            [text.replace('"version":1', '"version":2'), "its version is 2, and 1 is read"],
            ['{"version":1}', "it has no list of sets"],
            ['{"version":1,"sets":[{}]}', "one of its sets is not as this library writes it"],
            ['{"version":1,"sets":[]}', "no keys of these issuers"],
            [aged(text, 0, { fetchedAt: -1 }), "one of its sets"],
            [aged(text, 0, { fetchedAt: 1e300 }), "one of its sets"],
            [aged(text, 0, { jwkSet: "{}" }), "cannot be used: the JWK Set has no `keys` array"],
            [aged(text, 0, { jwkSet: '{"keys":[]}' }), "cannot be used"],
            [await snapshotOf({ issuerUri: other.issuerUri }), "no keys of these issuers"],
            // The same issuer with keys from elsewhere is another place.
            [await snapshotOf({ jwksUri: `${other.issuerUri}/jwks` }), "no keys of these issuers"]
        ] as const) {
            warned.mockClear();
            const validator = validatorOf({ keysSnapshot });
            expect(warnings().join(), keysSnapshot).toContain(why);
            expect(warnings()).toHaveLength(1);
            expect(judgeNow(validator, f.token(nowInSeconds()))).toBeNull();
            const verdict = await validator.validateRequest({
                authorization: `Bearer ${f.token(nowInSeconds())}`
            });
            expect(verdict.isSuccess).toBe(true);
        }
        await other.close();
    });

    test("what is no text, and an age without a snapshot, are errors", () => {
        for (const [options, said] of [
            [{ keysSnapshot: {} }, "keysSnapshot: expected a string"],
            [{ keysSnapshotMaxAgeSeconds: 60 }, "is of no use without `keysSnapshot`"],
            [{ keysSnapshot: "{}", keysSnapshotMaxAgeSeconds: 90_000 }, "from 60 to 86400"],
            [{ issuers: () => null, keysSnapshot: "{}" }, "cannot stand beside a function in `issuers`"]
        ] as const) {
            expect(() => validatorOf(options)).toThrow(said);
        }
    });

    test("several issuers and several sets, each its own", async () => {
        const other = await createFixtures();
        const emergency = newKey("P-256");
        const options = {
            issuers: [
                {
                    issuerUri: f.issuer.issuerUri,
                    expectedAudience: AUDIENCE,
                    keys: {
                        sets: [
                            "metadata",
                            { jwksUri: `${other.issuer.issuerUri}/jwks` },
                            { jwks: { keys: [{ ...emergency.publicJwk, kid: "emergency" }] } }
                        ]
                    }
                },
                { issuerUri: other.issuer.issuerUri, expectedAudience: AUDIENCE }
            ]
        };
        const text = await snapshotOf(options);
        expect(setsOf(text)).toHaveLength(3);
        const before = [{ ...f.issuer.requests }, { ...other.issuer.requests }];
        const validator = validatorOf({ ...options, keysSnapshot: text });
        expect(judgeNow(validator, f.token(nowInSeconds()))).toBe("granted");
        expect(judgeNow(validator, other.token(nowInSeconds()))).toBe("granted");
        // Of several sets one key may be missing, which is not known without the others.
        const [first] = setsOf(text);
        const partial = JSON.stringify({ version: 1, sets: [first] });
        const half = validatorOf({ ...options, keysSnapshot: partial });
        expect(judgeNow(half, f.token(nowInSeconds()))).toBe("granted");
        expect(judgeNow(half, other.token(nowInSeconds()))).toBeNull();
        expect([f.issuer.requests, other.issuer.requests]).toEqual(before);
        await other.issuer.close();
    });

    test("known keys and tenants are in none", async () => {
        const jwks = f.issuer.jwks as { keys: object[] };
        expect(setsOf(await snapshotOf({ keys: { jwks } }))).toEqual([]);
        expect(setsOf(validatorOf({ issuers: () => null }).snapshot())).toEqual([]);
        expect(setsOf(validatorOf({}).snapshot())).toEqual([]);
    });
});
