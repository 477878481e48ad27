// The pictures, from the results.

import { barChart } from "../compare/report/bar-chart.mjs";
import { ISSUERS, KEYS, LIVE_PROOFS } from "./sizes.mjs";

const NAMES = { worker_threads: "worker_threads", cluster: "in a cluster" };
const ROLES = { worker_threads: "ours", cluster: "peer" };

const SHOWN = {
    1: ["cpu", "CPU of a request, one at a time"],
    64: ["main", "CPU of the main thread a request, 64 in flight"]
};

/** @returns {Record<string, string>} SVG by file name */
export function charts({ sizes, throughput, machine, node, plan }) {
    const where = `${machine.processor}, ${machine.cores} cores, Node.js ${node.version}`;
    const drawn = {};
    if (sizes.length > 0) {
        drawn["cost.svg"] = barChart({
            title: "What a request costs, however much there is",
            subtitle: `Median of ${plan.rounds} rounds, with the least and the most; ES256. ${where}`,
            unit: "µs",
            groups: [LIVE_PROOFS, KEYS, ISSUERS].flatMap(dimension => costs(sizes, dimension))
        });
    }
    if (throughput.length > 0) {
        drawn["throughput.svg"] = barChart({
            title: "Requests a second, by threads and processes",
            subtitle: `64 in flight in each, with the CPU of a request. ${where}, of which the runs got ${coresOf(throughput)}`,
            unit: "/s",
            groups: arrangements(throughput)
        });
    }
    return drawn;
}

function costs(sizes, { id, title }) {
    return Object.entries(SHOWN).flatMap(([concurrency, [which, what]]) => {
        const bars = sizes
            .filter(
                entry => entry.dimension === id && entry.concurrency === Number(concurrency) && entry[which]
            )
            .map(entry => bar(entry.size.toLocaleString("en-GB"), "ours", entry[which]));
        return bars.length === 0 ? [] : [{ title: `By ${title}: ${what}`, bars }];
    });
}

function arrangements(throughput) {
    const keys = [
        ...new Set(throughput.map(({ title, verification }) => JSON.stringify([title, verification])))
    ];
    return keys.map(key => {
        const bars = throughput
            .filter(({ title, verification }) => JSON.stringify([title, verification]) === key)
            .map(({ kind, count, perSecond, cpu }) =>
                bar(`${count} ${NAMES[kind]}, ${cpu.median.toFixed(0)} µs each`, ROLES[kind], perSecond)
            );
        const [title, verification] = JSON.parse(key);
        return { title: `${title}; verification: "${verification}"`, bars };
    });
}

/** On a machine that others use too, fewer than it has. */
function coresOf(throughput) {
    const got = throughput.map(({ cores }) => cores.median).sort((a, b) => a - b);
    return [got[0], got.at(-1)].map(cores => cores.toFixed(1)).join(" to ");
}

function bar(label, role, { median, min, max }) {
    return { label, role, value: median, min, max };
}
