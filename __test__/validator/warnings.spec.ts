// Warnings for operators: one where a trouble begins, one where it ends, none for each request.

import { createValidator, type OperatorWarning, type ValidatorOptions } from "oidc-spa-native";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { testOfAddon } from "../support/engine.js";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { startLocalIssuer, type LocalIssuer } from "../support/local-issuer.js";
import { script } from "../support/script.js";

let f: Fixtures;
let told: OperatorWarning[];
const emitted = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);

beforeAll(async () => {
    f = await createFixtures();
});
beforeEach(() => {
    told = [];
});
afterEach(() => emitted.mockClear());
afterAll(async () => {
    await f.issuer.close();
    emitted.mockRestore();
});

const onWarning = (warning: OperatorWarning) => void told.push(warning);
const codesEmitted = () => emitted.mock.calls.map(([, how]) => (how as unknown as { code: string }).code);
const turns = () => told.map(({ code, state }) => `${code.slice("OIDC_SPA_NATIVE_".length)} ${state}`);

const startIssuer = (): Promise<LocalIssuer> =>
    startLocalIssuer({ keys: (f.issuer.jwks as { keys: object[] }).keys });
const validatorAt = (issuerUri: string, changes: object = {}) =>
    createValidator({ issuerUri, expectedAudience: AUDIENCE, ...changes } as ValidatorOptions);
const dpop = () => {
    const token = f.boundToken(nowInSeconds());
    return new Request(ITEMS, {
        headers: { authorization: `DPoP ${token}`, dpop: f.proof(nowInSeconds(), token) }
    });
};

/** Fails for some attempts, and is well then. */
async function outage(issuer: LocalIssuer, ...validators: ReturnType<typeof createValidator>[]) {
    issuer.failWith = 500;
    const requests = validators.flatMap(validator => [
        validator.ready({ timeoutMs: 1200 }).catch(() => undefined),
        ...Array.from({ length: 20 }, () =>
            validator.validateRequest({ authorization: `Bearer ${f.token(nowInSeconds())}` })
        )
    ]);
    await Promise.all(requests);
    issuer.failWith = undefined;
    await Promise.all(validators.map(validator => validator.ready()));
    await new Promise(resolve => setTimeout(resolve, 50));
}

test("an issuer that fails and is back: two calls of onWarning, and nothing emitted", async () => {
    const issuer = await startIssuer();
    await outage(issuer, validatorAt(issuer.issuerUri, { onWarning }));
    expect(turns()).toEqual(["KEYS failed", "KEYS recovered"]);
    expect(told[0]).toMatchObject({ issuerUri: issuer.issuerUri, error: expect.stringContaining("500") });
    expect(told[0]?.message).toContain(issuer.issuerUri);
    expect(told[1]).toMatchObject({ issuerUri: issuer.issuerUri, error: null });
    expect(codesEmitted()).toEqual([]);
    await issuer.close();
});

test("without onWarning the process warns, once for all validators of the issuer", async () => {
    const issuer = await startIssuer();
    await outage(issuer, validatorAt(issuer.issuerUri), validatorAt(issuer.issuerUri, { dpop: "required" }));
    expect(codesEmitted()).toEqual(["OIDC_SPA_NATIVE_KEYS", "OIDC_SPA_NATIVE_KEYS"]);
    // It flaps: nothing more is told within ten minutes.
    emitted.mockClear();
    await outage(issuer, validatorAt(issuer.issuerUri, { keysTimeoutMs: 4000 }));
    expect(codesEmitted()).toEqual([]);
    await issuer.close();
});

test("an issuer that is well is not told of", async () => {
    const issuer = await startIssuer();
    await validatorAt(issuer.issuerUri, { onWarning }).ready();
    expect([told, codesEmitted()]).toEqual([[], []]);
    await issuer.close();
});

test.each(["refuse", "process-memory"])(
    "a store of the application, onUnavailable: %s",
    async onUnavailable => {
        let isDown = true;
        const checkAndStore = async () => {
            if (isDown) {
                throw Object.assign(new Error("password=1234"), { code: "ECONNREFUSED" });
            }
            return true;
        };
        const replayStore = { checkAndStore, onUnavailable };
        const validator = validatorAt(f.issuer.issuerUri, { replayStore, onWarning });
        const ask = () => Promise.all(Array.from({ length: 10 }, () => validator.validateRequest(dpop())));
        await ask();
        isDown = false;
        await ask();
        expect(turns()).toEqual(["REPLAY_STORE failed", "REPLAY_STORE recovered"]);
        expect(told[0]?.error).toBe("checkAndStore failed with ECONNREFUSED");
    }
);

testOfAddon("Redis that nobody answers at", async () => {
    const replayStore = { redis: "redis://:sEcReT@127.0.0.1:9" };
    const validator = validatorAt(f.issuer.issuerUri, { replayStore, onWarning });
    const verdicts = await Promise.all(Array.from({ length: 10 }, () => validator.validateRequest(dpop())));
    expect(new Set(verdicts.map(({ code }) => code))).toEqual(new Set(["replay_memory_unavailable"]));
    await vi.waitFor(() => expect(turns()).toEqual(["REPLAY_STORE failed"]), { timeout: 20_000 });
    expect(JSON.stringify(told)).not.toContain("sEcReT");
});

test("the function issuers fails and is back, whatever names tokens hold", async () => {
    let isDown = true;
    const issuers = async (issuerUri: string) => {
        if (isDown) {
            throw new Error("the database is away");
        }
        return issuerUri === f.issuer.issuerUri ? { issuerUri, expectedAudience: AUDIENCE } : null;
    };
    const validator = createValidator({
        issuers,
        onWarning,
        network: { privateAddresses: true }
    } as unknown as ValidatorOptions);
    const ask = (iss: string) =>
        validator.validateRequest({ authorization: `Bearer ${f.token(nowInSeconds(), { iss })}` });
    await Promise.all(Array.from({ length: 10 }, (_, i) => ask(`https://tenant-${i}.example.com`)));
    expect(turns()).toEqual(["ISSUER_LOOKUP failed"]);
    isDown = false;
    expect((await ask(f.issuer.issuerUri)).isSuccess).toBe(true);
    expect(turns()).toEqual(["ISSUER_LOOKUP failed", "ISSUER_LOOKUP recovered"]);
});

test("of many tenants that fail at once, twenty are told, and the last says so", async () => {
    const issuers = (issuerUri: string) => ({
        issuerUri,
        expectedAudience: AUDIENCE,
        jwksUri: `http://127.0.0.1:9/${new URL(issuerUri).hostname}`
    });
    const validator = createValidator({
        issuers,
        onWarning,
        keysTimeoutMs: 2000,
        issuerLookup: { maxAtOnce: 100, maxPerSecond: 100 },
        network: { privateAddresses: true, allowHttp: true }
    } as unknown as ValidatorOptions);
    const asked = await Promise.all(
        Array.from({ length: 60 }, (_, i) => {
            const iss = `https://tenant-${i}.example.com`;
            return validator.validateRequest({ authorization: `Bearer ${f.token(nowInSeconds(), { iss })}` });
        })
    );
    expect(new Set(asked.map(({ code }) => code))).toEqual(new Set(["keys_unavailable"]));
    await vi.waitFor(() => expect(turns()).toHaveLength(20), { timeout: 20_000 });
    expect(new Set(told.map(({ issuerUri }) => issuerUri)).size).toBe(20);
    expect(told.filter(({ message }) => message.includes("the last of 20"))).toEqual([told[19]]);
});

testOfAddon(
    "three threads with the same issuer warn once, and once more when it is back",
    async () => {
        const issuer = await startIssuer();
        issuer.failWith = 500;
        // A busy machine starts the threads late, so the outage ends after the first request.
        const outage = setInterval(() => {
            if (issuer.requests.metadata > 0) {
                clearInterval(outage);
                setTimeout(() => {
                    issuer.failWith = undefined;
                }, 2000);
            }
        }, 50);
        const { stderr } = await script(
            `
        const { Worker } = require("node:worker_threads");
        const program = \`
            const { createValidator } = require("oidc-spa-native");
            const validator = createValidator({ issuerUri: process.env.ISSUER, expectedAudience: "a" });
            validator.ready({ timeoutMs: 10000 }).then(() => new Promise(resolve => setTimeout(resolve, 200)));
        \`;
        for (let i = 0; i < 2; i++) new Worker(program, { eval: true });
        eval(program);
        `,
            "commonjs",
            { ISSUER: issuer.issuerUri }
        );
        expect(stderr.match(/cannot be fetched/g), stderr).toHaveLength(1);
        expect(stderr.match(/are fetched again/g), stderr).toHaveLength(1);
        await issuer.close();
    },
    20_000
);

test("a listener that throws or rejects is warned of once, and ends nothing", async () => {
    const issuer = await startIssuer();
    const failing = [
        () => {
            throw new Error("full");
        },
        async () => Promise.reject(new Error("full"))
    ];
    await outage(issuer, ...failing.map(onWarning => validatorAt(issuer.issuerUri, { onWarning })));
    expect(codesEmitted()).toEqual(["OIDC_SPA_NATIVE_ON_WARNING", "OIDC_SPA_NATIVE_ON_WARNING"]);
    await issuer.close();
});

test.each([["yes"], [true], [null], [{}]])("onWarning: %j is an error", onWarning => {
    expect(() => validatorAt("https://auth.example.com", { onWarning })).toThrow(
        /the option "onWarning": expected a function/
    );
    expect(() => validatorAt("https://auth.example.com", { onWarning: undefined })).not.toThrow();
    expect(() => validatorAt("https://auth.example.com", { onWarnings: () => undefined })).toThrow(
        /did you mean "onWarning"/
    );
});
