// The pictures, from the results. Who is not timed in a case is not in its picture.

import { CASES } from "../cases.mjs";
import { barChart } from "./bar-chart.mjs";
import { cells, net, sides } from "./comparison.mjs";

const SHOWN = ["a", "b", "c", "d", "e"];

/** What the README shows: a token that is new, one that comes again, a proof. Nobody who is timed there is left out. */
const SUMMARY = ["a", "d", "e"];

const LEGEND = {
    ours: "this package",
    peer: "other libraries",
    reference: "the signature alone; the least on node:crypto",
    harness: "unprotected (deferred: answers in the next turn)"
};

/** @returns {Record<string, string>} SVG by file name; none where nothing was measured */
export function charts(results) {
    const machine = `${results.machine.processor}, ${results.machine.cores} cores, Node.js ${results.node.version}`;
    const drawn = {
        "summary.svg": validations(results, 1, "cpu", {
            title: "CPU of one validation, one at a time",
            subtitle: `Whole process, median of ${plural(results.options.rounds, "round")}; less is better. ${machine}`,
            cases: SUMMARY,
            roles: ["ours", "peer"],
            step: 21
        }),
        "validation-cpu.svg": validations(results, 1, "cpu", {
            title: "CPU of one validation, one at a time",
            subtitle: `Whole process, median of ${plural(results.options.rounds, "round")}; less is better. ${machine}`
        }),
        "main-thread.svg": validations(results, 64, "main", {
            title: "CPU of the main thread a validation, 64 in flight",
            subtitle: `What the event loop has to bear, median of ${plural(results.options.rounds, "round")}; less is better. ${machine}`
        }),
        "requests.svg": requests(results, {
            title: "Requests a second that one Node.js process answers",
            subtitle: `64 connections, load from another process; more is better. ${machine}`
        })
    };
    return Object.fromEntries(Object.entries(drawn).filter(([, svg]) => svg !== undefined));
}

const ROLES = ["ours", "peer", "reference"];

function validations(results, concurrency, which, { title, subtitle, cases = SHOWN, roles = ROLES, step }) {
    const groups = cells(results)
        .filter(cell => cell.concurrency === concurrency && cases.includes(cell.id))
        .map(({ id, entries }) => {
            const { oidcSpa } = sides(entries, which);
            const own = entries.find(({ role }) => role === "harness")?.[which]?.median ?? 0;
            const bars = entries
                .filter(entry => roles.includes(entry.role) && entry[which] !== undefined)
                .map(entry => {
                    const value = net(entries, entry, which);
                    const off = entry.peer === "bare" ? 0 : own;
                    return {
                        label: entry.title,
                        role: entry.role,
                        value,
                        min: Math.max(entry[which].min - off, 0),
                        max: Math.max(entry[which].max - off, 0),
                        note:
                            entry.role === "ours" && oidcSpa
                                ? `${(oidcSpa.net / value).toFixed(1)} × less than oidc-spa/server`
                                : undefined
                    };
                })
                .sort((a, b) => a.value - b.value);
            return { title: CASES.find(kase => kase.id === id).title, bars };
        });
    return groups.length === 0
        ? undefined
        : barChart({ title, subtitle, unit: "µs", groups, step, legend: LEGEND });
}

function requests({ requests }, { title, subtitle }) {
    const keys = [...new Set(requests.map(({ framework, scheme }) => `${framework}, ${scheme}`))];
    const groups = keys.map(key => {
        const bars = requests
            .filter(({ framework, scheme }) => `${framework}, ${scheme}` === key)
            .map(({ title, role, perSecond }) => ({
                label: title.replace("unprotected, answers in the next turn", "unprotected, deferred answer"),
                role,
                value: perSecond.median,
                min: perSecond.min,
                max: perSecond.max
            }))
            .sort((a, b) => isUnguarded(b) - isUnguarded(a) || b.value - a.value);
        return { title: key, note: overlapNote(bars), bars };
    });
    return groups.length === 0
        ? undefined
        : barChart({ title, subtitle, unit: "/s", groups, legend: LEGEND });
}

export const isUnguarded = ({ role }) => role === "harness";

/** Where a guarded server's median lies within what the unprotected one's rounds gave, the rounds do not tell them apart. */
export function overlapNote(bars) {
    const least = Math.min(...bars.filter(isUnguarded).map(({ min }) => min));
    const isWithin = bars.some(bar => !isUnguarded(bar) && bar.value >= least);
    return isWithin ? "overlaps with unprotected: these rounds do not tell them apart" : undefined;
}

function plural(count, noun) {
    return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
