// The folders of the machine that builds, in what is built. Rust writes the path of a source file beside each place
// that can panic. Users have no use for the name of somebody's home, and two machines would make different bytes.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "");

/**
 * The compiler's flags that give each such folder another name.
 *
 * @param {[from: string, to: string][]} [more] - further folders; they come before those of this machine
 * @returns {string[]}
 */
export function remapFlags(more = []) {
    // The compiler takes the last one that fits.
    const folders = [[homedir(), "home"], [sysroot(), "rust"], [cargoHome(), "cargo"], [ROOT, "."], ...more];
    return folders
        .filter(([from]) => isFolderOfItsOwn(from))
        .map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
}

/**
 * The same flags for the variable `RUSTFLAGS`, beside those that it has. napi-rs adds its own to it, so the variable that
 * could hold a space is of no use.
 *
 * @param {[from: string, to: string][]} [more] - further folders
 * @returns {string}
 */
export function remapVariable(more = []) {
    const flags = remapFlags(more);
    const spaced = flags.find(flag => /\s/.test(flag));
    if (spaced !== undefined) {
        throw new Error(
            `a release cannot be built here: a folder has a space in its name, and RUSTFLAGS cannot name it (${spaced})`
        );
    }
    return [process.env.RUSTFLAGS ?? "", ...flags].join(" ").trim();
}

/**
 * The folders of this machine whose paths stand in a file.
 *
 * @param {string} file - of any kind
 * @returns {string[]}
 */
export function foldersIn(file) {
    const bytes = readFileSync(file);
    return [homedir(), sysroot(), cargoHome(), ROOT].filter(
        folder => isFolderOfItsOwn(folder) && bytes.includes(`${folder}${sep}`)
    );
}

function cargoHome() {
    return process.env.CARGO_HOME ?? join(homedir(), ".cargo");
}

function sysroot() {
    const { status, stdout } = spawnSync("rustc", ["--print", "sysroot"], { encoding: "utf8" });
    return status === 0 ? stdout.trim() : "";
}

/** In some containers the home is `/`, which every path begins with. */
function isFolderOfItsOwn(folder) {
    return folder.length > 1;
}
