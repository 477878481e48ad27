// Who waits for the keys of a slow issuer: tokens that nobody signed take no place of those that may pass.

import type { ServerResponse } from "node:http";
import { createValidator, type Verdict } from "oidc-spa-native";
import { expect, test } from "vitest";
import { AUDIENCE, nowInSeconds } from "../support/fixtures.js";
import { jws, newKey } from "../support/jwt.js";
import { startLocalIssuer } from "../support/local-issuer.js";
import { until } from "../support/redis-server.js";

const PLACES = 4096;
const PLACES_IN_VAIN = 256;
const SENT = PLACES + 200;

/** An issuer that has a new key, and says so when it is told to; a crowd of unsigned tokens for this audience waits. */
async function crowded(audience: string) {
    const latest = newKey("P-256");
    const issuer = await startLocalIssuer({ keys: [{ ...newKey("P-256").publicJwk, kid: "old" }] });
    const validator = createValidator({
        issuerUri: issuer.issuerUri,
        expectedAudience: AUDIENCE,
        keysTimeoutMs: 30_000
    });
    await validator.ready();
    const held: ServerResponse[] = [];
    issuer.answerJwks = res => held.push(res);
    const claims = (aud: string) => ({
        iss: issuer.issuerUri,
        sub: "user",
        aud,
        iat: nowInSeconds(),
        exp: nowInSeconds() + 600
    });
    const judge = (token: string) => validator.validateRequest({ authorization: `Bearer ${token}` });
    const answered: Verdict<unknown>[] = [];
    const payload = Buffer.from(JSON.stringify(claims(audience))).toString("base64url");
    const crowd = Array.from({ length: SENT }, async (_, i) => {
        const header = Buffer.from(JSON.stringify({ alg: "ES256", kid: `${i}` })).toString("base64url");
        const verdict = await judge(`${header}.${payload}.${"A".repeat(86)}`);
        answered.push(verdict);
        return verdict;
    });
    return {
        crowd,
        answered,
        good: () => judge(jws({ alg: "ES256", kid: "new" }, claims(AUDIENCE), "ES256", latest)),
        isAsked: () => held.length > 0,
        answer: () => {
            held.forEach(res => res.end(JSON.stringify({ keys: [{ ...latest.publicJwk, kid: "new" }] })));
            issuer.answerJwks = undefined;
        },
        close: () => issuer.close()
    };
}

const codes = (verdicts: readonly Verdict<unknown>[]): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { code = "granted" } of verdicts) {
        counts[code] = (counts[code] ?? 0) + 1;
    }
    return counts;
};

test("H29: a good token with a new kid has a place beside any number that cannot pass", async () => {
    const { crowd, answered, good, isAsked, answer, close } = await crowded("https://another.example");
    await until("the rest to be refused", () => isAsked() && answered.length === SENT - PLACES_IN_VAIN);
    expect(codes(answered)).toEqual({ keys_unavailable: SENT - PLACES_IN_VAIN });
    const verdict = good();
    answer();
    expect(await verdict).toMatchObject({ isSuccess: true });
    expect(codes(await Promise.all(crowd))).toEqual({
        keys_unavailable: SENT - PLACES_IN_VAIN,
        key_unknown: PLACES_IN_VAIN
    });
    await close();
}, 60_000);

test("H29: where all places are taken, a good token is told to come again, not that its key is unknown", async () => {
    const { crowd, answered, good, isAsked, answer, close } = await crowded(AUDIENCE);
    await until("the rest to be refused", () => isAsked() && answered.length === SENT - PLACES);
    const refused = await good();
    expect(refused).toMatchObject({ code: "keys_unavailable", status: 503 });
    expect(refused.headers["Retry-After"]).toBeDefined();
    answer();
    expect(codes(await Promise.all(crowd))).toEqual({
        keys_unavailable: SENT - PLACES,
        key_unknown: PLACES
    });
    expect(await good()).toMatchObject({ isSuccess: true });
    await close();
}, 60_000);
