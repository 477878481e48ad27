// The run as a picture: both streams, and when the issuer did not answer as it should.

import { lineChart } from "../../benchmark/compare/report/line-chart.mjs";

/** The picture, as the text of an SVG. */
export function plot(run) {
    const { clients, attackers, findings, perSecond, states, issuerRequests } = run;
    const refused = ({ asked, granted }) => asked - granted;
    const grouped = number => number.toLocaleString("en-GB");
    const last = Math.floor(run.seconds) - 1;
    const lineOf = (label, role, seconds, read) => ({
        label,
        role,
        // The last second is not whole.
        points: seconds.slice(0, last).map((second, at) => [at + 0.5, read(second)])
    });
    return lineChart({
        title: `Keys through rotations and failures: ${findings.every(({ ok }) => ok) ? "passed" : "FAILED"}`,
        subtitle:
            `${grouped(clients.granted)} of ${grouped(clients.asked)} good requests granted, ` +
            `${grouped(refused(attackers))} of ${grouped(attackers.asked)} attacks refused; ` +
            `${run.rotations.filter(({ what }) => what === "published").length} rotations; ` +
            `the issuer was asked ${issuerRequests.length} times`,
        unit: "per s",
        along: "seconds",
        lines: [
            lineOf("good, granted", "ours", perSecond.clients, ({ granted }) => granted),
            lineOf("good, refused", "peer", perSecond.clients, refused),
            lineOf("attacks, refused", "reference", perSecond.attackers, refused)
        ],
        spans: disturbances(states).map(({ from, to, label }) => ({
            from: from / 1000,
            to: to / 1000,
            label
        }))
    });
}

/** When the issuer did not answer as it should. States that follow each other are one: their names would overlap. */
function disturbances(states) {
    const found = [];
    let isOngoing = false;
    for (const { isGood, title, from, to } of states) {
        if (isOngoing && !isGood) {
            Object.assign(found.at(-1), { to, label: "wrong answers" });
        } else if (!isGood) {
            found.push({ from, to, label: title.split(",", 1)[0] });
        }
        isOngoing = !isGood;
    }
    return found;
}
