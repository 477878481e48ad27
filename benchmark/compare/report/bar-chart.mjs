// Horizontal bars as the text of an SVG.

import { escape, n, page, TOP, WIDTH } from "./page.mjs";

const LABELS = 280;
const VALUES = 140;
const BAR = 18;
const STEP = 24;
const GROUP_HEAD = 34;
const LEGEND = 22;
/** From where on a group's note stands beside its title. */
const NOTES = 330;

/**
 * @param {object} chart
 * @param {string} chart.title
 * @param {string} chart.subtitle
 * @param {string} chart.unit
 * @param {Record<string, string>} [chart.legend] - what the bars of each role are
 * @param {number} [chart.step] - from one bar to the next
 * @param {{ title: string, note?: string, bars: { label: string, role: string, value: number, min: number, max: number, note?: string }[] }[]} chart.groups -
 *   each with a scale of its own
 * @returns {string}
 */
export function barChart({ title, subtitle, unit, groups, legend = {}, step = STEP }) {
    const bars = groups.flatMap(group => group.bars);
    const roles = Object.entries(legend).filter(([role]) => bars.some(bar => bar.role === role));
    const hasWhiskers = bars.some(({ min, max }) => min < max);
    let top = TOP + LEGEND;
    const drawn = groups.map(group => {
        const text = drawGroup(group, unit, top, step);
        top += GROUP_HEAD + group.bars.length * step + 16;
        return text;
    });
    return page({ title, subtitle, height: top, drawn: [drawLegend(roles, hasWhiskers), ...drawn] });
}

/** One line under the titles: what the colours and the thin lines are. */
function drawLegend(roles, hasWhiskers) {
    const y = TOP - 6;
    let x = 24;
    const place = (mark, text) => {
        const drawn = `${mark(x)}<text class="quiet" x="${n(x + 20)}" y="${y + 4}">${escape(text)}</text>`;
        // A letter of this size is some 6.6 wide.
        x += 20 + text.length * 6.6 + 20;
        return drawn;
    };
    const square = role => left =>
        `<rect class="${role}" x="${n(left)}" y="${y - 7}" width="14" height="14" rx="2"/>`;
    const line = left =>
        `<line class="whisker" x1="${n(left)}" x2="${n(left + 14)}" y1="${y}" y2="${y}" stroke-width="1.2"/>`;
    return [
        ...roles.map(([role, text]) => place(square(role), text)),
        hasWhiskers ? place(line, "least to most of the rounds") : ""
    ].join("");
}

function drawGroup({ title, note, bars }, unit, top, step) {
    const most = Math.max(...bars.map(({ value }) => value));
    const inner = WIDTH - LABELS - VALUES;
    // A single slow round must not shrink every bar.
    const x = value => LABELS + inner * Math.min(value / most, 1.04);
    const begin = top + GROUP_HEAD;
    const end = begin + bars.length * step;
    return [
        `<text class="ink" x="24" y="${top + 20}" font-size="14" font-weight="600">${escape(title)}</text>`,
        note === undefined ? "" : `<text class="quiet" x="${NOTES}" y="${top + 20}">${escape(note)}</text>`,
        `<line class="grid" x1="${LABELS}" x2="${LABELS}" y1="${begin - 4}" y2="${end}"/>`,
        ...bars.map((bar, i) => drawBar(bar, unit, x, begin + i * step))
    ].join("\n");
}

function drawBar({ label, role, value, min, max, note }, unit, x, top) {
    const middle = top + BAR / 2;
    const end = x(value);
    const weight = role === "ours" ? ' font-weight="600"' : "";
    const shown = `${format(value)} ${unit}${note ? ` · ${note}` : ""}`;
    return [
        `<text class="ink" x="${LABELS - 10}" y="${middle + 4}" text-anchor="end"${weight}>${escape(label)}</text>`,
        `<rect class="${role}" x="${LABELS}" y="${top}" width="${n(Math.max(end - LABELS, 1))}" height="${BAR}" rx="2"/>`,
        min < max
            ? `<line class="whisker" x1="${n(x(min))}" x2="${n(x(max))}" y1="${middle}" y2="${middle}" stroke-width="1.2"/>`
            : "",
        `<text class="ink" x="${n(Math.max(end, x(max)) + 8)}" y="${middle + 4}"${weight}>${escape(shown)}</text>`
    ].join("");
}

function format(value) {
    return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en-GB");
}
