// Whether memory stayed flat, and whether every answer was right.

/** More than this share above the earlier part is growth. */
const TOLERANCE = 0.05;

const MIB = 2 ** 20;

/** What is looked at, with its name. */
export const MEMORIES = {
    rss: "resident memory",
    heap: "JavaScript's heap after a collection",
    external: "buffers outside that heap"
};

/** Small things move by the page: growth below this is none. */
const LEAST_BYTES = { rss: 8 * MIB, heap: 2 * MIB, external: 2 * MIB };

/** The addon's memories fill up with some two million requests. A shorter run can tell a great leak only. */
const REQUESTS_UNTIL_FULL = 2_000_000;
const LEAST_BYTES_UNTIL_FULL = { ...LEAST_BYTES, rss: 32 * MIB };

/** @returns {{ what: string, ok: boolean, found: string }[]} */
export function findings({ requests, samples, granted, refused, wrong }) {
    return [
        ...Object.entries(MEMORIES).map(([name, title]) => flat(name, title, samples, requests)),
        {
            what: "every answer is right",
            ok: granted + refused === requests && wrong.length === 0,
            found: `${granted} granted, ${refused} refused, ${wrong.length} wrong`
        }
    ];
}

/** The fifth of a run in which memory has reached its size, and the last one. */
export function fifths(requests) {
    return { early: [requests / 5, (2 * requests) / 5], late: [(4 * requests) / 5, requests] };
}

function flat(name, title, samples, requests) {
    const { early, late } = fifths(requests);
    const within = ([from, to]) =>
        median(samples.filter(({ at }) => from < at && at <= to).map(sample => sample[name]));
    const [before, after] = [within(early), within(late)];
    const least = early[0] < REQUESTS_UNTIL_FULL ? LEAST_BYTES_UNTIL_FULL : LEAST_BYTES;
    const most = Math.max(before * (1 + TOLERANCE), before + least[name]);
    const mib = bytes => (bytes / MIB).toFixed(1);
    const perRequest = (after - before) / (0.6 * requests);
    return {
        what: `${title} is flat`,
        ok: after <= most,
        found:
            `${mib(before)} MiB in the second fifth of the run, ${mib(after)} MiB in the last (medians; ` +
            `${mib(most)} allowed): ${perRequest.toFixed(2)} bytes a request`
    };
}

function median(values) {
    return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
