// No folder of the machine that builds is to be read in what users get.

import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { foldersIn, remapFlags, remapVariable } from "../../scripts/source-paths.mjs";
import { root } from "../support/script.js";

const project = root.replace(/[\\/]$/, "");
let folder: string;

beforeAll(async () => {
    folder = await mkdtemp(join(root, "target", "source-paths-"));
    // The compiler writes the path of this file beside the addition, which can overflow.
    await writeFile(join(folder, "adds.rs"), "pub fn adds(a: u32, b: u32) -> u32 { a + b }\n");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The object file of a library whose source lies in this project's folder. */
function compile(name: string, flags: readonly string[]): string {
    const object = join(folder, `${name}.o`);
    const kinds = ["--edition=2024", "--crate-type=lib", "--emit=obj", "-Coverflow-checks=on"];
    execFileSync("rustc", [...kinds, ...flags, "-o", object, join(folder, "adds.rs")], { cwd: folder });
    return object;
}

test("an ordinary build names the project's folder, and one with the flags of a release does not", () => {
    expect(foldersIn(compile("ordinary", []))).toContain(project);
    expect(foldersIn(compile("release", remapFlags()))).toEqual([]);
});

test("a folder is found wherever it stands in a file, and a word that begins as it does is not", async () => {
    const file = join(folder, "text");
    await writeFile(file, `\0before${join(homedir(), "x")}`);
    expect(foldersIn(file)).toContain(homedir());
    await writeFile(file, `${homedir()}s and ${project}s`);
    expect(foldersIn(file)).toEqual([]);
});

test("the module of the main package names no folder of this machine", () => {
    expect(foldersIn(join(root, "dist/wasm/core.wasm"))).toEqual([]);
});

test("napi-rs gets the flags in one variable, after those that are there", () => {
    const before = process.env.RUSTFLAGS;
    process.env.RUSTFLAGS = "-Copt-level=3";
    try {
        expect(remapVariable()).toBe(["-Copt-level=3", ...remapFlags()].join(" "));
    } finally {
        if (before === undefined) {
            delete process.env.RUSTFLAGS;
        } else {
            process.env.RUSTFLAGS = before;
        }
    }
});
