// The files that tell of a run. A full run's are those that are committed.

import { readFileSync } from "node:fs";
import { charts } from "./charts.mjs";
import { markdown } from "./markdown.mjs";
import { put, toJson } from "./put.mjs";

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
    put(files.data, toJson(results));
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
