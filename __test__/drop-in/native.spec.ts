// The drop-in's way to what goes beyond oidc-spa/server: the parameter `native`, and the response of a refusal.

import { observeMetrics } from "oidc-spa-native/opentelemetry";
import { metricsText } from "oidc-spa-native/prometheus";
import { oidcSpa, type ParamsOfBootstrap } from "oidc-spa-native/server";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { bearer } from "./token-mutations.js";

let f: Fixtures;

beforeAll(async () => {
    f = await createFixtures();
});

afterAll(() => f.issuer.close());

/** A program on the drop-in, and how it judges a bound token with a new proof. */
async function program(native?: ParamsOfBootstrap.Native) {
    const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
    const params = {
        implementation: "real",
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE
    } as const;
    await bootstrapAuth(native === undefined ? params : { ...params, native });
    const withProof = (claims: Record<string, unknown> = {}) => {
        const accessToken = f.boundToken(nowInSeconds());
        const dpopProof = f.proof(nowInSeconds(), accessToken, claims);
        return validateAndDecodeAccessToken({
            scheme: "DPoP",
            accessToken,
            dpopProof,
            expectedHtu: ITEMS,
            expectedHtm: "GET"
        });
    };
    return { validate: validateAndDecodeAccessToken, withProof };
}

test("native.replayStore decides whether a proof is new", async () => {
    const asked: string[] = [];
    const checkAndStore = async (key: string) => {
        asked.push(key);
        return Promise.resolve(asked.length === 1);
    };
    const { withProof } = await program({ replayStore: { checkAndStore } });
    expect((await withProof()).isSuccess).toBe(true);
    expect(await withProof()).toMatchObject({ code: "proof_replayed", response: { status: 401 } });
    expect(asked).toHaveLength(2);
});

test("native.nonce asks for a nonce, and the response brings it", async () => {
    const { withProof } = await program({ nonce: "required", nonceSecret: "s".repeat(32) });
    const refused = await withProof();
    expect(refused).toMatchObject({ code: "proof_nonce_required", response: { status: 401 } });
    const { "DPoP-Nonce": nonce, "WWW-Authenticate": challenge } = refused.isSuccess
        ? {}
        : (refused.response?.headers ?? {});
    expect(challenge).toContain('error="use_dpop_nonce"');
    const granted = await withProof({ nonce });
    expect(granted.isSuccess).toBe(true);
    expect(granted).not.toHaveProperty("response");
    // Without the option nobody is asked.
    expect((await (await program()).withProof()).isSuccess).toBe(true);
});

test("native.nonce brings the next nonce with a grant", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
        const { withProof } = await program({
            nonce: "required",
            nonceSecret: "s".repeat(32),
            noncePeriodSeconds: 60
        });
        const refused = await withProof();
        const nonce = refused.isSuccess ? undefined : refused.response?.headers["DPoP-Nonce"];
        vi.setSystemTime(Date.now() + 60_000);
        const granted = await withProof({ nonce });
        const next = granted.isSuccess ? granted.response?.headers["DPoP-Nonce"] : undefined;
        expect(next).toEqual(expect.stringMatching(/^[\w-]{43}$/));
        expect(next).not.toBe(nonce);
        expect(await withProof({ nonce: next })).not.toHaveProperty("response");
    } finally {
        vi.useRealTimers();
    }
});

test("native.dpop required: no Bearer token enters", async () => {
    const { validate, withProof } = await program({ dpop: "required" });
    const refused = await validate(bearer(f.token(nowInSeconds())));
    expect(refused).toMatchObject({ code: "token_unbound", response: { status: 401 } });
    const challenge = refused.isSuccess ? "" : refused.response?.headers["WWW-Authenticate"];
    expect(challenge).toMatch(/^DPoP /);
    expect(challenge).not.toContain("Bearer");
    // A written false lets a bound token pass without proof, but not here.
    const bound = { ...bearer(f.boundToken(nowInSeconds())), rejectIfAccessTokenDPoPBound: false } as never;
    expect((await validate(bound)).isSuccess).toBe(false);
    expect((await withProof()).isSuccess).toBe(true);

    // Without the option both pass, as in oidc-spa/server.
    const both = await program();
    expect((await both.validate(bearer(f.token(nowInSeconds())))).isSuccess).toBe(true);
    expect((await both.validate(bound)).isSuccess).toBe(true);
});

test("a refusal says what to answer, and a grant needs nothing", async () => {
    const { validate } = await program();
    const now = nowInSeconds();
    expect(await validate(bearer(f.token(now, { exp: now - 60 })))).toMatchObject({
        code: "token_expired",
        response: {
            status: 401,
            headers: { "WWW-Authenticate": expect.stringContaining('Bearer error="invalid_token"') as string }
        }
    });
    expect(
        await validate({ ...bearer(f.boundToken(now)), rejectIfAccessTokenDPoPBound: true } as never)
    ).toMatchObject({ code: "token_bound", response: { status: 401 } });
    // What this layer refuses without the addon has a response too.
    const mismatch = { scheme: "DPoP", accessToken: "a.b.c", dpopProof: "d", expectedHtu: null } as never;
    expect(await validate(mismatch)).toMatchObject({ code: "proof_uri_mismatch", response: { status: 401 } });
    expect(await validate(bearer(f.token(now)))).not.toHaveProperty("response");
});

test("options that are none, or stand elsewhere, are errors", async () => {
    for (const [native, message] of [
        [
            { replayStores: {} },
            'unknown option "replayStores" of bootstrapAuth\'s native; did you mean "replayStore"?'
        ],
        [{ trustProxy: true }, "Write it as a parameter of extractRequestAuthContext"],
        [{ issuerUri: "https://other.example" }, "Write it beside native"],
        [5, "bootstrapAuth's native takes an object of options; got 5"],
        [{ nonce: "maybe" }, "nonce"],
        [{ dpop: "always" }, "native.dpop"],
        [{ dpop: "disabled" }, "native.dpop"],
        [{ network: { timeoutMs: 1 } }, "network.timeoutMs"]
    ] as unknown as [ParamsOfBootstrap.Native, string][]) {
        await expect(program(native), JSON.stringify(native)).rejects.toThrow(message);
    }
    await program({ network: { timeoutMs: 1000 }, verification: "inline", limits: { proofBytes: 4096 } });
});

test("native.health() says how keys and the memory of proofs stand, once bootstrapAuth was called", async () => {
    const { bootstrapAuth, native } = oidcSpa.createUtils();
    expect(native.health()).toBeNull();
    await bootstrapAuth({
        implementation: "real",
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE
    });
    expect(native.health()).toMatchObject({
        issuers: [{ issuerUri: f.issuer.issuerUri, state: "fresh" }],
        replayMemory: { kind: "process" }
    });
});

test("native.health() says that there are no keys where the issuer cannot be reached", async () => {
    const { bootstrapAuth, native } = oidcSpa.createUtils();
    const issuerUri = "http://127.0.0.1:1";
    await expect(
        bootstrapAuth({ implementation: "real", issuerUri, expectedAudience: AUDIENCE })
    ).rejects.toThrow();
    expect(native.health()?.issuers).toMatchObject([{ issuerUri, state: "none" }]);
});

test("native.health() of a mock is null", async () => {
    const { bootstrapAuth, native } = oidcSpa.createUtils();
    await bootstrapAuth({ implementation: "mock", behavior: "decode only" });
    expect(native.health()).toBeNull();
    expect([native.metrics(), await native.explain(bearer("x"))]).toEqual([null, null]);
});

test("a publicBaseUrl in native is refused with the way to say it", async () => {
    const native = { publicBaseUrl: "https://api.example.com" } as ParamsOfBootstrap.Native;
    await expect(program(native)).rejects.toThrow(
        "Write the URL in the request that you give to extractRequestAuthContext"
    );
});

/** Utils whose application takes everybody but "nobody". */
const utilsForSomebody = () =>
    oidcSpa
        .withExpectedDecodedAccessTokenShape({
            decodedAccessTokenSchema: {
                parse: claims => {
                    if (claims.sub === "nobody") {
                        throw new Error("not nobody");
                    }
                    return claims;
                }
            }
        })
        .createUtils();

test("native.metrics() counts, and Prometheus and OpenTelemetry take it before there is something to count", async () => {
    const { native, bootstrapAuth, validateAndDecodeAccessToken } = utilsForSomebody();
    expect(native.metrics()).toBeNull();
    expect(seriesOf(metricsText(native))).toEqual([]);
    observeMetrics(native)();
    await bootstrapAuth({
        implementation: "real",
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE
    });
    const judge = (accessToken: string) => validateAndDecodeAccessToken(bearer(accessToken));
    await judge(f.token(nowInSeconds()));
    await judge(f.token(nowInSeconds(), { sub: "nobody" }));
    await judge("nonsense");
    await validateAndDecodeAccessToken({
        scheme: "DPoP",
        accessToken: f.boundToken(nowInSeconds()),
        dpopProof: "x",
        expectedHtm: null as never,
        expectedHtu: ITEMS
    });
    const { granted, refused, verifications, keys } = native.metrics() ?? {};
    expect(granted).toEqual([{ issuerUri: f.issuer.issuerUri, scheme: "Bearer", count: 1 }]);
    expect(refused).toEqual([
        { code: "claims_rejected", scheme: "Bearer", count: 1 },
        { code: "token_malformed", scheme: "Bearer", count: 1 },
        { code: "proof_method_mismatch", scheme: "DPoP", count: 1 }
    ]);
    expect(verifications).toMatchObject({ inline: 3 });
    expect(keys).toMatchObject([{ issuerUri: f.issuer.issuerUri, fetches: expect.any(Number) }]);
    expect(seriesOf(metricsText(native))).toContain(
        'oidc_validations_total{outcome="refused",scheme="DPoP",code="proof_method_mismatch"} 1'
    );
});

/** The lines that are no comments. */
const seriesOf = (text: string): string[] =>
    text.split("\n").filter(line => line !== "" && !line.startsWith("#"));

test("native.explain() names the refusal of validateAndDecodeAccessToken, and neither grants nor remembers", async () => {
    const { native, bootstrapAuth, validateAndDecodeAccessToken } = utilsForSomebody();
    expect(await native.explain(bearer("x"))).toBeNull();
    await bootstrapAuth({
        implementation: "real",
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE
    });
    const proved = (changes: object = {}) => {
        const accessToken = f.boundToken(nowInSeconds());
        const dpopProof = f.proof(nowInSeconds(), accessToken);
        return {
            scheme: "DPoP",
            accessToken,
            dpopProof,
            expectedHtm: "GET",
            expectedHtu: ITEMS,
            ...changes
        } as const;
    };
    const cases = [
        [bearer(f.token(nowInSeconds(), { aud: "account" })), "token.audience"],
        [bearer(f.token(nowInSeconds(), { sub: "nobody" })), "application.claims"],
        [bearer(f.boundToken(nowInSeconds())), "presentation.scheme"],
        [bearer("nonsense"), "token.form"],
        [proved({ expectedHtu: "https://other.test/" }), "proof.uri"],
        [proved({ expectedHtm: null }), "proof.method"]
    ] as const;
    for (const [params, check] of cases) {
        const explanation = await native.explain(params);
        const { code, debugErrorMessage } = await validateAndDecodeAccessToken(params).then(result =>
            result.isSuccess ? { code: undefined, debugErrorMessage: undefined } : result
        );
        expect(explanation?.refusal).toEqual({ code, debugErrorMessage });
        expect(explanation?.checks.find(({ outcome }) => outcome === "failed")?.id).toBe(check);
        expect(JSON.stringify(explanation)).not.toContain(params.accessToken.slice(-20));
    }
    const good = proved();
    for (let i = 0; i < 2; i++) {
        expect((await native.explain(good))?.refusal).toBeNull();
    }
    const before = native.metrics();
    expect((await validateAndDecodeAccessToken(good)).isSuccess).toBe(true);
    expect((await native.explain(good))?.refusal?.code).toBe("proof_replayed");
    expect(native.metrics()?.granted[0]?.count).toBe((before?.granted[0]?.count ?? 0) + 1);
});
