// RESULTS.md, from the results.

import { CASES } from "../cases.mjs";
import { DEFERRED, UNPROTECTED } from "../requests/plan.mjs";
import { isUnguarded, overlapNote } from "./charts.mjs";
import { cells, losses, net, onWebAssembly, sides } from "./comparison.mjs";

/** @returns {string} */
export function markdown(results) {
    return [
        "# Results",
        "Written by `npm run bench`; do not edit. What is measured, and how: [README.md](README.md).",
        about(results),
        ...(results.validations.length > 0
            ? [
                  "## One at a time: CPU of the whole process",
                  glance(results, 1, "cpu"),
                  "## 64 in flight: CPU of the main thread",
                  glance(results, 64, "main"),
                  "## 64 in flight: CPU of the whole process",
                  glance(results, 64, "cpu")
              ]
            : []),
        "## Where others are ahead",
        lossList(results),
        ...webAssemblyTable(results),
        ...(results.requests.length > 0 ? ["## Whole requests", ...requestTables(results)] : []),
        ...(results.memory.length > 0 ? ["## Memory", memoryTable(results)] : []),
        ...(results.refused.length > 0 ? ["## Not timed", refusedList(results)] : []),
        ...(results.validations.length > 0 ? ["## Every validation", ...cells(results).map(cellTable)] : [])
    ]
        .join("\n\n")
        .concat("\n");
}

function about({ measuredAt, seconds, machine, node, versions, options, loadBefore }) {
    const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
    return [
        `${measuredAt.slice(0, 10)}, ${Math.round(seconds / 60)} min, rounds: ${options.rounds}. ` +
            `${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}. ` +
            `Node.js ${node.version} (V8 ${node.v8}, OpenSSL ${node.openssl}). ` +
            `Load of the machine before the run: ${loadBefore.toFixed(2)}.`,
        "",
        `Versions: ${list.join(", ")}.`,
        "",
        "Times are µs, medians over the rounds. What the harness itself costs is taken off, but not in the tables under " +
            '"Every validation". A number with × says how many times ours that is: below 1 the other one is ahead.'
    ].join("\n");
}

function glance(results, concurrency, which) {
    const rows = cells(results)
        .filter(cell => cell.concurrency === concurrency)
        .map(({ id, entries }) => {
            const { ours, dropIn, bestOurs, oidcSpa, bestPeer, lean, bare } = sides(entries, which);
            const times = other => (other && bestOurs ? `${(other.net / bestOurs.net).toFixed(1)} ×` : "");
            return [
                `**${id}** ${CASES.find(kase => kase.id === id).title}`,
                micros(ours?.net),
                micros(dropIn?.net),
                oidcSpa ? `${micros(oidcSpa.net)} (${times(oidcSpa)})` : "refuses it",
                bestPeer ? `${micros(bestPeer.net)} (${times(bestPeer)}) ${bestPeer.title}` : "",
                lean ? `${micros(lean.net)} (${times(lean)})` : "",
                which === "cpu" && bare
                    ? `${micros(bare.net)} (${signed((bestOurs?.net ?? NaN) - bare.net)})`
                    : ""
            ];
        });
    return table(
        [
            "",
            "`oidc-spa-native`",
            "`/server`",
            "oidc-spa/server",
            "best other library",
            "lean",
            "bare check (ours over it)"
        ],
        rows
    );
}

function lossList(results) {
    const found = losses(results);
    if (found.length === 0) {
        return "Nowhere in this run.";
    }
    const show = (value, unit) => (unit === "µs" ? `${micros(value)} µs` : `${Math.round(value)} ${unit}`);
    return found
        .map(({ where, what, unit, ours, ahead }) => {
            const others = ahead.map(({ title, value }) => `${title} ${show(value, unit)}`).join(", ");
            return `- ${where}, ${what}: ${others}; ours ${show(ours, unit)}`;
        })
        .join("\n");
}

function webAssemblyTable(results) {
    const found = onWebAssembly(results);
    if (found.length === 0) {
        return [];
    }
    const rows = found.map(({ id, concurrency, sides }) => [
        `**${id}** ${concurrency} in flight`,
        ...sides.map(({ ours, addon, best }) => {
            const beside = Object.entries({ addon, ...(best && { [best.title]: best.value }) });
            const times = beside
                .filter(([, value]) => value !== undefined)
                .map(([name, value]) => `${name} ${(value / ours).toFixed(1)} ×`);
            return ours === undefined ? "" : `${micros(ours)} (${times.join("; ")})`;
        })
    ]);
    return [
        "## On WebAssembly",
        "The same package with its other engine. In brackets: the addon, and the best of the others in this measure.",
        table(["", ...found[0].sides.map(({ what }) => what)], rows)
    ];
}

function requestTables({ requests }) {
    const keys = [...new Set(requests.map(({ framework, scheme }) => `${framework}, ${scheme}`))];
    return keys.map(key => {
        const entries = requests.filter(({ framework, scheme }) => `${framework}, ${scheme}` === key);
        const rateOf = id => entries.find(({ protection }) => protection === id)?.perSecond.median;
        const share = (entry, id) => `${Math.round((100 * entry.perSecond.median) / rateOf(id))} %`;
        const rows = entries
            .sort((a, b) => isUnguarded(b) - isUnguarded(a) || b.perSecond.median - a.perSecond.median)
            .map(entry => [
                mark(entry),
                withSpread(entry.perSecond, Math.round),
                share(entry, UNPROTECTED),
                share(entry, DEFERRED),
                withSpread(entry.cpu),
                withSpread(entry.main),
                millis(entry.p50),
                millis(entry.p99),
                millis(entry.loopDelay)
            ]);
        const head = [
            "",
            "requests/s",
            "of unprotected",
            "of deferred",
            "CPU",
            "main thread",
            "p50 ms",
            "p99 ms",
            "loop held ms"
        ];
        const [{ connections, requests: count }] = entries;
        const note = overlapNote(
            entries.map(({ role, perSecond: { median, min } }) => ({ role, value: median, min }))
        );
        const about = `${connections} connections, ${count} requests a round${note === undefined ? "" : `; ${note}`}.`;
        return `### ${key}\n\n${about}\n\n${table(head, rows)}`;
    });
}

function memoryTable({ memory }) {
    const rows = memory.map(entry => [
        mark(entry),
        mebibytes(entry.start.rss),
        mebibytes(entry.use.rss),
        mebibytes(entry.start.heap),
        mebibytes(entry.use.heap)
    ]);
    const text = `MiB that a process holds more after loading and starting the library, and after ${memory[0].validations} distinct tokens.`;
    return `${text}\n\n${table(["", "resident, start", "resident, use", "heap, start", "heap, use"], rows)}`;
}

function refusedList({ refused }) {
    const groups = new Map();
    for (const { title, reason, case: id } of refused) {
        const key = `${title} ${reason}`;
        groups.set(key, [...(groups.get(key) ?? []), id]);
    }
    return [...groups].map(([key, ids]) => `- ${ids.join(", ")}: ${key}`).join("\n");
}

function cellTable({ id, concurrency, entries }) {
    const rows = entries
        .filter(({ cpu }) => cpu !== undefined)
        .sort((a, b) => a.cpu.median - b.cpu.median)
        .map(entry => {
            const { oidcSpa } = sides(entries, "cpu");
            return [
                mark(entry),
                withSpread(entry.cpu),
                withSpread(entry.main),
                entry.p50 ? micros(entry.p50.median) : "",
                entry.p99 ? micros(entry.p99.median) : "",
                entry.loopDelay ? micros(entry.loopDelay.median) : "",
                oidcSpa && entry.role !== "harness"
                    ? `${(oidcSpa.net / net(entries, entry, "cpu")).toFixed(1)} ×`
                    : ""
            ];
        });
    const head = ["", "CPU", "main thread", "p50", "p99", "loop held", "less than oidc-spa/server"];
    const { title } = CASES.find(kase => kase.id === id);
    return `### ${id}. ${title}; ${concurrency} in flight\n\n${table(head, rows)}`;
}

function mark({ title, role, notes = [] }) {
    const name = role === "ours" ? `**${title}**` : title;
    return [name, ...notes.map(note => `(${note})`)].join(" ");
}

function table(head, rows) {
    const line = cells => `| ${cells.join(" | ")} |`;
    return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

function withSpread(spread, format = micros) {
    return spread ? `${format(spread.median)} (${format(spread.min)}..${format(spread.max)})` : "";
}

/** As many digits as mean something. */
export function micros(value) {
    return value === undefined ? "" : value.toFixed(value < 10 ? 1 : 0);
}

function signed(value) {
    return Number.isNaN(value) ? "" : `${value < 0 ? "−" : "+"}${micros(Math.abs(value))}`;
}

function millis(spread) {
    return spread ? (spread.median / 1000).toFixed(1) : "";
}

function mebibytes(bytes) {
    return (bytes / 2 ** 20).toFixed(1);
}
