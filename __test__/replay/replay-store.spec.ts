// A replay memory of the application's own, and the options of all of them.

import type { CustomReplayStore, ValidatorOptions } from "oidc-spa-native";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { IS_WASM, testOfAddon } from "../support/engine.js";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { newClient, newGuard } from "../support/guarded-process.js";
import { script } from "../support/script.js";

let f: Fixtures;

beforeAll(async () => {
    f = await createFixtures();
});

afterAll(() => f.issuer.close());

const guard = (replayStore: unknown, options?: Partial<ValidatorOptions>) =>
    newGuard(f, replayStore, options);

/** A store that keeps what it was asked, as a program may write it: a class with a state of its own. */
class KeptStore {
    readonly asked: [key: string, expiresAt: number][] = [];
    readonly kept = new Set<string>();

    async checkAndStore(key: string, expiresAt: number): Promise<boolean> {
        this.asked.push([key, expiresAt]);
        const isNew = !this.kept.has(key);
        this.kept.add(key);
        return Promise.resolve(isNew);
    }
}

describe("a store of the application", () => {
    test("L26: is asked once a proof, after every other check, with a key and how long to keep it", async () => {
        const store = new KeptStore();
        const { send, validator } = guard(store);
        const { accessToken, proof } = newClient(f);
        const before = Date.now();
        expect(await send(accessToken, proof())).toBe("granted");
        expect(store.asked).toHaveLength(1);
        const [[key, expiresAt]] = store.asked as [[string, number]];
        expect(key).toMatch(/^[\w-]{43}$/);
        expect(expiresAt - before).toBeGreaterThan(359_000);
        expect(expiresAt - before).toBeLessThanOrEqual(362_000);
        expect(await send(accessToken, f.proof(nowInSeconds(), accessToken, { htm: "POST" }))).toBe(
            "proof_method_mismatch"
        );
        expect(
            (await validator.validateRequest({ authorization: `Bearer ${f.token(nowInSeconds())}` }))
                .isSuccess
        ).toBe(true);
        expect(store.asked).toHaveLength(1);
        expect(validator.health().replayMemory).toMatchObject({
            kind: "custom",
            reachable: true,
            lastError: null,
            notice: null
        });
    });

    test("L04: decides for all who ask it; what it has seen elsewhere is refused here", async () => {
        const store = new KeptStore();
        // Clocks of their own give each a memory of its own, as two processes have.
        const [one, two] = [
            guard(store, { clock: () => Date.now() }),
            guard(store, { clock: () => Date.now() })
        ];
        const { accessToken, proof } = newClient(f);
        const sent = proof();
        expect(await one.send(accessToken, sent)).toBe("granted");
        expect(await two.send(accessToken, sent)).toBe("proof_replayed");
        expect(store.asked).toHaveLength(2);
        expect(store.asked[0]?.[0]).toBe(store.asked[1]?.[0]);
    });

    test("L02: of copies at once one is granted, even if the store calls each of them new", async () => {
        const { send } = guard({ checkAndStore: async () => Promise.resolve(true) });
        const { accessToken, proof } = newClient(f);
        const sent = proof();
        const codes = await Promise.all(Array.from({ length: 50 }, () => send(accessToken, sent)));
        expect(codes.filter(code => code === "granted")).toHaveLength(1);
        expect(codes.filter(code => code === "proof_replayed")).toHaveLength(49);
    });

    const odd: [name: string, answer: () => unknown, trouble: RegExp][] = [
        [
            "throws",
            () => {
                throw new Error("redis://user:sEcReT@host");
            },
            /^checkAndStore failed$/
        ],
        [
            "throws undefined",
            () => {
                throw undefined;
            },
            /^checkAndStore failed$/
        ],
        [
            "rejects",
            () => Promise.reject(Object.assign(new Error("sEcReT"), { code: "ECONNREFUSED" })),
            /^checkAndStore failed with ECONNREFUSED$/
        ],
        [
            "rejects with a code that is none",
            () => Promise.reject(Object.assign(new Error(), { code: "sEcReT" })),
            /^checkAndStore failed$/
        ],
        ["hangs", () => new Promise(() => undefined), /no answer within 50 ms/],
        ["is late", () => new Promise(resolve => setTimeout(resolve, 200, true)), /no answer within 50 ms/],
        ...[undefined, null, "OK", "true", 1, 0, {}, []].map((value): [string, () => unknown, RegExp] => [
            `answers ${JSON.stringify(value)}`,
            () => value,
            /^checkAndStore answered /
        ])
    ];
    test.each(odd)("L22, L23: one that %s grants nothing, in time", async (_name, answer, trouble) => {
        const { verdict, validator } = guard({ checkAndStore: answer, timeoutMs: 50 });
        const { accessToken, proof } = newClient(f);
        const refused = await verdict(accessToken, proof());
        expect(refused).toMatchObject({ code: "replay_memory_unavailable", status: 503 });
        expect(refused.headers["Retry-After"]).toBeDefined();
        expect(refused.headers["WWW-Authenticate"]).toBeUndefined();
        const { reachable, lastError } = validator.health().replayMemory;
        expect(reachable).toBe(false);
        expect(lastError).toMatch(trouble);
        expect(JSON.stringify([refused, lastError])).not.toContain("sEcReT");
    });

    test("a synchronous boolean is taken as well", async () => {
        const { send } = guard({ checkAndStore: () => true });
        const { accessToken, proof } = newClient(f);
        expect(await send(accessToken, proof())).toBe("granted");
    });

    test("a proof that was refused for want of an answer is accepted once the store knows nothing of it", async () => {
        let fails = true;
        const store = new KeptStore();
        const checkAndStore: CustomReplayStore["checkAndStore"] = async (key, expiresAt) => {
            if (fails) {
                throw new Error("away");
            }
            return store.checkAndStore(key, expiresAt);
        };
        const { send } = guard({ checkAndStore });
        const { accessToken, proof } = newClient(f);
        const sent = proof();
        expect(await send(accessToken, sent)).toBe("replay_memory_unavailable");
        fails = false;
        expect(await send(accessToken, sent)).toBe("granted");
        expect(await send(accessToken, sent)).toBe("proof_replayed");
    });

    test("onUnavailable: the process decides where that is written", async () => {
        const { send } = guard({
            checkAndStore: () => Promise.reject(new Error()),
            onUnavailable: "process-memory"
        });
        const { accessToken, proof } = newClient(f);
        const sent = proof();
        expect(await send(accessToken, sent)).toBe("granted");
        expect(await send(accessToken, sent)).toBe("proof_replayed");
    });

    test("`false` is the store's word even then", async () => {
        const { send } = guard({
            checkAndStore: () => Promise.resolve(false),
            onUnavailable: "process-memory"
        });
        const { accessToken, proof } = newClient(f);
        expect(await send(accessToken, proof())).toBe("proof_replayed");
    });

    test("more than 10,000 waiting requests are refused at once", { timeout: 240_000 }, async () => {
        let waiting = 0;
        let most = 0;
        const release: (() => void)[] = [];
        const { send, validator } = guard(
            {
                checkAndStore: () =>
                    new Promise<boolean>(resolve => {
                        most = Math.max(most, ++waiting);
                        release.push(() => resolve(true));
                    }),
                timeoutMs: 10_000
            },
            { clock: () => now }
        );
        const now = Date.now();
        const { accessToken } = newClient(f);
        const proofs = Array.from({ length: 10_050 }, () => f.proof(Math.floor(now / 1000), accessToken));
        await send(accessToken, "no proof"); // the keys are there from here on
        // On a busy machine so many proofs take longer than the longest time limit: it stands still.
        vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
        onTestFinished(() => void vi.useRealTimers());
        const settled = Promise.all(proofs.map(proof => send(accessToken, proof)));
        while (release.length < 10_000) {
            await new Promise(setImmediate);
        }
        expect(validator.health().replayMemory.lastError).toBe(
            "10000 requests wait for checkAndStore already"
        );
        release.forEach(go => go());
        const codes = await settled;
        expect(most).toBe(10_000);
        expect(codes.filter(code => code === "granted")).toHaveLength(10_000);
        expect(codes.filter(code => code === "replay_memory_unavailable")).toHaveLength(50);
    });

    test("no claims are to be had without the store's word, whatever is done with the addon", async () => {
        const now = nowInSeconds();
        const accessToken = f.boundToken(now);
        const { stdout } = await script(
            `const { NativeInbox, NativeValidator } = require("./binding/binding.js");
             const { ISSUER, AUDIENCE, TOKEN, PROOF } = process.env;
             const native = new NativeValidator(JSON.stringify({ issuerUri: ISSUER, expectedAudience: AUDIENCE, replayStore: {} }), { applicationStore: true });
             const alive = setInterval(() => undefined, 1_000);
             const inbox = new NativeInbox(() => {
                 clearInterval(alive);
                 if (inbox.take()[1][0] !== "null") throw new Error("the keys are not there");
                 const ask = () => authorizeRequest(Date.now(), 0, null, 0, 0, "DPoP " + TOKEN, PROOF, "GET", AUDIENCE + "/v1/items");
                 const unsettled = ask();
                 const shown = JSON.stringify([unsettled, Object.getOwnPropertyNames(Object.getPrototypeOf(unsettled)).sort()]);
                 const first = JSON.parse(unsettled.settle(null, "away"));
                 let again = "settled again";
                 try { again = unsettled.settle(true, null)[1]; } catch (error) { again = error.message; }
                 const second = ask();
                 let odd;
                 try { odd = second.settle("OK", null)[1]; } catch (error) { odd = error.code; }
                 const granted = JSON.parse(ask().settle(true, null));
                 console.log(shown, first[0], first[2], again, "|", odd, granted[0], "sub" in granted[8]);
             });
             const { authorizeRequest, ready } = native.doors(inbox);
             ready(7, 5_000, false);`,
            "commonjs",
            { ISSUER: f.issuer.issuerUri, AUDIENCE, TOKEN: accessToken, PROOF: f.proof(now, accessToken) }
        );
        expect(stdout).toBe(
            '[{},["constructor","expiresAt","key","settle"]] -1 replay_memory_unavailable ' +
                "internal error: this request was settled before | BooleanExpected 1 true"
        );
    });
});

describe("options", () => {
    const store = (replayStore: unknown) => () => guard(replayStore);

    test.each<[unknown, RegExp]>([
        [
            {},
            /replayStore: expected \{ redis: "redis:\/\/host:6379" \}, or an object with a function checkAndStore/
        ],
        [{ redis: 1 }, /replayStore: expected/],
        ["redis://127.0.0.1", /replayStore: expected \{ redis: "redis:\/\/host:6379" \}, or an object/],
        [{ redis: "http://sEcReT@host" }, /replayStore\.redis: expected a URL such as/],
        [{ redis: "redis://a:sEcReT@h1:1,h2:2" }, /several hosts are for redis-sentinel/],
        [{ redis: "redis-sentinel://a:sEcReT@h1:1,h2:2" }, /expected the name of what the Sentinel watches/],
        [{ redis: "redis-sentinel://h/mymaster?password=sEcReT" }, /sentinelUsername and sentinelPassword/],
        [{ redis: "redis-cluster://:sEcReT@h:7001/1" }, /a Cluster has no databases/],
        [{ redis: "redis://:sEcReT/sEcReT@h:7001/1" }, /replayStore\.redis: /],
        [{ redis: "redis://h/sEcReT" }, /the number of a database/],
        [{ redis: "redis://h/0?db=1" }, /a query or a fragment/],
        [{ redis: "redis://h:99999" }, /expected a URL/],
        [{ redis: "redis-other://h" }, /expected a URL/],
        [{ redis: "redis://h", ca: "x" }, /write rediss in the URL/],
        [{ redis: "rediss://h", ca: "sEcReT" }, /replayStore\.ca: expected certificates in PEM/],
        [
            { redis: "rediss://h", clientCertificate: { cert: "sEcReT", key: "sEcReT" } },
            /clientCertificate: expected a certificate/
        ],
        [
            { redis: "redis://h", timeoutMs: 5 },
            /replayStore\.timeoutMs: expected a whole number from 10 to 10000; got 5/
        ],
        [
            { redis: "redis://h", onUnavailable: "accept" },
            /replayStore\.onUnavailable: expected "refuse" or "process-memory"/
        ],
        [{ redis: "redis://h", prefix: "x".repeat(257) }, /replayStore\.prefix: expected at most 256 bytes/],
        [
            { redis: "redis://h", timeout: 5 },
            /^oidc-spa-native: unknown option "replayStore\.timeout"; did you mean "timeoutMs"\?/
        ],
        [{ application: true }, /replayStore/],
        [
            { checkAndStore: true },
            /"replayStore.checkAndStore": expected a function; got a value of type boolean. Write/
        ],
        [{ checkAndStore: () => true, redis: "redis://h" }, /not both/],
        [{ checkAndStore: () => true, timeoutMs: 0 }, /timeoutMs: expected/],
        [{ checkAndStore: () => true, onUnavailable: "accept" }, /onUnavailable: expected/]
    ])("%j", (replayStore, message) => {
        const isRedis =
            Object.keys(Object(replayStore)).join() === "redis" ||
            "ca" in Object(replayStore) ||
            "clientCertificate" in Object(replayStore);
        // WebAssembly refuses Redis, and shows as little of it.
        expect(store(replayStore)).toThrow(IS_WASM && isRedis ? /redis/i : message);
        expect(store(replayStore)).toThrow(TypeError);
        expect(store(replayStore)).not.toThrow(/sEcReT/);
    });

    testOfAddon.each([
        "redis://h",
        "redis://[::1]:6380/15",
        "redis://user:p%40ss@h:1/0",
        "rediss://h",
        "redis-sentinel://h1,h2:26380/mymaster",
        "rediss-sentinel://u:p@h1,h2:26380/my%20master/3?sentinelUsername=u&sentinelPassword=p",
        "redis-cluster://h1:7001,h2:7002,[::1]:7003",
        "rediss-cluster://u:p@h1"
    ])("%s", redis => {
        expect(guard({ redis }).validator.health().replayMemory).toEqual({
            kind: "redis",
            reachable: null,
            lastError: null,
            entries: expect.any(Number) as number,
            capacity: 1_000_000,
            notice: null
        });
    });

    test('replayStore is of no use with dpop "disabled"', () => {
        expect(() => guard({ redis: "redis://h" }, { dpop: "disabled" })).toThrow(
            /of no use with dpop "disabled"/
        );
    });
});

describe("a client of Redis in the place of an option", () => {
    const client = { set: async () => "OK", get: async () => null };

    testOfAddon.each([
        ["replayStore: expected { redis } with a URL", client],
        ["replayStore.redis: expected redis with a URL", { redis: client }],
        ["replayStore.redis: expected redis with a URL", { redis: () => client }]
    ])("%s, and where a client goes", (message, replayStore) => {
        expect(() => guard(replayStore)).toThrow(message);
        expect(() => guard(replayStore)).toThrow(/checkAndStore \}, which docs\/dpop\.md shows/);
    });

    testOfAddon("a URL, or a client within checkAndStore, is taken", () => {
        guard({ redis: "redis://127.0.0.1:1" });
        guard({ checkAndStore: async () => (await client.set()) === "OK", set: client.set });
    });
});
