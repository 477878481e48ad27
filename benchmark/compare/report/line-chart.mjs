// Lines over one number as the text of an SVG, from zero: what looks flat is flat.

import { escape, n, page, TOP, WIDTH } from "./page.mjs";

const LEFT = 70;
const RIGHT = 150;
const HEIGHT = 300;
const BOTTOM = 50;
const STEPS = [1, 2, 2.5, 5, 10];
/** Between two names at the ends of lines. */
const LEAST_GAP = 17;

/**
 * @param {object} chart
 * @param {string} chart.title
 * @param {string} chart.subtitle
 * @param {string} chart.unit - of the values
 * @param {string} chart.along - what runs along the bottom
 * @param {{ label: string, role: string, points: [number, number][] }[]} chart.lines
 * @param {{ from: number, to: number, label: string }[]} [chart.spans] - parts of the bottom to be marked
 * @returns {string}
 */
export function lineChart({ title, subtitle, unit, along, lines, spans = [] }) {
    const points = lines.flatMap(line => line.points);
    const across = ruler(Math.max(...points.map(([x]) => x)), 10);
    const up = ruler(Math.max(...points.map(([, y]) => y)), 5);
    const end = TOP + HEIGHT;
    const x = value => LEFT + ((WIDTH - LEFT - RIGHT) * value) / Math.max(...points.map(([at]) => at));
    const y = value => end - (HEIGHT * value) / up.end;
    const drawn = [
        ...spans.map(
            ({ from, to, label }) =>
                `<rect class="harness" opacity="0.35" x="${n(x(from))}" width="${n(x(to) - x(from))}" y="${TOP}" height="${HEIGHT}"/>` +
                `<text class="quiet" x="${n((x(from) + x(to)) / 2)}" y="${end - 8}" text-anchor="middle">${escape(label)}</text>`
        ),
        ...up.ticks.map(
            value =>
                `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${n(y(value))}" y2="${n(y(value))}"/>` +
                `<text class="quiet" x="${LEFT - 8}" y="${n(y(value) + 4)}" text-anchor="end">${value}</text>`
        ),
        ...across.ticks
            .filter(value => x(value) <= WIDTH - RIGHT + 1)
            .map(
                value =>
                    `<text class="quiet" x="${n(x(value))}" y="${end + 18}" text-anchor="middle">${value}</text>`
            ),
        `<text class="quiet" x="${n((LEFT + WIDTH - RIGHT) / 2)}" y="${end + 40}" text-anchor="middle">${escape(along)}</text>`,
        `<text class="quiet" x="${LEFT - 8}" y="${TOP - 8}" text-anchor="end">${escape(unit)}</text>`,
        ...lines.map(({ role, points }) => {
            const path = points.map(([at, value]) => `${n(x(at))} ${n(y(value))}`).join("L");
            return `<path class="${role}" style="fill: none; stroke-width: 1.8" d="M${path}"/>`;
        }),
        ...names(lines, y)
    ];
    return page({ title, subtitle, height: end + BOTTOM, drawn });
}

/** What each line is, at its end, pushed apart where ends lie close together. */
function names(lines, y) {
    let last = -Infinity;
    return lines
        .map(({ label, points }) => ({ label, at: y(points.at(-1)[1]) + 4 }))
        .sort((a, b) => a.at - b.at)
        .map(({ label, at }) => {
            last = Math.max(at, last + LEAST_GAP);
            return `<text class="ink" x="${WIDTH - RIGHT + 8}" y="${n(last)}">${escape(label)}</text>`;
        });
}

/** Round numbers from zero up to the most, and not many more of them than were asked for. */
function ruler(most, count) {
    const power = 10 ** Math.floor(Math.log10(most / count));
    const step = power * STEPS.find(step => (most * 1.02) / (step * power) <= count);
    const steps = Math.ceil((most * 1.02) / step);
    const ticks = Array.from({ length: steps + 1 }, (_, i) => Number((i * step).toPrecision(6)));
    return { ticks, end: ticks.at(-1) };
}
