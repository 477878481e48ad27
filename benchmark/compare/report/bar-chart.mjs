// Horizontal bars as the text of an SVG.

import { escape, n, page, TOP, WIDTH } from "./page.mjs";

const LABELS = 250;
const VALUES = 140;
const BAR = 18;
const STEP = 24;
const GROUP_HEAD = 34;

/**
 * @param {object} chart
 * @param {string} chart.title
 * @param {string} chart.subtitle
 * @param {string} chart.unit
 * @param {{ title: string, bars: { label: string, role: string, value: number, min: number, max: number, note?: string }[] }[]} chart.groups -
 *   each with a scale of its own
 * @returns {string}
 */
export function barChart({ title, subtitle, unit, groups }) {
    let top = TOP;
    const drawn = groups.map(group => {
        const text = drawGroup(group, unit, top);
        top += GROUP_HEAD + group.bars.length * STEP + 16;
        return text;
    });
    return page({ title, subtitle, height: top, drawn });
}

function drawGroup({ title, bars }, unit, top) {
    const most = Math.max(...bars.map(({ value }) => value));
    const inner = WIDTH - LABELS - VALUES;
    // A single slow round must not shrink every bar.
    const x = value => LABELS + inner * Math.min(value / most, 1.04);
    const begin = top + GROUP_HEAD;
    const end = begin + bars.length * STEP;
    return [
        `<text class="ink" x="24" y="${top + 20}" font-size="14" font-weight="600">${escape(title)}</text>`,
        `<line class="grid" x1="${LABELS}" x2="${LABELS}" y1="${begin - 4}" y2="${end}"/>`,
        ...bars.map((bar, i) => drawBar(bar, unit, x, begin + i * STEP))
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
