// Horizontal bars as the text of an SVG, readable on light and on dark pages.

const WIDTH = 860;
const LABELS = 250;
const VALUES = 140;
const BAR = 18;
const STEP = 24;
const GROUP_HEAD = 34;
const TOP = 84;

const STYLE = `
.page { fill: #ffffff } .ink { fill: #1f2933 } .quiet { fill: #5f6b7a } .grid { stroke: #d7dce2 } .whisker { stroke: #1f2933 }
.ours { fill: #0b7a5c } .peer { fill: #8fa3b8 } .reference { fill: #d39b2a } .harness { fill: #c3ccd6 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } .ink { fill: #e6edf3 } .quiet { fill: #9aa7b4 } .grid { stroke: #30363d } .whisker { stroke: #e6edf3 }
.ours { fill: #2fb98f } .peer { fill: #56697d } .reference { fill: #b98a2f } .harness { fill: #3a4653 }
}`;

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
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" ` +
            `aria-label="${escape(title)}" font-family="system-ui, Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="13">`,
        `<style>${STYLE}\n</style>`,
        `<rect class="page" width="${WIDTH}" height="${top}"/>`,
        `<text class="ink" x="24" y="36" font-size="19" font-weight="600">${escape(title)}</text>`,
        `<text class="quiet" x="24" y="60">${escape(subtitle)}</text>`,
        ...drawn,
        "</svg>\n"
    ].join("\n");
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
        min < max ? `<line class="whisker" x1="${n(x(min))}" x2="${n(x(max))}" y1="${middle}" y2="${middle}" stroke-width="1.2"/>` : "",
        `<text class="ink" x="${n(Math.max(end, x(max)) + 8)}" y="${middle + 4}"${weight}>${escape(shown)}</text>`
    ].join("");
}

function format(value) {
    return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en-GB");
}

function escape(text) {
    return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function n(value) {
    return Number(value.toFixed(1));
}
