// What a page shows of a program is the file that runs: after a comment that names it, the block is the file, to the letter.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PEERS } from "../../scripts/migrating-check.mjs";
import { root } from "../support/script.js";

const page = (name: string) => readFile(join(root, "docs", name), "utf8");

/** The blocks of a page that name their file: `<!-- path -->`, then the block. */
function named(text: string): [path: string, block: string][] {
    return [...text.matchAll(/^<!-- (\S+\.\w+) -->\n```\w+\n(.*?)^```$/gms)].map(
        ([, path = "", block = ""]) => [path, block]
    );
}

test.each([
    ["deploying.md", "examples/workers/src"],
    ["dpop.md", "scripts/consumers/replay"],
    ["migrating.md", "scripts/consumers/migrating"],
    ["testing.md", "__test__/runners/testing"]
])("docs/%s shows every program of %s as it runs", async (name, folder) => {
    const shown = named(await page(name));
    for (const [path, block] of shown) {
        expect(block, path).toBe(await readFile(join(root, path), "utf8"));
    }
    const files = (await readdir(join(root, folder), { recursive: true, withFileTypes: true }))
        .filter(entry => entry.isFile())
        .map(entry => `${entry.parentPath.slice(root.length).replace(/^\//, "")}/${entry.name}`)
        .filter(path => !/(setup|config)\.\w+$/.test(path));
    expect(shown.map(([path]) => path).sort()).toEqual(files.sort());
});

test("the statuses of docs/migrating.md are those that are asserted", async () => {
    const rows = [
        ...(await page("migrating.md")).matchAll(/^\| ((?:no|an?|another) .*?) \|(.*)\| \d+ \|$/gm)
    ];
    const said = Object.keys(PEERS).map((peer, column) => [
        peer,
        Object.fromEntries(
            rows
                .map(([, request = "", cells = ""]) => [request, Number(cells.split("|")[column])] as const)
                .filter(([, status]) => status !== 0)
        )
    ]);
    expect(Object.fromEntries(said)).toEqual(
        Object.fromEntries(Object.entries(PEERS).map(([peer, { differs }]) => [peer, differs]))
    );
});
