// The run as a picture.

import { lineChart } from "../compare/report/line-chart.mjs";
import { fifths } from "./verdict.mjs";

const MIB = 2 ** 20;
const LINES = { rss: ["resident", "ours"], heap: ["heap", "reference"], external: ["external", "peer"] };

export function plot({ requests, seconds, samples, findings, machine, node }) {
    const millions = count => count / 1e6;
    const { early, late } = fifths(requests);
    const span = ([from, to], label) => ({ from: millions(from), to: millions(to), label });
    return lineChart({
        title: `Memory over ${requests.toLocaleString("en-GB")} requests: ${findings.every(({ ok }) => ok) ? "flat" : "FAILED"}`,
        subtitle: `${Math.round(seconds / 60)} min of mixed traffic through one validator. ${machine.processor}, Node.js ${node.version}`,
        unit: "MiB",
        along: "million requests",
        lines: Object.entries(LINES).map(([name, [label, role]]) => ({
            label: `${label} ${(samples.at(-1)[name] / MIB).toFixed(name === "rss" ? 0 : 1)} MiB`,
            role,
            points: samples.map(sample => [millions(sample.at), sample[name] / MIB])
        })),
        spans: [span(early, "compared with …"), span(late, "… this")]
    });
}
