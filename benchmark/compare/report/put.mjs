// Writes a file of results, and JSON that a person can read.

import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BENCHMARK = new URL("../../", import.meta.url);

/** @param {string} path - below `benchmark/` */
export function put(path, text) {
    const url = new URL(path, BENCHMARK);
    mkdirSync(new URL(".", url), { recursive: true });
    writeFileSync(url, text);
    console.log(`wrote ${fileURLToPath(url)}`);
}

/** One measurement a line. */
export function toJson(results) {
    const members = Object.entries(results).map(([name, value]) => {
        const text = Array.isArray(value)
            ? `[${value.map(item => `\n  ${JSON.stringify(item)}`).join(",")}${value.length > 0 ? "\n " : ""}]`
            : JSON.stringify(value);
        return ` ${JSON.stringify(name)}: ${text}`;
    });
    return `{\n${members.join(",\n")}\n}\n`;
}
