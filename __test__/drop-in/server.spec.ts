// The drop-in where oidc-spa/server has states: start, failure, recovery, mocks, warnings.

import { createRequire } from "node:module";
import * as theirs from "oidc-spa/server";
import { createValidator } from "oidc-spa-native";
import {
    extractRequestAuthContext,
    oidcSpa,
    type DecodedAccessToken_RFC9068,
    type ParamsOfBootstrap
} from "oidc-spa-native/server";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { b64u, jws } from "../support/jwt.js";
import { startLocalIssuer } from "../support/local-issuer.js";
import { bearer } from "./token-mutations.js";

const require = createRequire(import.meta.url);

/** The drop-in as a process that starts has it: what it says once is not said yet. */
function fresh(): typeof oidcSpa {
    for (const path of Object.keys(require.cache).filter(path => path.includes("/dist/"))) {
        delete require.cache[path];
    }
    return (require("oidc-spa-native/server") as { oidcSpa: typeof oidcSpa }).oidcSpa;
}

let f: Fixtures;

beforeAll(async () => {
    f = await createFixtures();
});

afterAll(() => f.issuer.close());

afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
});

const real = (
    issuerUri: string,
    expectedAudience: string | undefined = AUDIENCE
): ParamsOfBootstrap.Real => ({
    implementation: "real",
    issuerUri,
    expectedAudience
});

describe("bootstrapAuth", () => {
    test("the same Promise for every call, and the first parameters win", async () => {
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        const first = bootstrapAuth(real(f.issuer.issuerUri));
        const second = bootstrapAuth(real("https://other.example", "x"));
        expect(second).toBe(first);
        expect(await first).toBeUndefined();
        expect(bootstrapAuth({ implementation: "mock", behavior: "decode only" })).toBe(first);
        const result = await validateAndDecodeAccessToken(bearer(f.token(nowInSeconds())));
        expect(result.isSuccess).toBe(true);
        const forged = await validateAndDecodeAccessToken(
            bearer(`${f.token(nowInSeconds()).slice(0, -8)}AAAAAAAA`)
        );
        expect(forged.isSuccess).toBe(false);
    });

    test("H19, H35: one that failed rejects, is not kept, and requests recover with the issuer", {
        timeout: 60_000
    }, async () => {
        const issuer = await startLocalIssuer({
            keys: f.issuer.jwks === undefined ? [] : (f.issuer.jwks as { keys: [] }).keys
        });
        issuer.failWith = 500;
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        const theirUtils = theirs.oidcSpa.createUtils();

        const failed = bootstrapAuth(real(issuer.issuerUri));
        const ourError: unknown = await failed.catch((error: unknown) => error);
        const theirError: unknown = await theirUtils
            .bootstrapAuth(real(issuer.issuerUri))
            .catch((error: unknown) => error);
        expect(ourError).toBeInstanceOf(Error);
        expect(theirError).toBeInstanceOf(Error);
        const start = `Failed to fetch openid configuration of the issuerUri: ${issuer.issuerUri}`;
        expect((theirError as Error).message.startsWith(start)).toBe(true);
        expect((ourError as Error).message).toContain(start);
        expect((ourError as Error).message.startsWith(start)).toBe(true);

        const token = (): string => f.token(nowInSeconds(), { iss: issuer.issuerUri });
        const during = await validateAndDecodeAccessToken(bearer(token()));
        expect(during).toMatchObject({
            isSuccess: false,
            errorCause: "validation error",
            code: "keys_unavailable"
        });

        issuer.failWith = undefined;
        const again = bootstrapAuth(real(issuer.issuerUri));
        expect(again).not.toBe(failed);
        await again;
        expect(bootstrapAuth(real(issuer.issuerUri))).toBe(again);
        expect((await validateAndDecodeAccessToken(bearer(token()))).isSuccess).toBe(true);
        await issuer.close();
    });

    test("without a second call, requests recover by themselves", { timeout: 60_000 }, async () => {
        const issuer = await startLocalIssuer({ keys: (f.issuer.jwks as { keys: [] }).keys });
        issuer.failWith = 503;
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        await expect(bootstrapAuth(real(issuer.issuerUri))).rejects.toThrow(/issuerUri/);
        issuer.failWith = undefined;
        await vi.waitFor(
            async () => {
                const token = f.token(nowInSeconds(), { iss: issuer.issuerUri });
                expect((await validateAndDecodeAccessToken(bearer(token))).isSuccess).toBe(true);
            },
            { timeout: 45_000, interval: 500 }
        );
        await issuer.close();
    });

    test("H16: an issuer that does not answer makes no request hang", { timeout: 60_000 }, async () => {
        const issuer = await startLocalIssuer();
        issuer.isSilent = true;
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        const bootstrapped = bootstrapAuth(real(issuer.issuerUri)).then(
            () => "resolved",
            () => "rejected"
        );
        const result = await validateAndDecodeAccessToken(
            bearer(f.token(nowInSeconds(), { iss: issuer.issuerUri }))
        );
        expect(result).toMatchObject({ isSuccess: false, code: "keys_unavailable" });
        expect(await bootstrapped).toBe("rejected");
        await issuer.close();
    });

    test("a validation that came before the call waits for it", async () => {
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        const early = validateAndDecodeAccessToken(bearer(f.token(nowInSeconds())));
        await new Promise(resolve => setTimeout(resolve, 50));
        await bootstrapAuth(real(f.issuer.issuerUri));
        expect((await early).isSuccess).toBe(true);
    });

    test("a validation without any call is answered in a bounded time", async () => {
        const { validateAndDecodeAccessToken } = oidcSpa.createUtils();
        const result = await validateAndDecodeAccessToken(bearer(f.token(nowInSeconds())));
        expect(result).toMatchObject({
            isSuccess: false,
            errorCause: "validation error",
            code: "keys_unavailable"
        });
        expect(result.debugErrorMessage).toContain("bootstrapAuth was not called");
    });

    test("parameters that make no sense are refused, and mocks are never guessed", async () => {
        for (const params of [
            undefined,
            {},
            { implementation: "reel", issuerUri: f.issuer.issuerUri, expectedAudience: AUDIENCE },
            { implementation: "mock" },
            { implementation: "mock", behavior: "decode" },
            { implementation: "mock", behavior: "decode only", native: { refuseMock: true } },
            { implementation: "mock", behavior: "decode only", native: { refuseMockInProduction: "yes" } },
            { implementation: "mock", behavior: "decode only", native: true },
            {
                implementation: "mock",
                behavior: "decode only",
                native: Object.create({ refuseMockInProduction: true })
            },
            { ...real(f.issuer.issuerUri), native: { refuseMocksInProduction: true } },
            { ...real(f.issuer.issuerUri), expectedAudience: null },
            { ...real(f.issuer.issuerUri), expectedAudience: false },
            { ...real(f.issuer.issuerUri), expectedAudience: /api/ },
            { ...real(f.issuer.issuerUri), expectedAudience: [AUDIENCE] },
            real("not a url"),
            real("http://issuer.example")
        ]) {
            const { bootstrapAuth } = oidcSpa.createUtils();
            await expect(
                bootstrapAuth(params as ParamsOfBootstrap.Real),
                JSON.stringify(params)
            ).rejects.toThrow(TypeError);
        }
    });

    test("E21: an audience that is not checked is told once in a process", async () => {
        const emitWarning = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
        for (let i = 0; i < 3; i++) {
            const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
            await bootstrapAuth({ ...real(f.issuer.issuerUri), expectedAudience: undefined });
            const result = await validateAndDecodeAccessToken(
                bearer(f.token(nowInSeconds(), { aud: "anything" }))
            );
            expect(result.isSuccess).toBe(true);
        }
        const warnings = emitWarning.mock.calls.filter(([message]) =>
            String(message).includes("expectedAudience")
        );
        expect(warnings).toHaveLength(1);
    });
});

describe("what a success holds", () => {
    test("without a schema, both claims are the same object", async () => {
        for (const spa of [oidcSpa, theirs.oidcSpa]) {
            const { bootstrapAuth, validateAndDecodeAccessToken } = spa.createUtils();
            await bootstrapAuth(real(f.issuer.issuerUri));
            const accessToken = f.token(nowInSeconds());
            const result = await validateAndDecodeAccessToken(bearer(accessToken));
            expect(result).toMatchObject({ isSuccess: true, accessToken });
            expect(result.decodedAccessToken).toBe(result.decodedAccessToken_original);
            expect(result.decodedAccessToken?.sub).toBe("user-1");
        }
    });

    test("with a schema, the claims are what its parse returned for the original", async () => {
        const seen: unknown[] = [];
        const decodedAccessTokenSchema = {
            parse: (claims: DecodedAccessToken_RFC9068) => {
                seen.push(claims);
                return { user: claims.sub };
            }
        };
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
            .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema })
            .createUtils();
        await bootstrapAuth(real(f.issuer.issuerUri));
        const result = await validateAndDecodeAccessToken(bearer(f.token(nowInSeconds())));
        expect(result.decodedAccessToken).toEqual({ user: "user-1" });
        expect(seen).toHaveLength(1);
        expect(result.decodedAccessToken_original).toBe(seen[0]);
    });

    test("a schema's refusal carries its report, whatever it throws", async () => {
        for (const [thrown, report] of [
            [new Error("no role"), "no role"],
            ["text", "text"],
            [null, "the schema threw something that is not an Error"]
        ] as const) {
            const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
                .withExpectedDecodedAccessTokenShape({
                    decodedAccessTokenSchema: {
                        parse: (): { sub: string } => {
                            throw thrown;
                        }
                    }
                })
                .createUtils();
            await bootstrapAuth(real(f.issuer.issuerUri));
            expect(await validateAndDecodeAccessToken(bearer(f.token(nowInSeconds())))).toEqual({
                isSuccess: false,
                errorCause: "validation error",
                debugErrorMessage: `The decoded access token does not satisfies the shape that the application expects: ${report}`,
                code: "claims_rejected",
                response: {
                    status: 401,
                    headers: {
                        "WWW-Authenticate": expect.stringContaining('error="invalid_token"') as string
                    }
                }
            });
        }
    });

    test("a schema whose parse is asynchronous grants nothing", async () => {
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
            .withExpectedDecodedAccessTokenShape({
                decodedAccessTokenSchema: {
                    parse: async () => Promise.reject(new Error("the user is blocked"))
                } as never
            })
            .createUtils();
        await bootstrapAuth(real(f.issuer.issuerUri));
        const result = await validateAndDecodeAccessToken(bearer(f.token(nowInSeconds())));
        expect(result).toMatchObject({ isSuccess: false, code: "claims_rejected" });
    });

    test("what a schema makes of a Promise-like value grants nothing", async () => {
        const thenable = { then: (settle: (value: unknown) => void) => settle({ sub: "user-1" }) };
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
            .withExpectedDecodedAccessTokenShape({
                decodedAccessTokenSchema: { parse: () => thenable as never }
            })
            .createUtils();
        await bootstrapAuth(real(f.issuer.issuerUri));
        const result = await validateAndDecodeAccessToken(bearer(f.token(nowInSeconds())));
        expect(result).toMatchObject({ isSuccess: false, code: "claims_rejected" });
    });

    test("O02: what a schema quotes of a claim forges no line of a log", async () => {
        const parse = ({ name }: Record<string, unknown>) => {
            throw new Error(`bad name: ${String(name)}`);
        };
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
            .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: { parse } })
            .createUtils();
        await bootstrapAuth(real(f.issuer.issuerUri));
        const token = f.token(nowInSeconds(), { name: 'a\n{"level":"info"}\u001b[31m\u2028b' });
        const result = await validateAndDecodeAccessToken(bearer(token));
        const ours = createValidator({
            issuerUri: f.issuer.issuerUri,
            expectedAudience: AUDIENCE,
            claims: { parse }
        });
        const verdict = await ours.validateRequest({ authorization: `Bearer ${token}` });
        for (const refusal of [result, verdict]) {
            expect(refusal).toMatchObject({
                code: "claims_rejected",
                debugErrorMessage: expect.stringMatching(
                    /: bad name: a \{"level":"info"\}\\u\{1b\}\[31m\\u\{2028\}b$/
                )
            });
        }
    });

    test.each([
        ["htm", null, undefined, "proof_method_mismatch"],
        ["htu", undefined, null, "proof_uri_mismatch"],
        ["both", null, null, "proof_method_mismatch"],
        ["a URL", undefined, new URL(ITEMS), "proof_uri_mismatch"],
        ["a number", 7, undefined, "proof_method_mismatch"]
    ])(
        "K01, K06: a proof for nothing fits no request, where %s is expected as no string",
        async (_what, htm, htu, code) => {
            const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
            await bootstrapAuth(real(f.issuer.issuerUri));
            const accessToken = f.boundToken(nowInSeconds());
            const dpopProof = f.proof(nowInSeconds(), accessToken, { htm: undefined, htu: undefined });
            const expected = { expectedHtm: htm as never, expectedHtu: htu as never };
            const result = await validateAndDecodeAccessToken({
                scheme: "DPoP",
                accessToken,
                dpopProof,
                ...expected
            });
            expect(result).toMatchObject({ isSuccess: false, errorCause: "validation error", code });
        }
    );

    test.each(["\n", "\r\n", "\u2028"])("I09: no line ends within credentials: %j", lineEnd => {
        const headers = { authorization: `Bearer a.b.c${lineEnd}x`, dpop: "a.b.c" };
        const request = { method: "GET", url: "/", headers, socket: { encrypted: true } } as never;
        expect(extractRequestAuthContext({ request, trustProxy: false })).toMatchObject({
            isWellFormed: false
        });
    });

    test("E01, O15: Date.now() is read at each call", async () => {
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        await bootstrapAuth(real(f.issuer.issuerUri));
        const now = nowInSeconds();
        const accessToken = f.token(now, { exp: now + 100 });
        expect((await validateAndDecodeAccessToken(bearer(accessToken))).isSuccess).toBe(true);
        vi.useFakeTimers({ toFake: ["Date"], now: (now + 100) * 1000 });
        expect(await validateAndDecodeAccessToken(bearer(accessToken))).toMatchObject({
            isSuccess: false,
            errorCause: "validation error - access token expired",
            code: "token_expired"
        });
    });

    test("rejectIfAccessTokenDPoPBound: false warns in development, and only there", async () => {
        const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        await bootstrapAuth(real(f.issuer.issuerUri));
        const bound = f.boundToken(nowInSeconds());
        vi.stubEnv("NODE_ENV", "production");
        expect((await validateAndDecodeAccessToken(bearer(bound, false))).isSuccess).toBe(true);
        expect(warn).not.toHaveBeenCalled();
        vi.stubEnv("NODE_ENV", "development");
        expect((await validateAndDecodeAccessToken(bearer(bound, false))).isSuccess).toBe(true);
        expect(warn).toHaveBeenCalledOnce();
        expect(String(warn.mock.calls[0])).toContain("rejectIfAccessTokenDPoPBound");
        expect(String(warn.mock.calls[0])).not.toContain(bound);
    });

    test("L01: two utils of one process do not accept the same proof", async () => {
        const accessToken = f.boundToken(nowInSeconds());
        const params = {
            scheme: "DPoP",
            accessToken,
            dpopProof: f.proof(nowInSeconds(), accessToken),
            expectedHtm: "GET",
            expectedHtu: ITEMS
        } as const;
        const results = [];
        for (let i = 0; i < 2; i++) {
            const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
            await bootstrapAuth(real(f.issuer.issuerUri));
            results.push(await validateAndDecodeAccessToken(params));
        }
        expect(results.map(({ isSuccess }) => isSuccess)).toEqual([true, false]);
    });

    test("L02: of a hundred requests with one proof, one is accepted", async () => {
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        await bootstrapAuth(real(f.issuer.issuerUri));
        const accessToken = f.boundToken(nowInSeconds());
        const dpopProof = f.proof(nowInSeconds(), accessToken);
        const results = await Promise.all(
            Array.from({ length: 100 }, () =>
                validateAndDecodeAccessToken({
                    scheme: "DPoP",
                    accessToken,
                    dpopProof,
                    expectedHtm: "GET",
                    expectedHtu: ITEMS
                })
            )
        );
        expect(results.filter(({ isSuccess }) => isSuccess)).toHaveLength(1);
    });
});

describe('mock, "use static identity"', () => {
    const mock: ParamsOfBootstrap.Mock.UseStaticIdentity<{ sub: string }> = {
        implementation: "mock",
        behavior: "use static identity",
        decodedAccessToken_mock: { sub: "mock" }
    };
    const original: DecodedAccessToken_RFC9068 = { iss: "i", sub: "s", aud: "a", exp: 1, iat: 1 };
    const schema = { decodedAccessTokenSchema: z.object({ sub: z.string() }) };

    test.each([
        ["ours", oidcSpa],
        ["theirs", theirs.oidcSpa]
    ])("%s: what was not provided throws when it is read", async (_, spa) => {
        const { bootstrapAuth, validateAndDecodeAccessToken } = spa
            .withExpectedDecodedAccessTokenShape(schema)
            .createUtils();
        await bootstrapAuth(mock);
        const result = await validateAndDecodeAccessToken(bearer("whatever"));
        expect(result.isSuccess).toBe(true);
        expect(result.decodedAccessToken).toBe(mock.decodedAccessToken_mock);
        expect(() => result.accessToken).toThrow(
            new Error("oidc-spa: No mock provided for accessToken. Provide accessToken_mock to bootstrapAuth")
        );
        expect(() => result.decodedAccessToken_original).toThrow(
            new Error(
                "oidc-spa: No mock provided for decodedAccessToken_original. Provide decodedAccessToken_original_mock to bootstrapAuth"
            )
        );
    });

    test.each([
        ["ours", oidcSpa],
        ["theirs", theirs.oidcSpa]
    ])("%s: what was provided is returned", async (_, spa) => {
        const { bootstrapAuth, validateAndDecodeAccessToken } = spa
            .withExpectedDecodedAccessTokenShape(schema)
            .createUtils();
        await bootstrapAuth({ ...mock, accessToken_mock: "", decodedAccessToken_original_mock: original });
        const result = await validateAndDecodeAccessToken(bearer("whatever"));
        expect(result.accessToken).toBe("");
        expect(result.decodedAccessToken_original).toBe(original);
    });
});

describe('mock, "decode only"', () => {
    const claims = { iss: "i", sub: "s", aud: "a", exp: 1, iat: 1 };
    const unsigned = (payload: unknown): string =>
        `${b64u('{"alg":"none"}')}.${b64u(typeof payload === "string" ? payload : JSON.stringify(payload))}.`;
    const decode = async (spa: typeof oidcSpa | typeof theirs.oidcSpa, accessToken: string) => {
        const { bootstrapAuth, validateAndDecodeAccessToken } = spa.createUtils();
        await bootstrapAuth({ implementation: "mock", behavior: "decode only" });
        return validateAndDecodeAccessToken(bearer(accessToken));
    };

    test("an expired and unsigned token is believed, as in oidc-spa/server", async () => {
        const accessToken = unsigned({ ...claims, name: "é😀" });
        const [result, reference] = [
            await decode(oidcSpa, accessToken),
            await decode(theirs.oidcSpa, accessToken)
        ];
        expect(result).toEqual(reference);
        expect(result).toMatchObject({ isSuccess: true, decodedAccessToken: { name: "é😀" }, accessToken });
        expect(result.decodedAccessToken).toBe(result.decodedAccessToken_original);
    });

    const shapes: Record<string, unknown> = {
        array: [],
        null: null,
        string: '"x"',
        ...Object.fromEntries(
            Object.keys(claims).map(name => [`${name} absent`, { ...claims, [name]: undefined }])
        ),
        ...Object.fromEntries(Object.keys(claims).map(name => [`${name} null`, { ...claims, [name]: null }])),
        ...Object.fromEntries(
            ["sub", "aud", "exp", "iat"].map(name => [`${name} object`, { ...claims, [name]: {} }])
        ),
        ...Object.fromEntries(
            ["client_id", "scope", "jti", "nbf", "auth_time", "cnf"].flatMap(name => [
                [`${name} null`, { ...claims, [name]: null }],
                [`${name} boolean`, { ...claims, [name]: true }],
                [`${name} list`, { ...claims, [name]: [] }],
                [`${name} string`, { ...claims, [name]: "x" }],
                [`${name} number`, { ...claims, [name]: 1.5 }]
            ])
        ),
        "aud list": { ...claims, aud: ["a", "b"] },
        "aud empty list": { ...claims, aud: [] },
        "aud list with a number": { ...claims, aud: ["a", 1] },
        "exp overflow": JSON.stringify(claims).replace('"exp":1', '"exp":1e999'),
        "exp negative": { ...claims, exp: -1 },
        "cnf object": { ...claims, cnf: { jkt: 1 } },
        "custom claims": { ...claims, x: { y: [1, null] } }
    };
    test.each(Object.entries(shapes))("%s: the same verdict as oidc-spa/server", async (_, payload) => {
        const accessToken = unsigned(payload);
        const [result, reference] = [
            await decode(oidcSpa, accessToken),
            await decode(theirs.oidcSpa, accessToken)
        ];
        expect(result.isSuccess).toBe(reference.isSuccess);
        if (reference.isSuccess) {
            expect(result).toEqual(reference);
        } else {
            const sentence = "The decoded access token does not satisfies the shape mandated by RFC9068: ";
            expect(reference.debugErrorMessage.startsWith(sentence)).toBe(true);
            expect(result.debugErrorMessage?.startsWith(sentence)).toBe(true);
            expect(result.errorCause).toBe(reference.errorCause);
        }
    });

    test("intended difference: a token that cannot be decoded is a result, where oidc-spa/server rejects", async () => {
        for (const accessToken of ["", "x", "a.b", "a.!.c", `a.${b64u("{")}.c`]) {
            await expect(decode(theirs.oidcSpa, accessToken), accessToken).rejects.toThrow();
            expect(await decode(oidcSpa, accessToken), accessToken).toMatchObject({
                isSuccess: false,
                errorCause: "validation error",
                code: "token_malformed"
            });
        }
    });

    test("the application's schema is applied", async () => {
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
            .withExpectedDecodedAccessTokenShape({
                decodedAccessTokenSchema: z.object({ sub: z.literal("s") })
            })
            .createUtils();
        await bootstrapAuth({ implementation: "mock", behavior: "decode only" });
        expect(await validateAndDecodeAccessToken(bearer(unsigned(claims)))).toMatchObject({
            isSuccess: true,
            decodedAccessToken: { sub: "s" },
            decodedAccessToken_original: claims
        });
        expect(await validateAndDecodeAccessToken(bearer(unsigned({ ...claims, sub: "t" })))).toMatchObject({
            isSuccess: false,
            code: "claims_rejected"
        });
    });

    test("a signed token of a real issuer is decoded without being verified", async () => {
        const token = jws({ alg: "ES256", kid: "x" }, claims, "ES256", f.client);
        expect((await decode(oidcSpa, token)).isSuccess).toBe(true);
    });
});

describe("a mock in production", () => {
    const mocks: ParamsOfBootstrap.Mock<DecodedAccessToken_RFC9068>[] = [
        { implementation: "mock", behavior: "decode only" },
        {
            implementation: "mock",
            behavior: "use static identity",
            decodedAccessToken_mock: { iss: "i", sub: "s", aud: "a", exp: 1, iat: 1 }
        }
    ];
    const unsigned = `${b64u("{}")}.${b64u('{"iss":"i","sub":"s","aud":"a","exp":1,"iat":1}')}.`;

    /** What is said where all mocks start, and start again; and whether a request enters then. */
    const start = async (NODE_ENV: string | undefined, native?: ParamsOfBootstrap.Native) => {
        vi.stubEnv("NODE_ENV", NODE_ENV);
        const { createUtils } = fresh();
        const emitWarning = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
        emitWarning.mockClear();
        const answers: unknown[] = [];
        for (const mock of [...mocks, ...mocks]) {
            const { bootstrapAuth, validateAndDecodeAccessToken } = createUtils();
            const answer = bootstrapAuth(native === undefined ? mock : { ...mock, native }).then(
                async () => (await validateAndDecodeAccessToken(bearer(unsigned))).isSuccess,
                (error: Error) => error.message
            );
            answers.push(await answer);
        }
        return {
            answers,
            codes: emitWarning.mock.calls.map(([, options]) => (options as { code: string }).code)
        };
    };

    test("warns once, with a code, and enters", async () => {
        for (const name of ["production", "Production "]) {
            const { answers, codes } = await start(name);
            expect(answers).toEqual([true, true, true, true]);
            expect(codes).toEqual(["OIDC_SPA_NATIVE_MOCK_IN_PRODUCTION"]);
        }
        for (const name of [undefined, "development", "test"]) {
            expect(await start(name)).toEqual({ answers: [true, true, true, true], codes: [] });
        }
    });

    test("is refused where it is written so, and in production alone", async () => {
        const { answers, codes } = await start("production", { refuseMockInProduction: true });
        expect(new Set(answers).size).toBe(1);
        expect(answers[0]).toContain('implementation "mock" while NODE_ENV is "production"');
        expect(codes).toEqual([]);
        expect((await start("production", { refuseMockInProduction: false })).answers).toEqual(
            Array(4).fill(true)
        );
        expect(await start("test", { refuseMockInProduction: true })).toEqual({
            answers: Array(4).fill(true),
            codes: []
        });
    });

    test("the option changes nothing for real issuers", async () => {
        vi.stubEnv("NODE_ENV", "production");
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        await bootstrapAuth({ ...real(f.issuer.issuerUri), native: { refuseMockInProduction: true } });
        expect((await validateAndDecodeAccessToken(bearer(f.token(nowInSeconds())))).isSuccess).toBe(true);
        expect((await validateAndDecodeAccessToken(bearer(unsigned))).isSuccess).toBe(false);
    });
});

test("ofTypeDecodedAccessToken holds what oidc-spa/server's holds", () => {
    expect(oidcSpa.createUtils().ofTypeDecodedAccessToken).toBe(
        theirs.oidcSpa.createUtils().ofTypeDecodedAccessToken
    );
});

test("the builder offers what oidc-spa/server's does, and `native`", () => {
    expect(Object.keys(oidcSpa).sort()).toEqual(Object.keys(theirs.oidcSpa).sort());
    expect(Object.keys(oidcSpa.createUtils()).sort()).toEqual(
        [...Object.keys(theirs.oidcSpa.createUtils()), "native"].sort()
    );
});
