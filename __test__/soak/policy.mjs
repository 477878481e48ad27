// How often an issuer may be asked: the numbers of the documentation, and what follows from them.

/** Pauses after failed attempts: at random up to a bound that doubles, from the least to the most. */
export const RETRY = { leastMs: 1_000, mostMs: 300_000 };
/** An exchange that takes longer is given up. */
const EXCHANGE_MS = 5_000;
/** A scheduled refresh comes after this share of the keys' age, at the earliest. */
const EARLIEST_REFRESH = 0.8;

/**
 * The most requests that each document of the issuer may see while a phase lasts, with the reckoning in words.
 *
 * @param {{ state: string, isGood: boolean, from: number, to: number, retryAfterSeconds?: number }} phase
 * @param {{ cooldownMs: number, ageMs: number }} policy
 */
export function allowed(phase, policy) {
    const length = phase.to - phase.from;
    if (phase.isGood) {
        const onDemand = 1 + Math.floor(length / policy.cooldownMs);
        const scheduled = 1 + Math.floor(length / (policy.ageMs * EARLIEST_REFRESH));
        return {
            // Metadata is read once at the start, and once after a JWK Set that could not be had.
            metadata: 1,
            jwkSet: 1 + onDemand + scheduled,
            why: `1 start or retry + ${onDemand} on demand + ${scheduled} scheduled`
        };
    }
    const attempts = mostAttempts(length, {
        cooldownMs: policy.cooldownMs,
        exchangeMs: phase.state === "silent" ? EXCHANGE_MS : 0,
        retryAfterMs: (phase.retryAfterSeconds ?? 0) * 1000
    });
    return { metadata: attempts, jwkSet: attempts, why: `${attempts} attempts with back-off` };
}

/**
 * Back-off is random, so no small number of attempts is impossible. This is what the unluckiest of many runs of the
 * documented pauses made, and one more.
 */
function mostAttempts(lengthMs, { cooldownMs, exchangeMs, retryAfterMs }) {
    const random = mulberry32(1);
    let most = 0;
    for (let run = 0; run < 50_000; run += 1) {
        let attempts = 0;
        for (let now = 0; now <= lengthMs; attempts += 1) {
            const bound = Math.min(RETRY.leastMs * 2 ** attempts, RETRY.mostMs);
            const pause = Math.max(
                Math.min(bound * random(), cooldownMs),
                RETRY.leastMs / 2,
                Math.min(retryAfterMs, RETRY.mostMs)
            );
            now += exchangeMs + pause;
        }
        most = Math.max(most, attempts);
    }
    return most + 1;
}

/** A seeded source of numbers from 0 to 1: the bound is the same in every run. */
function mulberry32(seed) {
    let state = seed;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
        mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
}
