// docs/requirements.md: every identifier that a test cites stands there, and every one there is cited.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/script.js";

/** A letter and two digits, or a letter and two numbers; not as a part of something longer, such as a version. */
const IDENTIFIER = /(?<![\w+.-])(?:[A-Q]\d\d|B\d{1,2}\.\d{1,2})(?![\w.]*\w)/g;

/** Where tests are. Those of the kit and the programs of others cite nothing. */
const FOLDERS = [
    "__test__",
    "tests",
    "host/tests",
    "src",
    "engine/src",
    "host/src",
    "binding/src",
    "wasm/src"
];

async function citedIn(folder: string): Promise<string[]> {
    const files = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    const sources = files.filter(file => file.isFile() && /\.(ts|rs)$/.test(file.name));
    const texts = await Promise.all(sources.map(file => readFile(join(file.parentPath, file.name), "utf8")));
    return texts.flatMap(text => text.match(IDENTIFIER) ?? []);
}

async function listed(): Promise<string[]> {
    const page = await readFile(join(root, "docs/requirements.md"), "utf8");
    return [...page.matchAll(/^\| (\S+) \| .+ \| .* \|$/gm)]
        .map(([, id = ""]) => id)
        .filter(id => id !== "---");
}

test("the page lists what the tests cite, each once", async () => {
    const cited = new Set((await Promise.all(FOLDERS.map(citedIn))).flat());
    const ids = await listed();
    expect(ids.length).toBeGreaterThan(300);
    expect(
        [...cited].filter(id => !ids.includes(id)),
        "cited, and not on docs/requirements.md"
    ).toEqual([]);
    expect(
        ids.filter(id => !cited.has(id)),
        "on docs/requirements.md, and cited by no test"
    ).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
});

test.each([
    ["token/compact/B14 trailing bits", ["B14"]],
    ["H23, H27: a new key", ["H23", "H27"]],
    ["B12.5: a challenge", ["B12.5"]],
    ["ES256, x5t#S256, U+00B14, v1.B14, /B1.2.3/", []]
] as const)("%s cites %j", (text, ids) => {
    expect(text.match(IDENTIFIER) ?? []).toEqual(ids);
});
