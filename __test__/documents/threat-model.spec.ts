// SECURITY.md: each defence that the threat model names is in a file that exists, and is shown by tests that exist.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/script.js";

const IDENTIFIER = /\b(?:[A-Q]\d\d|B\d{1,2}\.\d{1,2})\b/g;

const page = await readFile(join(root, "SECURITY.md"), "utf8");
const model = /^## Threat model\n(.*?)(?=^## )/ms.exec(page)?.[1] ?? "";
/** The rows of the tables of defences, which have four columns: attack, defence, where, shown by. */
const rows = [...model.matchAll(/^\| (.+) \| (.+) \| (.+) \| (.+) \|$/gm)]
    .map(([, attack = "", , where = "", shown = ""]) => ({ attack, where, shown }))
    .filter(({ attack }) => attack !== "attack" && attack !== "---");
const paths = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path);

test("the model has the attackers and their attacks", () => {
    expect(rows.length).toBeGreaterThan(30);
    expect(model.match(/^\*\*/gm)?.length).toBe(8);
});

test.each(rows)("$attack: is refused in files that exist", ({ where }) => {
    expect(paths(where).length).toBeGreaterThan(0);
    expect(paths(where).filter(path => !existsSync(join(root, path)))).toEqual([]);
});

test.each(rows)("$attack: is shown by tests that exist", async ({ shown }) => {
    const requirements = await readFile(join(root, "docs/requirements.md"), "utf8");
    const ids = shown.match(IDENTIFIER) ?? [];
    // A test in `requirements.spec.ts` holds that the tests cite each identifier of that page.
    expect(ids.filter(id => !requirements.includes(`\n| ${id} |`))).toEqual([]);
    const files = paths(shown).filter(path => path.includes("/"));
    expect(files.filter(path => !existsSync(join(root, path)))).toEqual([]);
    const compiler = shown.startsWith("the compiler");
    expect(ids.length + files.length > 0 || compiler).toBe(true);
});

test("unsafe code is forbidden where the model says so", async () => {
    for (const file of ["src/lib.rs", "host/src/lib.rs"]) {
        expect(await readFile(join(root, file), "utf8"), file).toContain("#![forbid(unsafe_code)]");
    }
});
