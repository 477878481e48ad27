// Requests that end while the application's replay store is asked, as on workerd: nothing goes on, neither the store nor a timer.

import { afterAll, expect, test, vi } from "vitest";

/** What one validator lets wait. */
const MAX_WAITING = 10_000;

// The library takes its clock when it is loaded.
let ahead = 0;
const now = performance.now.bind(performance);
performance.now = () => now() + ahead;
const { createValidator } = await import("oidc-spa-native");
const { AUDIENCE, ITEMS, createFixtures, nowInSeconds } = await import("../support/fixtures.js");
const fixtures = await createFixtures();
afterAll(async () => {
    vi.useRealTimers();
    performance.now = now;
    await fixtures.issuer.close();
});

test("requests that are gone do not keep others from the store", { timeout: 60_000 }, async () => {
    let isSilent = false;
    let asked = 0;
    const validator = createValidator({
        issuerUri: fixtures.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        replayStore: {
            timeoutMs: 10_000,
            checkAndStore: () => {
                asked += 1;
                return isSilent ? new Promise(() => {}) : Promise.resolve(true);
            }
        }
    });
    await validator.ready();
    const validate = () => {
        const token = fixtures.boundToken(nowInSeconds());
        const proof = fixtures.proof(nowInSeconds(), token);
        const fields = { authorization: `DPoP ${token}`, dpop: proof };
        return { fields, verdict: validator.validateRequest(fields, { method: "GET", url: ITEMS }) };
    };
    expect(await validate().verdict).toMatchObject({ isSuccess: true });

    vi.useFakeTimers({ toFake: ["setTimeout"] });
    isSilent = true;
    const { fields } = validate();
    for (let i = 1; i < MAX_WAITING; i++) {
        void validator.validateRequest(fields, { method: "GET", url: ITEMS });
    }
    await vi.waitUntil(() => asked === MAX_WAITING + 1, { timeout: 30_000 });
    expect(await validate().verdict).toMatchObject({ code: "replay_memory_unavailable", status: 503 });

    isSilent = false;
    expect(await validate().verdict).toMatchObject({ code: "replay_memory_unavailable", status: 503 });
    ahead += 11_001;
    expect(await validate().verdict).toMatchObject({ isSuccess: true });
});
