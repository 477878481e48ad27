// What the charts have in common: a page with a title, readable on light and on dark screens.

export const WIDTH = 860;

/** Where the drawing begins, under the titles. */
export const TOP = 84;

const STYLE = `
.page { fill: #ffffff } .ink { fill: #1f2933 } .quiet { fill: #5f6b7a } .grid { stroke: #d7dce2 } .whisker { stroke: #1f2933 }
.ours { fill: #0b7a5c } .peer { fill: #8fa3b8 } .reference { fill: #d39b2a } .harness { fill: #c3ccd6 }
path.ours { stroke: #0b7a5c } path.peer { stroke: #8fa3b8 } path.reference { stroke: #d39b2a }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } .ink { fill: #e6edf3 } .quiet { fill: #9aa7b4 } .grid { stroke: #30363d } .whisker { stroke: #e6edf3 }
.ours { fill: #2fb98f } .peer { fill: #56697d } .reference { fill: #b98a2f } .harness { fill: #3a4653 }
path.ours { stroke: #2fb98f } path.peer { stroke: #7d93ab } path.reference { stroke: #b98a2f }
}`;

/** @returns {string} the text of an SVG */
export function page({ title, subtitle, height, drawn }) {
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" ` +
            `aria-label="${escape(title)}" font-family="system-ui, Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="13">`,
        `<style>${STYLE}\n</style>`,
        `<rect class="page" width="${WIDTH}" height="${height}"/>`,
        `<text class="ink" x="24" y="36" font-size="19" font-weight="600">${escape(title)}</text>`,
        `<text class="quiet" x="24" y="60">${escape(subtitle)}</text>`,
        ...drawn,
        "</svg>\n"
    ].join("\n");
}

export function escape(text) {
    return text
        .replaceAll("&", "&amp;")
        .replaceAll("<", "&lt;")
        .replaceAll(">", "&gt;")
        .replaceAll('"', "&quot;");
}

/** A coordinate. */
export function n(value) {
    return Number(value.toFixed(1));
}
