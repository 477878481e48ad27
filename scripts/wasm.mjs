// Builds the engine as WebAssembly: `npm run build:wasm`. The result lies in target/wasm/ and, if TypeScript was
// compiled, in dist/wasm/.

import {
    copyFileSync,
    existsSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    rmSync,
    statSync,
    writeFileSync
} from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { changedAt, newest } from "./age.mjs";
import { debianRust, isInstalled, output } from "./debian-rust.mjs";
import { remapFlags } from "./source-paths.mjs";
import { must } from "./step.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TARGET = "wasm32-unknown-unknown";
/** The finished module. */
export const MODULE = "target/wasm/core.wasm";
/** Where cargo builds. */
const BUILD = "target/wasm/build";
/** What the compiler that made it says of itself. Its standard library is in the module. */
const COMPILER = "target/wasm/compiler.txt";
const SOURCES = [
    ...["src", "engine", "wasm", "Cargo.toml"],
    ...["scripts/wasm.mjs", "scripts/debian-rust.mjs", "scripts/source-paths.mjs"],
    "scripts/stable-rustc.mjs"
];
/** What the compiler uses of WebAssembly, and `wasm-opt` too: all of it is in each run time for years. */
const FEATURES = [
    "bulk-memory",
    "multivalue",
    "mutable-globals",
    "nontrapping-float-to-int",
    "reference-types",
    "sign-ext"
];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    process.chdir(ROOT);
    await buildWasm();
    placeWasm();
}

/** Builds the module, unless it is newer than all its sources. Ends the process with a message if it cannot. */
export async function buildWasm() {
    if (isCurrent()) {
        return;
    }
    const toolchain = await toolchainOfWasm();
    const flags = [
        ...remapFlags(toolchain.source === undefined ? [] : [[toolchain.source, "rust"]]),
        ...(toolchain.flags ?? [])
    ];
    await must({
        title: "Building the engine as WebAssembly",
        usually: "3 minutes the first time on two cores, then half a minute",
        command: "cargo",
        args: [
            "build",
            "--locked",
            "--release",
            "--target",
            TARGET,
            "--manifest-path",
            "wasm/Cargo.toml",
            "--target-dir",
            BUILD,
            ...(toolchain.args ?? [])
        ],
        env: {
            CARGO_ENCODED_RUSTFLAGS: flags.join("\x1f"),
            // Windows starts no script by its first line.
            ...(process.platform !== "win32" && { RUSTC_WRAPPER: resolve("scripts/stable-rustc.mjs") }),
            ...toolchain.env
        },
        quiet: true
    });
    mkdirSync("target/wasm", { recursive: true });
    const linked = join(BUILD, TARGET, "release/oidc_spa_native_wasm.wasm");
    const smaller = join(BUILD, "core.wasm");
    await must({
        title: "Making the module smaller",
        usually: "5 to 15 seconds",
        command: process.execPath,
        args: [
            "node_modules/binaryen/bin/wasm-opt",
            "-O3",
            ...FEATURES.map(name => `--enable-${name}`),
            linked,
            "-o",
            smaller
        ],
        quiet: true
    });
    const compiler = toolchain.env?.RUSTC ?? "rustc";
    writeFileSync(COMPILER, output(compiler, ["--version", "--verbose"], toolchain.env) ?? "");
    copyFileSync(smaller, MODULE);
    console.log(`  ${MODULE}: ${statSync(MODULE).size} bytes`);
}

/** Whether the module is newer than all its sources. */
function isCurrent() {
    return Math.min(changedAt(MODULE), changedAt(COMPILER)) > newest(SOURCES);
}

/**
 * Puts the module into dist/wasm/, in the two forms that JavaScript loads. Does nothing if it was not built, or if
 * TypeScript was not compiled.
 *
 * @returns {boolean} whether it is there
 */
export function placeWasm() {
    if (!existsSync(MODULE) || !existsSync("dist")) {
        return false;
    }
    if (!isCurrent()) {
        // Beside JavaScript of another day it would fail, and nobody would see why.
        console.log("The WebAssembly module is older than its sources, and left out: npm run build:wasm");
        rmSync("dist/wasm/core.wasm", { force: true });
        rmSync("dist/wasm/core-module.js", { force: true });
        return false;
    }
    const module = readFileSync(MODULE);
    mkdirSync("dist/wasm", { recursive: true });
    writeFileSync("dist/wasm/core.wasm", module);
    const text = `"use strict"; module.exports = "${module.toString("base64")}";\n`;
    writeFileSync("dist/wasm/core-module.js", text);
    return true;
}

/** @returns {string | undefined} what `rustc --version --verbose` said where the module was built */
export function compilerOfWasm() {
    return existsSync(COMPILER) ? readFileSync(COMPILER, "utf8") : undefined;
}

/** The toolchain of this machine, if it has a standard library for the target; else Debian's. */
async function toolchainOfWasm() {
    if (isInstalled(TARGET)) {
        return {};
    }
    const { source, programs, env } = await debianRust(TARGET);
    const linker = readdirSync(programs).find(name => name.startsWith("wasm-ld-"));
    return {
        source,
        // A panic ends the module at once: nobody could read its message, or where it was.
        flags: ["-Zunstable-options", "-Cpanic=immediate-abort", "-Zlocation-detail=none"],
        args: ["-Zbuild-std=std", "-Zbuild-std-features=optimize_for_size"],
        env: { ...env, CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: join(programs, linker ?? "") }
    };
}
