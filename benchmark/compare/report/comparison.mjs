// The figures side by side: what the harness itself costs taken off, the best of each kind found, and who wins.

/** A validation's processor time without the harness's own: `which` is `cpu` (whole process) or `main` (main thread). */
export function net(entries, entry, which) {
    const value = entry[which]?.median;
    const own =
        entry.peer === "bare" ? 0 : (entries.find(({ role }) => role === "harness")?.[which]?.median ?? 0);
    return value === undefined ? undefined : Math.max(value - own, 0.05);
}

/** The entries of one case at one concurrency. */
export function cell(results, id, concurrency) {
    return results.validations.filter(entry => entry.case === id && entry.concurrency === concurrency);
}

/** All cells there are, in order. */
export function cells(results) {
    const keys = results.validations.map(entry => `${entry.case} ${entry.concurrency}`);
    return [...new Set(keys)].map(key => {
        const [id, concurrency] = key.split(" ");
        return { id, concurrency: Number(concurrency), entries: cell(results, id, Number(concurrency)) };
    });
}

/** Who is to be compared in a cell: each with its net time, and who is best where there are several. */
export function sides(entries, which) {
    const timed = entries
        .map(entry => ({ ...entry, net: net(entries, entry, which) }))
        .filter(entry => entry.net !== undefined && entry.role !== "harness");
    const of = id => timed.find(({ peer }) => peer === id);
    const best = role => timed.filter(entry => entry.role === role).sort((a, b) => a.net - b.net)[0];
    return {
        ours: of("ours"),
        dropIn: of("ours-server"),
        bestOurs: best("ours"),
        oidcSpa: of("oidc-spa"),
        bestPeer: best("peer"),
        lean: of("lean"),
        bare: of("bare")
    };
}

/** The id of the peer that is this package with its other engine. */
const WEBASSEMBLY = "ours-wasm";

const LESS_IS_BETTER = {
    cpu: "CPU of the process",
    main: "CPU of the main thread",
    p50: "median latency",
    p99: "99th percentile of the latency"
};

/** Wherever another is ahead of the better of our two interfaces on the addon. */
export function losses(results) {
    return [...lossesOfValidations(results), ...lossesOfRequests(results)];
}

function lossesOfValidations(results) {
    return cells(results).flatMap(({ id, concurrency, entries }) =>
        measures(entries).flatMap(({ what, value, timed }) => {
            const isOurs = ({ role, peer }) => role === "ours" && peer !== WEBASSEMBLY;
            const ours = Math.min(...timed.filter(isOurs).map(value));
            const ahead = others(timed)
                .filter(entry => value(entry) < ours)
                .sort((a, b) => value(a) - value(b));
            return ahead.length === 0 || ours === Infinity
                ? []
                : [
                      {
                          where: `${id}, ${concurrency} in flight`,
                          what,
                          unit: "µs",
                          ours,
                          ahead: named(ahead, value)
                      }
                  ];
        })
    );
}

/** The cells with the WebAssembly engine: in each measure its value, the addon's, and the best of the others. */
export function onWebAssembly(results) {
    return cells(results)
        .filter(({ entries }) => entries.some(({ peer }) => peer === WEBASSEMBLY))
        .map(({ id, concurrency, entries }) => ({
            id,
            concurrency,
            sides: measures(entries).map(({ what, value, timed }) => {
                const of = name => timed.filter(({ peer }) => peer === name).map(value)[0];
                const best = others(timed).sort((a, b) => value(a) - value(b))[0];
                const [other] = best === undefined ? [] : named([best], value);
                return { what, ours: of(WEBASSEMBLY), addon: of("ours"), best: other };
            })
        }));
}

/** What is compared in a cell, each with those who have it. */
function measures(entries) {
    return Object.entries(LESS_IS_BETTER).map(([which, what]) => {
        const value = entry =>
            which === "cpu" || which === "main" ? net(entries, entry, which) : entry[which]?.median;
        return {
            what,
            value,
            timed: entries.filter(entry => value(entry) !== undefined && entry.peer !== "bare")
        };
    });
}

function others(entries) {
    return entries.filter(({ role }) => role === "peer" || role === "reference");
}

function lossesOfRequests({ requests }) {
    const keys = [...new Set(requests.map(entry => `${entry.framework}, ${entry.scheme}`))];
    return keys.flatMap(key => {
        const entries = requests.filter(entry => `${entry.framework}, ${entry.scheme}` === key);
        const value = entry => entry.perSecond.median;
        const ours = Math.max(...entries.filter(({ role }) => role === "ours").map(value));
        const ahead = entries.filter(entry => entry.role === "peer" && value(entry) > ours);
        return ahead.length === 0
            ? []
            : [
                  {
                      where: `requests to ${key}`,
                      what: "requests a second",
                      unit: "/s",
                      ours,
                      ahead: named(ahead, value)
                  }
              ];
    });
}

function named(entries, value) {
    return entries.map(entry => ({ title: entry.title, value: value(entry) }));
}
