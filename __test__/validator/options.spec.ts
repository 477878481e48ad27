// createValidator: what its options may be, and what is refused before the first request.

import { createValidator, type Validator, type ValidatorOptions } from "oidc-spa-native";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { IS_WASM } from "../support/engine.js";
import { AUDIENCE, createFixtures, type Fixtures } from "../support/fixtures.js";
import { jws } from "../support/jwt.js";

const NOW = 1_800_000_000;

let f: Fixtures;
let validator: Validator;

const options = (changes: object = {}): ValidatorOptions =>
    ({
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        clock: () => NOW * 1000,
        ...changes
    }) as ValidatorOptions;

beforeAll(async () => {
    f = await createFixtures();
    validator = createValidator(options());
});

afterAll(() => f.issuer.close());

const withBearer = (accessToken = f.token(NOW)) => ({ authorization: `Bearer ${accessToken}` });

describe("options", () => {
    const bad: Record<string, unknown> = {
        "no options": undefined,
        null: null,
        "a string": "https://auth.example.com",
        "no issuer": { expectedAudience: AUDIENCE },
        "E21 no audience": { issuerUri: "https://auth.example.com" },
        "E21 audience undefined": { issuerUri: "https://auth.example.com", expectedAudience: undefined },
        "E21 audience null": { expectedAudience: null },
        "E21 audience empty": { expectedAudience: "" },
        "E21 audience empty list": { expectedAudience: [] },
        "audience true": { expectedAudience: true },
        "E20 audience RegExp": { expectedAudience: /api/g },
        "E20 audience list with RegExp": { expectedAudience: [/api/] },
        "audience list with function": { expectedAudience: [() => true] },
        "audience Symbol": { expectedAudience: Symbol("x") },
        "audience list with undefined": { expectedAudience: [undefined] },
        "audience Set": { expectedAudience: new Set([AUDIENCE]) },
        "A15 HS256": { algorithms: ["HS256"] },
        "A16 none": { algorithms: ["none", "RS256"] },
        "A16 no algorithm": { algorithms: [] },
        "A16 no proof algorithm": { proofAlgorithms: [] },
        "A15 HS256 for proofs": { proofAlgorithms: ["HS256"] },
        "E04 leeway negative": { leewaySeconds: -1 },
        "E04 leeway NaN": { leewaySeconds: NaN },
        "E04 leeway Infinity": { leewaySeconds: Infinity },
        "E04 leeway a day": { leewaySeconds: 86_400 },
        "leeway string": { leewaySeconds: "3" },
        "leeway BigInt": { leewaySeconds: 3n },
        "leeway Date": { leewaySeconds: new Date() },
        "H01 issuer over http": { issuerUri: "http://auth.example.com" },
        "H02 issuer with query": { issuerUri: "https://auth.example.com?x" },
        "H02 issuer with fragment": { issuerUri: "https://auth.example.com#x" },
        "H02 issuer with userinfo": { issuerUri: "https://u@auth.example.com" },
        "issuer relative": { issuerUri: "auth.example.com" },
        "issuer URL object": { issuerUri: new URL("https://auth.example.com") },
        "unknown option": { leeway: 3 },
        "internal option dropIn": { dropIn: true },
        "internal option ownClock": { ownClock: true },
        "trustProxy zero": { trustProxy: 0 },
        "trustProxy fraction": { trustProxy: 1.5 },
        "trustProxy string": { trustProxy: "loopback" },
        "publicBaseUrl relative": { publicBaseUrl: "/api" },
        "publicBaseUrl with query": { publicBaseUrl: "https://api.example.com/?x" },
        "dpop unknown": { dpop: "on" },
        "profile unknown": { profile: "strict" },
        "ID tokens in rfc9068": { profile: "rfc9068", acceptIdTokens: true },
        "limit too small": { limits: { accessTokenBytes: 1 } },
        "memory too small": { limits: { replayMemoryEntries: 999 } },
        "memory without DPoP": { dpop: "disabled", limits: { replayMemoryEntries: 1000 } },
        "proof leeway too long": { proofLeewaySeconds: 301 },
        "nonce leeway too long": { nonce: "required", nonceLeewaySeconds: 301 },
        "nonce leeway without nonces": { nonceLeewaySeconds: 60 },
        "limits Map": { limits: new Map([["accessTokenBytes", 8192]]) },
        "limits array": { limits: [] },
        "limit unknown": { limits: { tokenBytes: 8192 } },
        "clock number": { clock: 1 },
        "claims string": { claims: "x" },
        "claims object": { claims: {} },
        "claims null": { claims: null },
        "no issuers": { issuerUri: undefined, expectedAudience: undefined, issuers: [] },
        "issuer and issuers": { issuers: [{ issuerUri: "https://a.example", expectedAudience: "x" }] },
        "issuer twice": {
            issuerUri: undefined,
            expectedAudience: undefined,
            issuers: [
                { issuerUri: "https://a.example", expectedAudience: "x" },
                { issuerUri: "https://a.example/", expectedAudience: "y" }
            ]
        }
    };
    const whole = new Set([
        "no options",
        "null",
        "a string",
        "no issuer",
        "E21 no audience",
        "E21 audience undefined"
    ]);

    test.each(Object.entries(bad))("CFG: %s", (name, changes) => {
        const given = whole.has(name) ? changes : options(changes as object);
        let thrown: unknown;
        try {
            createValidator(given as ValidatorOptions);
        } catch (error) {
            thrown = error;
        }
        expect(thrown).toBeInstanceOf(TypeError);
        expect((thrown as Error).message.length).toBeGreaterThan(20);
    });

    test("what JSON cannot carry is named as what it is", () => {
        for (const [changes, name] of [
            [{ leewaySeconds: NaN }, "NaN"],
            [{ leewaySeconds: -Infinity }, "-Infinity"],
            [{ leewaySeconds: 3n }, "bigint"],
            [{ expectedAudience: /api/ }, "RegExp"],
            [{ publicBaseUrl: () => true }, "function"],
            [{ issuerUri: new URL("https://auth.example.com") }, "URL"]
        ] as const) {
            const [option] = Object.keys(changes);
            expect(() => createValidator(options(changes))).toThrow(
                new RegExp(`"${option}" is (a )?${name}`)
            );
        }
    });

    test.each<[object, string]>([
        [{ issuer: "x" }, 'unknown option "issuer"; did you mean "issuerUri"?'],
        [{ issuerBaseURL: "x" }, 'unknown option "issuerBaseURL"; did you mean "issuerUri"?'],
        [{ audience: "x" }, 'unknown option "audience"; did you mean "expectedAudience"?'],
        [{ clockTolerance: 5 }, 'unknown option "clockTolerance"; did you mean "leewaySeconds"?'],
        [{ expectedAudiance: "x" }, 'unknown option "expectedAudiance"; did you mean "expectedAudience"?'],
        [{ trustproxy: true }, 'unknown option "trustproxy"; did you mean "trustProxy"?'],
        [
            { limits: { accessTokenByte: 1 } },
            'unknown option "limits.accessTokenByte"; did you mean "accessTokenBytes"?'
        ],
        [{ somethingElse: 1 }, 'unknown option "somethingElse". There are issuerUri, '],
        [{ "a\n\u001b[31m": 1 }, 'unknown option "a\\u{a}\\u{1b}[31m". There are '],
        [
            { require: [] },
            'unknown option "require". It is a rule of a route: protect(validator, { require: … }).'
        ],
        [{ dropIn: true }, 'unknown option "dropIn".'],
        [
            { trustProxy: ["10.0.0.1", "proxy.internal"] },
            'trustProxy[1]: is "proxy.internal"; the option takes '
        ],
        [
            { algorithms: ["RS256", "HS256"] },
            'algorithms[1]: is "HS256"; the option takes a list of one or more of RS256, '
        ],
        [{ expectedAudience: [AUDIENCE, ""] }, 'expectedAudience[1]: is ""; the option takes '],
        [{ dpop: true }, 'dpop: expected "allowed", "required" or "disabled"; got true'],
        [{ nonce: true }, 'nonce: expected "off", "on-stale-proof" or "required"; got true'],
        [{ profile: 1 }, 'profile: expected "default" or "rfc9068"; got 1'],
        [{ verification: false }, 'verification: expected "auto", "inline" or "threads"; got false']
    ])("%j says what was meant", (changes, message) => {
        expect(() => createValidator(options(changes))).toThrow(`oidc-spa-native: ${message}`);
    });

    test("options of a class, and of a Promise", () => {
        class Config {
            issuerUri = "https://auth.example.com";
            expectedAudience = AUDIENCE;
        }
        class WithDefault extends Config {
            dpop() {
                return "required";
            }
        }
        const inherited = Object.create({ dpop: "required" }, Object.getOwnPropertyDescriptors(new Config()));
        expect(createValidator(new Config()).dpop).toBe("allowed");
        for (const given of [new WithDefault(), inherited]) {
            expect(() => createValidator(given as ValidatorOptions)).toThrow(
                /the option "dpop" is inherited/
            );
        }
        expect(() => createValidator(Promise.resolve(new Config()) as never)).toThrow(/got a Promise/);
    });

    test("good options of every kind", () => {
        const several = {
            issuerUri: undefined,
            expectedAudience: undefined,
            issuers: [
                { issuerUri: "https://a.example", expectedAudience: ["x", "y"], algorithms: ["ES256"] },
                { issuerUri: "https://b.example/realm/", expectedAudience: false }
            ]
        };
        for (const changes of [
            {},
            several,
            {
                leewaySeconds: 300,
                keysCooldownSeconds: 1,
                keysTimeoutMs: 0,
                proofMaxAgeSeconds: 300,
                proofLeewaySeconds: 0
            },
            { dpop: "required", proofAlgorithms: ["ES256"], trustProxy: 2 },
            { publicBaseUrl: "https://example.com/api", limits: { accessTokenBytes: 1024 } },
            { proofLeewaySeconds: 300, limits: { replayMemoryEntries: 1000 } },
            {
                nonce: "required",
                nonceSecret: "s".repeat(32),
                nonceLeewaySeconds: 60,
                noncePeriodSeconds: 600
            },
            ...(IS_WASM ? [] : [{ nonce: "on-stale-proof" }]),
            { profile: "rfc9068" },
            { acceptIdTokens: true, expectedAudience: false },
            { leewaySeconds: undefined, claims: undefined, trustProxy: false }
        ]) {
            expect(createValidator(options(changes)), JSON.stringify(changes)).toHaveProperty(
                "validateRequest"
            );
        }
    });

    test("Q12: what happens to the options afterwards changes nothing", async () => {
        const audiences = ["https://other.example.com"];
        const mutable = options({ expectedAudience: audiences });
        const made = createValidator(mutable);
        audiences.push(AUDIENCE);
        (mutable as { expectedAudience: unknown }).expectedAudience = false;
        expect(await made.validateRequest(withBearer())).toMatchObject({ code: "audience_mismatch" });
    });

    test("a clock that is broken is the program's error", async () => {
        for (const now of ["now", NaN, Infinity, undefined, 1n]) {
            const broken = createValidator(options({ clock: () => now }));
            await expect(broken.validateRequest(withBearer()), String(now)).rejects.toThrow(TypeError);
        }
    });

    test("ready refuses a timeout that is none", async () => {
        for (const timeoutMs of [-1, NaN, "x", Infinity]) {
            await expect(validator.ready({ timeoutMs: timeoutMs as number })).rejects.toThrow(TypeError);
        }
    });

    test("E11, E12, H39, H41: several issuers, each with its own keys and audience", async () => {
        const other = await createFixtures();
        const both = createValidator({
            issuers: [
                { issuerUri: f.issuer.issuerUri, expectedAudience: AUDIENCE },
                { issuerUri: other.issuer.issuerUri, expectedAudience: "https://other.example.com" }
            ],
            clock: () => NOW * 1000
        });
        await both.ready();
        expect(await both.validateRequest(withBearer())).toMatchObject({
            isSuccess: true,
            issuerUri: f.issuer.issuerUri
        });
        const theirToken = other.token(NOW, { aud: "https://other.example.com" });
        expect(await both.validateRequest(withBearer(theirToken))).toMatchObject({
            isSuccess: true,
            issuerUri: other.issuer.issuerUri
        });
        expect(await both.validateRequest(withBearer(other.token(NOW)))).toMatchObject({
            code: "audience_mismatch"
        });
        const crossed = jws({ alg: "ES256", kid: "es256" }, f.claims(NOW), "ES256", other.keyOf("ES256"));
        expect(await both.validateRequest(withBearer(crossed))).toMatchObject({ code: "signature_invalid" });
        const stranger = f.token(NOW, { iss: "https://evil.example" });
        expect(await both.validateRequest(withBearer(stranger))).toMatchObject({ code: "issuer_mismatch" });
        await other.issuer.close();
    });
});
