// What a program can see of its issuers' keys: `health()`, the channel of events, and how a failed start recovers.

import { createPublicKey } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
    createValidator,
    type IssuerHealth,
    type KeysEvent,
    type Validator,
    type ValidatorOptions
} from "oidc-spa-native";
import { oidcSpa } from "oidc-spa-native/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testOfAddon } from "../support/engine.js";
import { AUDIENCE, createFixtures, kidOf, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { jws, type Jwk } from "../support/jwt.js";
import { startLocalIssuer, type LocalIssuer } from "../support/local-issuer.js";
import { script } from "../support/script.js";
import { bearer } from "../drop-in/token-mutations.js";

const CHANNEL = "oidc-spa-native:keys";

let f: Fixtures;

beforeAll(async () => {
    f = await createFixtures();
});

afterAll(() => f.issuer.close());

const keys = (): Jwk[] => (f.issuer.jwks as { keys: Jwk[] }).keys;

/** Two of the keys, so that others are news. */
const startIssuer = (): Promise<LocalIssuer> =>
    startLocalIssuer({ keys: keys().filter(({ kid }) => kid === "es256" || kid === "rs256") });

const validatorOf = (
    { issuerUri }: { issuerUri: string },
    changes: Partial<ValidatorOptions> = {}
): Validator => createValidator({ issuerUri, expectedAudience: AUDIENCE, ...changes } as ValidatorOptions);

const healthOf = (validator: Validator): IssuerHealth => validator.health().issuers[0] as IssuerHealth;

async function judge(validator: Validator, accessToken: string): Promise<string> {
    const verdict = await validator.validateRequest({ authorization: `Bearer ${accessToken}` });
    return verdict.isSuccess ? "granted" : verdict.code;
}

/** Signed with a key that the issuer does not have, under a name that it does not know. */
const strangersToken = ({ issuerUri }: LocalIssuer, kid: string): string =>
    jws({ alg: "ES256", kid }, f.claims(nowInSeconds(), { iss: issuerUri }), "ES256", f.client);

describe("health", () => {
    test("none: before the first fetch, without making one", async () => {
        const issuer = await startIssuer();
        const validator = validatorOf(issuer);
        expect(validator.health()).toMatchObject({
            issuers: [
                {
                    issuerUri: issuer.issuerUri,
                    state: "none",
                    keys: [],
                    fetchedAt: null,
                    nextFetchAt: null,
                    staleSince: null,
                    lastError: null
                }
            ]
        });
        await new Promise(resolve => setTimeout(resolve, 100));
        expect(issuer.requests).toEqual({ metadata: 0, jwks: 0 });
        await issuer.close();
    });

    test("none: with the reason and the time of the next attempt, after one that failed", async () => {
        const issuer = await startIssuer();
        issuer.failWith = 500;
        const validator = validatorOf(issuer);
        // The first may give up before the issuer's answer is there.
        await expect(validator.ready({ timeoutMs: 50 })).rejects.toThrow();
        await expect.poll(() => healthOf(validator).lastError).toContain("500");
        await expect(validator.ready({ timeoutMs: 50 })).rejects.toMatchObject({
            code: "keys_unavailable",
            message: expect.stringContaining("500")
        });
        const health = healthOf(validator);
        expect(health).toMatchObject({ state: "none", keys: [], fetchedAt: null, staleSince: null });
        expect(health.lastError).toContain(issuer.issuerUri);
        await issuer.close();
    });

    test("fresh: keys with their algorithms, and times that make sense", async () => {
        const issuer = await startIssuer();
        const validator = validatorOf(issuer);
        const before = Date.now();
        await validator.ready();
        const after = Date.now();
        const health = healthOf(validator);
        expect(health).toMatchObject({
            issuerUri: issuer.issuerUri,
            state: "fresh",
            staleSince: null,
            lastError: null
        });
        expect(health.keys.map(({ kid }) => kid).sort()).toEqual(["es256", "rs256"]);
        expect(health.keys.find(({ kid }) => kid === "es256")?.algorithms).toEqual(["ES256"]);
        expect(health.keys.find(({ kid }) => kid === "rs256")?.algorithms).toEqual([
            "RS256",
            "RS384",
            "RS512",
            "PS256",
            "PS384",
            "PS512"
        ]);
        expect(health.fetchedAt).toBeGreaterThanOrEqual(before - 5);
        expect(health.fetchedAt).toBeLessThanOrEqual(after + 5);
        const pause = (health.nextFetchAt as number) - (health.fetchedAt as number);
        expect(pause).toBeGreaterThanOrEqual(0.8 * 600_000 - 50);
        expect(pause).toBeLessThanOrEqual(600_000 + 50);
        await new Promise(resolve => setTimeout(resolve, 30));
        expect(
            Math.abs((healthOf(validator).fetchedAt as number) - (health.fetchedAt as number))
        ).toBeLessThan(5);
        await issuer.close();
    });

    test("fresh: for as long as `keysAgeSeconds` or Cache-Control says", async () => {
        for (const [cacheControl, changes, seconds] of [
            ["", { keysAgeSeconds: 120 }, 120],
            ["max-age=300", {}, 300],
            ["max-age=1", {}, 60],
            ["no-store", {}, 60],
            ["max-age=999999999", {}, 86_400]
        ] as const) {
            const issuer = await startIssuer();
            issuer.answerJwks = res => {
                res.writeHead(200, cacheControl === "" ? {} : { "cache-control": cacheControl }).end(
                    JSON.stringify(issuer.jwks)
                );
            };
            const validator = validatorOf(issuer, changes);
            await validator.ready();
            const { fetchedAt, nextFetchAt } = healthOf(validator);
            const pause = (nextFetchAt as number) - (fetchedAt as number);
            expect(pause, cacheControl).toBeGreaterThanOrEqual(0.8 * seconds * 1_000 - 50);
            expect(pause, cacheControl).toBeLessThanOrEqual(seconds * 1_000 + 50);
            await issuer.close();
        }
    });

    test("static: nothing was fetched and nothing will be", async () => {
        const validator = validatorOf(f.issuer, {
            keys: { jwks: { keys: keys() } }
        } as Partial<ValidatorOptions>);
        const { keys: shown, ...rest } = healthOf(validator);
        expect(rest).toEqual({
            issuerUri: f.issuer.issuerUri,
            skippedKeys: [],
            state: "static",
            fetchedAt: null,
            nextFetchAt: null,
            staleSince: null,
            lastError: null,
            clockSkewSeconds: null
        });
        expect(shown.map(({ kid }) => kid).sort()).toEqual([...f.keys.keys()].sort());
        const pem = createPublicKey({
            key: f.keyOf("ES256").publicJwk as { kty: string },
            format: "jwk"
        }).export({ type: "spki", format: "pem" });
        const unnamed = validatorOf(f.issuer, { keys: { pem } } as Partial<ValidatorOptions>);
        expect(healthOf(unnamed).keys).toEqual([{ kid: null, algorithms: ["ES256"] }]);
    });

    test("a refresh that failed is reported, and the good keys stay", async () => {
        const issuer = await startIssuer();
        const validator = validatorOf(issuer);
        await validator.ready();
        const good = healthOf(validator);
        issuer.failWith = 503;
        expect(await judge(validator, strangersToken(issuer, "unknown"))).toBe("key_unknown");
        const health = healthOf(validator);
        expect(health).toMatchObject({ state: "fresh", keys: good.keys, staleSince: null });
        expect(health.lastError).toContain("503");
        expect(Math.abs((health.fetchedAt as number) - (good.fetchedAt as number))).toBeLessThan(5);
        // Sooner than planned: the issuer is to be heard of again.
        expect(health.nextFetchAt).toBeLessThan(Date.now() + 5_000);
        issuer.failWith = undefined;
        await expect.poll(() => healthOf(validator).lastError).toBeNull();
        expect(healthOf(validator).fetchedAt).toBeGreaterThan(good.fetchedAt as number);
        await issuer.close();
    });

    test("of several issuers, in their order, each on its own", async () => {
        const issuer = await startIssuer();
        const validator = createValidator({
            issuers: [
                { issuerUri: "http://127.0.0.1:9/down", expectedAudience: AUDIENCE },
                { issuerUri: issuer.issuerUri, expectedAudience: AUDIENCE },
                {
                    issuerUri: "https://static.example.com",
                    expectedAudience: AUDIENCE,
                    keys: { jwks: { keys: keys() } }
                }
            ]
        });
        await expect(validator.ready({ timeoutMs: 500 })).rejects.toThrow(/127\.0\.0\.1:9/);
        // One that is down does not keep the others from being asked.
        await expect
            .poll(() => validator.health().issuers.map(({ state }) => state))
            .toEqual(["none", "fresh", "static"]);
        await issuer.close();
    });
});

describe("events", () => {
    test("failed, refreshed, recovered, rotated: in this order, on the channel", async () => {
        const issuer = await startIssuer();
        const events: KeysEvent[] = [];
        const listener = (message: unknown): void => {
            const event = message as KeysEvent;
            if (event.issuerUri === issuer.issuerUri) {
                events.push(event);
            }
        };
        const types = (): string[] => events.splice(0).map(({ type }) => type);
        subscribe(CHANNEL, listener);
        try {
            const validator = validatorOf(issuer, { keysCooldownSeconds: 1 });
            issuer.failWith = 500;
            await expect(validator.ready({ timeoutMs: 50 })).rejects.toThrow(Error);
            await expect.poll(() => events.length).toBeGreaterThan(0);
            expect(events[0]).toEqual({
                type: "failed",
                issuerUri: issuer.issuerUri,
                error: expect.stringContaining("500") as string
            });

            issuer.failWith = undefined;
            await validator.ready();
            await expect.poll(() => events.some(({ type }) => type === "recovered")).toBe(true);
            expect(types().filter((type, i, all) => type !== all[i - 1])).toEqual([
                "failed",
                "refreshed",
                "recovered"
            ]);

            issuer.jwks = { keys: keys() };
            expect(await judge(validator, f.token(nowInSeconds(), { iss: issuer.issuerUri }, "ES384"))).toBe(
                "granted"
            );
            await expect.poll(() => events.length).toBe(2);
            expect(types()).toEqual(["refreshed", "rotated"]);

            // The same keys in another order are no rotation; a key that is none for signatures is told, and why.
            const skipped = { ...keys()[0], kid: "skipped", use: "enc" };
            issuer.jwks = { keys: [...[...keys()].reverse(), skipped] };
            await new Promise(resolve => setTimeout(resolve, 1_100));
            expect(await judge(validator, strangersToken(issuer, "unknown"))).toBe("key_unknown");
            await expect.poll(() => events.length).toBe(1);
            const skippedKeys = [{ kid: "skipped", reason: 'its `use` is another than "sig"' }];
            expect(events).toEqual([{ type: "refreshed", issuerUri: issuer.issuerUri, skippedKeys }]);
            expect(validator.health().issuers[0]?.skippedKeys).toEqual(skippedKeys);
        } finally {
            unsubscribe(CHANNEL, listener);
            await issuer.close();
        }
    });

    testOfAddon("in the main thread and in a worker thread, whose end harms nobody", async () => {
        const issuer = await startIssuer();
        const { stdout } = await script(
            `const { Worker } = require("node:worker_threads");
             const { subscribe } = require("node:diagnostics_channel");
             const { createValidator } = require("oidc-spa-native");
             const { ISSUER, AUDIENCE, STRANGER, FRESH } = process.env;
             const seen = { main: [], worker: [] };
             subscribe("${CHANNEL}", ({ type, issuerUri }) => issuerUri === ISSUER && seen.main.push(type));
             const code = \`
                 const { parentPort } = require("node:worker_threads");
                 const { subscribe } = require("node:diagnostics_channel");
                 const { createValidator } = require("oidc-spa-native");
                 const { ISSUER, AUDIENCE } = process.env;
                 subscribe("${CHANNEL}", event => parentPort.postMessage(event));
                 globalThis.validator = createValidator({ issuerUri: ISSUER, expectedAudience: AUDIENCE, keysCooldownSeconds: 1 });
                 parentPort.on("message", () => process.exit());
                 parentPort.postMessage({ type: "begun" });
             \`;
             const worker = new Worker(code, { eval: true });
             const validator = createValidator({ issuerUri: ISSUER, expectedAudience: AUDIENCE, keysCooldownSeconds: 1 });
             const until = async isSo => {
                 for (let i = 0; i < 500 && !isSo(); i++) await new Promise(resolve => setTimeout(resolve, 10));
             };
             const ask = async token => (await validator.validateRequest({ authorization: "Bearer " + token })).code ?? "granted";
             worker.on("message", async ({ type }) => {
                 if (type !== "begun") return seen.worker.push(type);
                 await validator.ready();
                 await until(() => seen.main.length > 0 && seen.worker.length > 0);
                 worker.postMessage("end");
                 await new Promise(resolve => worker.on("exit", resolve));
                 const answers = [await ask(STRANGER), await ask(FRESH)];
                 await until(() => seen.main.length > 1);
                 console.log(seen.main.join(), "|", seen.worker.join(), "|", answers.join());
             });`,
            "commonjs",
            {
                ISSUER: issuer.issuerUri,
                AUDIENCE,
                STRANGER: strangersToken(issuer, "unknown"),
                FRESH: f.token(nowInSeconds(), { iss: issuer.issuerUri })
            }
        );
        expect(stdout).toBe("refreshed,refreshed | refreshed | key_unknown,granted");
        await issuer.close();
    });

    testOfAddon(
        "a subscriber that throws is an uncaught exception of the program; requests and other subscribers go on",
        async () => {
            const issuer = await startIssuer();
            const program = (handler: string): string =>
                `import { subscribe } from "node:diagnostics_channel";
             import { createValidator } from "oidc-spa-native";
             ${handler}
             const { ISSUER, AUDIENCE, TOKEN } = process.env;
             subscribe("${CHANNEL}", () => { throw new Error("the subscriber's own"); });
             let isReported = false;
             subscribe("${CHANNEL}", ({ type }) => { console.log(type); isReported = true; });
             const validator = createValidator({ issuerUri: ISSUER, expectedAudience: AUDIENCE });
             const verdict = await validator.validateRequest({ authorization: "Bearer " + TOKEN });
             while (!isReported) await new Promise(resolve => setTimeout(resolve, 10));
             console.log(verdict.isSuccess);`;
            const env = {
                ISSUER: issuer.issuerUri,
                AUDIENCE,
                TOKEN: f.token(nowInSeconds(), { iss: issuer.issuerUri })
            };
            const { stdout } = await script(
                program('process.on("uncaughtException", error => console.log(error.message));'),
                "module",
                env
            );
            expect(stdout.split("\n")).toEqual(["refreshed", "the subscriber's own", "true"]);
            // As on every channel of Node.js: without a handler the process ends.
            await expect(script(program(""), "module", env)).rejects.toThrow(/the subscriber's own/);
            await issuer.close();
        }
    );

    test("Q21: a subscriber and a validator do not keep the process alive", async () => {
        const issuer = await startIssuer();
        const { stdout } = await script(
            `import { subscribe } from "node:diagnostics_channel";
             import { createValidator } from "oidc-spa-native";
             subscribe("${CHANNEL}", () => undefined);
             globalThis.validator = createValidator({ issuerUri: process.env.ISSUER, expectedAudience: false });
             await validator.ready();
             console.log(validator.health().issuers[0].state);`,
            "module",
            { ISSUER: issuer.issuerUri }
        );
        expect(stdout).toBe("fresh");
        await issuer.close();
    });
});

describe("recovery", () => {
    test("bootstrapAuth: rejects while the issuer is down; the next call does not wait for the pause", async () => {
        const { port, close } = await startIssuer();
        await close();
        const issuerUri = `http://127.0.0.1:${port}`;
        const params = { implementation: "real", issuerUri, expectedAudience: AUDIENCE } as const;
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        // Each failure makes the pause longer: up to two minutes after these. The test would end before.
        for (let i = 0; i < 8; i++) {
            await expect(bootstrapAuth(params)).rejects.toThrow(/issuerUri/);
        }
        const issuer = await startLocalIssuer({ keys: keys(), port });
        await bootstrapAuth(params);
        const result = await validateAndDecodeAccessToken(
            bearer(f.token(nowInSeconds(), { iss: issuerUri }))
        );
        expect(result.isSuccess).toBe(true);
        await issuer.close();
    });

    test("ready: waits for the issuer to come up", async () => {
        const { port, close } = await startIssuer();
        await close();
        const validator = validatorOf({ issuerUri: `http://127.0.0.1:${port}` });
        const ready = validator.ready({ timeoutMs: 15_000 });
        await expect.poll(() => healthOf(validator).lastError).not.toBeNull();
        const issuer = await startLocalIssuer({ keys: keys(), port });
        await ready;
        expect(healthOf(validator)).toMatchObject({ state: "fresh", lastError: null });
        expect(healthOf(validator).keys.map(({ kid }) => kid)).toContain(kidOf("ES512"));
        await issuer.close();
    });
});

test.each([
    [-90, {}, -90],
    [45, {}, 45],
    [0, {}, 0],
    [45, { Age: "1" }, null]
])("the issuer's clock: %i seconds ahead, with %j", async (ahead, fields, expected) => {
    const issuer = await startIssuer();
    const { jwks } = issuer;
    issuer.answerJwks = res => {
        res.setHeader("Date", new Date(Date.now() + ahead * 1000).toUTCString());
        res.setHeader("Content-Type", "application/json");
        Object.entries(fields).forEach(([name, value]) => res.setHeader(name, value));
        res.end(JSON.stringify(jwks));
    };
    const validator = validatorOf(issuer);
    expect(healthOf(validator).clockSkewSeconds).toBeNull();
    await validator.ready();
    const { clockSkewSeconds } = healthOf(validator);
    // `Date` is cut to the second.
    expect(clockSkewSeconds === null ? null : Math.abs(clockSkewSeconds - ahead) <= 1).toBe(
        expected === null ? null : true
    );
    await issuer.close();
});
