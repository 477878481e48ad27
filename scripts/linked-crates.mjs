// The crates that are linked into the addon, or into the WebAssembly module: what cargo resolves for one target, without
// build tools and macros.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse as parseToml } from "smol-toml";
import { ROOT } from "./prepare.mjs";
import { PLATFORMS } from "./release/platforms.mjs";

/**
 * @typedef {object} Artifact - what is built and packed
 * @property {string} target - such as `x86_64-unknown-linux-gnu`; its standard library need not be installed
 * @property {string} crate - the crate that is built
 * @property {string} workspace - the folder with its lock file, relative to the root
 */

/** @type {Artifact} - the WebAssembly module of the main package */
export const MODULE = {
    target: "wasm32-unknown-unknown",
    crate: "oidc-spa-native-wasm",
    workspace: "wasm"
};

/**
 * The addon in a platform's package.
 *
 * @param {string} packageName
 * @returns {Artifact}
 */
export function addonOf(packageName) {
    const platform = PLATFORMS.find(({ name }) => packageName === `oidc-spa-native-${name}`);
    if (platform === undefined) {
        throw new Error(`${packageName} is no package of scripts/release/platforms.mjs`);
    }
    return { target: platform.target, crate: "oidc-spa-native-binding", workspace: "." };
}

/**
 * @typedef {object} LinkedCrate
 * @property {string} id - name and version, as `serde@1.0.229`
 * @property {string} name
 * @property {string} version
 * @property {string} licence - an SPDX expression
 * @property {string} [description]
 * @property {string[]} authors - as its manifest names them
 * @property {string} [sha256] - of the archive in the registry; a crate of this project has none
 * @property {string} folder - where its sources are
 * @property {string[]} dependencies - ids of linked crates, sorted
 */

/**
 * @param {Artifact} artifact
 * @returns {LinkedCrate[]} sorted by id
 */
export function linkedCrates({ target, crate, workspace }) {
    const folder = join(ROOT, workspace);
    const edges = edgesOf(target, crate, folder);
    const { packages } = JSON.parse(
        cargo(folder, "metadata", "--format-version=1", "--filter-platform", target)
    );
    const known = new Map(packages.map(entry => [`${entry.name}@${entry.version}`, entry]));
    const locked = parseToml(readFileSync(join(folder, "Cargo.lock"), "utf8")).package;
    const checksums = new Map(locked.map(({ name, version, checksum }) => [`${name}@${version}`, checksum]));
    return [...edges.keys()].sort().map(id => {
        const { name, version, license, description, authors, manifest_path } = known.get(id);
        if (typeof license !== "string") {
            throw new Error(`${id} names no licence in its manifest`);
        }
        return {
            id,
            name,
            version,
            // Cargo's older notation for OR, which SPDX does not have.
            licence: license.replaceAll("/", " OR "),
            description: description?.trim().replaceAll(/\s+/g, " "),
            authors: authors.map(author => author.replace(/ <.*>$/, "")),
            sha256: checksums.get(id),
            folder: join(manifest_path, ".."),
            dependencies: [...edges.get(id)].sort()
        };
    });
}

/** Which linked crate needs which. `cargo tree` resolves features as `cargo build` does; `cargo metadata` does not. */
function edgesOf(target, crate, folder) {
    const kinds = ["--edges", "normal,no-proc-macro", "--target", target];
    const lines = cargo(
        folder,
        "tree",
        "--package",
        crate,
        ...kinds,
        "--prefix",
        "depth",
        "--charset",
        "ascii"
    );
    const edges = new Map();
    const above = [];
    for (const line of lines.trim().split("\n")) {
        const [, depth, name, version] = /^(\d+)(\S+) v(\S+)/.exec(line);
        const id = `${name}@${version}`;
        above.length = Number(depth);
        edges.set(id, edges.get(id) ?? new Set());
        if (above.length > 0) {
            edges.get(above.at(-1)).add(id);
        }
        above.push(id);
    }
    return edges;
}

function cargo(cwd, ...args) {
    return execFileSync("cargo", [...args, "--locked"], {
        cwd,
        encoding: "utf8",
        maxBuffer: 64 << 20,
        stdio: ["ignore", "pipe", "inherit"]
    });
}
