// Whether a request costs the same however much there is: each size a validator of its own, all of them measured in
// rounds of random order.

import { measure } from "../compare/meter.mjs";
import { shuffled, spread } from "../compare/statistics.mjs";

const WARM_UP_ROUNDS = 1;
/** Requests before the clock starts. */
const WARM_UP = 200;

/** One request at a time shows what it costs; many at once what the event loop has to bear. */
const CONCURRENCY = [1, 64];

/**
 * @typedef {object} Size
 * @property {number} size
 * @property {{ prepare: (item: object) => unknown, verify: (input: unknown) => Promise<object> }} subject
 * @property {() => Promise<void>} [renew] - brings it back to its size, before each slice
 * @property {(count: number) => Promise<{ token: string, jti: string, proof?: string }[]>} items - new requests
 */

/**
 * @param {{ id: string, title: string }} dimension
 * @param {Size[]} sizes
 * @returns {Promise<object[]>} an entry for each size and concurrency: microseconds of processor time a request
 */
export async function measureSizes({ id, title }, sizes, { rounds, count, show }) {
    const slices = new Map();
    for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
        for (const concurrency of CONCURRENCY) {
            for (const { size, subject, items, renew } of shuffled(sizes)) {
                await renew?.();
                const fresh = await items(WARM_UP + count);
                const slice = await measure({
                    verify: subject.verify,
                    inputs: fresh.map(subject.prepare),
                    expected: fresh.map(({ jti }) => jti),
                    concurrency,
                    warmUp: WARM_UP
                });
                const key = `${size} ${concurrency}`;
                slices.set(key, [...(slices.get(key) ?? []), ...(round < 0 ? [] : [slice])]);
            }
        }
    }
    const measured = sizes.flatMap(({ size }) =>
        CONCURRENCY.map(concurrency => {
            const here = slices.get(`${size} ${concurrency}`);
            const figure = name => spread(here.map(slice => slice[name]));
            return {
                dimension: id,
                size,
                concurrency,
                requests: count,
                cpu: figure("cpu"),
                main: figure("main")
            };
        })
    );
    for (const concurrency of CONCURRENCY) {
        const which = concurrency === 1 ? "cpu" : "main";
        const figures = measured
            .filter(entry => entry.concurrency === concurrency)
            .map(entry => `${entry.size}: ${entry[which]?.median.toFixed(1)}`);
        show(
            `${title}, ${concurrency} in flight, µs of ${which === "cpu" ? "CPU" : "the main thread"}: ${figures.join(" · ")}`
        );
    }
    return measured;
}

/** How many requests of each size a whole measurement takes. */
export function requestsOfASize({ rounds, count }) {
    return (rounds + WARM_UP_ROUNDS) * CONCURRENCY.length * (WARM_UP + count);
}
