// Builds the engine as WebAssembly: `npm run build:wasm`. The result lies in target/wasm/ and, if TypeScript was
// compiled, in dist/wasm/.

import { spawnSync } from "node:child_process";
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
import { remapFlags } from "./source-paths.mjs";
import { must, stop } from "./step.mjs";

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
    ...["scripts/wasm.mjs", "scripts/source-paths.mjs", "scripts/stable-rustc.mjs"]
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
/** Where Debian's packages are unpacked. */
export const TOOLCHAIN = "target/wasm-toolchain";

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
    const toolchain = (await installedToolchain()) ?? (await debianToolchain());
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

/** The toolchain of this machine, if it has a standard library for the target. */
async function installedToolchain() {
    const sysroot = output("rustc", ["--print", "sysroot"])?.trim();
    if (sysroot === undefined || !existsSync(join(sysroot, "lib/rustlib", TARGET))) {
        return undefined;
    }
    return {};
}

/**
 * Debian's compiler for WebAssembly, unpacked into target/: no package is installed, so no privilege is needed. Its
 * standard library is compiled too, since Debian has none for this target.
 */
async function debianToolchain() {
    const root = resolve(TOOLCHAIN, "root");
    const parts = join(root, "usr/lib/x86_64-linux-gnu");
    if (!existsSync(join(root, "complete"))) {
        if (
            output("apt-get", ["--version"]) === undefined ||
            output("dpkg-deb", ["--version"]) === undefined
        ) {
            stop(
                "Building the WebAssembly engine needs Rust's standard library for WebAssembly. " +
                    `Install it with rustup: rustup target add ${TARGET}`
            );
        }
        rmSync(TOOLCHAIN, { recursive: true, force: true });
        mkdirSync(root, { recursive: true });
        // Lists of its own: the machine's may be old or missing, and only root may renew them.
        const lists = resolve(TOOLCHAIN, "apt");
        mkdirSync(join(lists, "lists/partial"), { recursive: true });
        mkdirSync(join(lists, "cache/archives/partial"), { recursive: true });
        const options = [
            ["Dir::State::Lists", join(lists, "lists")],
            ["Dir::Cache", join(lists, "cache")],
            // Root would become the user `_apt`, which may not write here.
            ["APT::Sandbox::User", "root"]
        ].flatMap(([name, value]) => ["-o", `${name}=${value}`]);
        await must({
            title: "Asking for the list of Debian's packages",
            command: "apt-get",
            args: [...options, "update"],
            quiet: true
        });
        const library = dependencyOf("libstd-rust-web-dev", /^libstd-rust-web-\d/, options);
        const llvm = dependencyOf(library, /^libllvm(\d+)/, options);
        const linker = llvm.replace("libllvm", "lld-");
        const packages = ["rustc-web", "libstd-rust-web-dev", "rust-web-src", library, llvm, linker];
        await must({
            title: "Downloading Debian's compiler for WebAssembly, 138 MB",
            usually: "a minute",
            command: "apt-get",
            args: [...options, "download", ...packages],
            cwd: TOOLCHAIN,
            quiet: true
        });
        for (const name of readdirSync(TOOLCHAIN).filter(name => name.endsWith(".deb"))) {
            await must({
                title: `Unpacking ${name}`,
                command: "dpkg-deb",
                args: ["-x", join(TOOLCHAIN, name), root],
                quiet: true
            });
            rmSync(join(TOOLCHAIN, name));
        }
        rmSync(lists, { recursive: true });
        writeFileSync(join(root, "complete"), "");
    }
    const sources = readdirSync(join(root, "usr/src")).find(name => name.startsWith("rustc-"));
    const linker = readdirSync(join(root, "usr/bin")).find(name => name.startsWith("wasm-ld-"));
    const llvm = readdirSync(join(root, "usr/lib")).find(name => name.startsWith("llvm-"));
    const source = join(root, "usr/src", sources ?? "", "library");
    return {
        source,
        // A panic ends the module at once: nobody could read its message, or where it was.
        flags: ["-Zunstable-options", "-Cpanic=immediate-abort", "-Zlocation-detail=none"],
        args: ["-Zbuild-std=std", "-Zbuild-std-features=optimize_for_size"],
        env: {
            RUSTC: join(root, "usr/bin/rustc"),
            // Debian's compiler is a stable one, and compiling its standard library is not.
            RUSTC_BOOTSTRAP: "1",
            __CARGO_TESTS_ONLY_SRC_ROOT: source,
            CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: join(root, "usr/bin", linker ?? ""),
            LD_LIBRARY_PATH: [parts, join(root, "usr/lib", llvm ?? "", "lib")].join(":")
        }
    };
}

/** The name of a package's dependency. Its version is a part of it, and changes with Debian's updates. */
function dependencyOf(name, pattern, options) {
    const lines = (output("apt-cache", [...options, "depends", name]) ?? "")
        .split("\n")
        .map(line => line.trim());
    const found = lines
        .filter(line => line.startsWith("Depends: "))
        .map(line => line.slice("Depends: ".length));
    const dependency = found.find(name => pattern.test(name));
    if (dependency === undefined) {
        stop(
            `apt knows no package ${name} with what it needs: this Debian is too old, or none. Install Rust's standard library ` +
                `for WebAssembly with rustup: rustup target add ${TARGET}`
        );
    }
    return dependency;
}

function output(command, args, env) {
    const { status, stdout } = spawnSync(command, args, {
        encoding: "utf8",
        env: { ...process.env, ...env }
    });
    return status === 0 ? stdout : undefined;
}
