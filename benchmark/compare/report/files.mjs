// The files that tell of a run. A full run's are those that are committed.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { charts } from "./charts.mjs";
import { markdown } from "./markdown.mjs";

const BENCHMARK = new URL("../../", import.meta.url);
const FULL = { data: "results/latest.json", page: "RESULTS.md", pictures: "charts/" };
const PARTIAL = {
    data: "results/partial/results.json",
    page: "results/partial/RESULTS.md",
    pictures: "results/partial/charts/"
};

/** Writes the results, and what is drawn from them. */
export function writeResults(results, isFull) {
    const files = isFull ? FULL : PARTIAL;
    put(files.data, `${toJson(results)}\n`);
    draw(results, files);
}

/** Draws the last full run again. */
export function drawAgain() {
    draw(JSON.parse(readFileSync(new URL(FULL.data, BENCHMARK), "utf8")), FULL);
}

function draw(results, { page, pictures }) {
    put(page, markdown(results));
    for (const [name, svg] of Object.entries(charts(results))) {
        put(`${pictures}${name}`, svg);
    }
}

function put(path, text) {
    const url = new URL(path, BENCHMARK);
    mkdirSync(new URL(".", url), { recursive: true });
    writeFileSync(url, text);
    console.log(`wrote ${fileURLToPath(url)}`);
}

/** JSON that a person can read: one measurement a line. */
function toJson(results) {
    const members = Object.entries(results).map(([name, value]) => {
        const text = Array.isArray(value)
            ? `[${value.map(item => `\n  ${JSON.stringify(item)}`).join(",")}${value.length > 0 ? "\n " : ""}]`
            : JSON.stringify(value);
        return ` ${JSON.stringify(name)}: ${text}`;
    });
    return `{\n${members.join(",\n")}\n}`;
}
