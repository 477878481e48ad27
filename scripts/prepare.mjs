// Makes a fresh clone ready: installs and builds what is missing or out of date, and only that.
// It runs before anything is installed, so it uses nothing but Node.js itself.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { changedAt, newest } from "./age.mjs";
import { remapVariable } from "./source-paths.mjs";
import { must, stop } from "./step.mjs";
import { placeWasm } from "./wasm.mjs";

/**
 * Without what aws-lc has for AVX-512: AES-GCM and RSA with private keys, 0.7 MB of machine code for x64. Of that a request needs
 * nothing; connections to issuers and to Redis have AES-GCM by AES-NI and AVX too.
 */
const WITHOUT_AVX512 = "-DMY_ASSEMBLER_IS_TOO_OLD_FOR_512AVX";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
process.chdir(ROOT);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    await prepare();
}

/**
 * Ends the process with a message if something is missing that it cannot install, or if a build fails.
 *
 * @param {{ addon?: boolean }} [options] - `addon: false`: without the development build of the addon
 */
export async function prepare({ addon = true } = {}) {
    requireNode();
    await installPackages();
    if (addon) {
        await buildAddon();
    }
    await compileTypeScript();
    placeWasm();
}

function requireNode() {
    const [major, minor] = process.versions.node.split(".").map(Number);
    const isRecent = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
    if (!isRecent) {
        stop(
            `Node.js ${process.versions.node} is too old to build this project. ` +
                "Install Node.js 20.19 or later, 22.12 or later, or any later release: https://nodejs.org"
        );
    }
}

async function installPackages() {
    const installed = "node_modules/.package-lock.json";
    if (changedAt(installed) >= newest(["package-lock.json"])) {
        return;
    }
    await must({
        title: "Installing the npm packages that building and testing need",
        usually: "half a minute",
        command: "npm",
        args: ["ci", "--no-audit", "--no-fund", "--loglevel=error"],
        quiet: true
    });
    touch(installed, Date.now());
}

async function buildAddon() {
    const addon = readdirSync("binding").find(name => name.endsWith(".node"));
    const sources = ["Cargo.toml", "Cargo.lock", "package.json", "src", "engine", "host", "binding"];
    if (addon && existsSync("binding/binding.js") && changedAt(join("binding", addon)) >= newest(sources)) {
        return;
    }
    requireRust();
    const started = Date.now();
    await must(
        napiBuild({
            title: "Building the native addon",
            usually: "3 minutes the first time on two cores, then seconds",
            outputDir: "binding"
        })
    );
    // A source that was saved during the build must make the next run build again.
    for (const name of readdirSync("binding").filter(name => name.endsWith(".node"))) {
        touch(join("binding", name), started);
    }
}

/**
 * The step that builds the addon and its loader into a folder.
 *
 * @param {object} options
 * @param {string} options.title
 * @param {string} options.usually - how long it usually takes
 * @param {string} options.outputDir
 * @param {boolean} [options.release] - optimized, and without the paths of this machine
 * @param {string} [options.target] - default: this machine
 * @param {boolean} [options.crossCompile] - links with zig
 * @param {string[]} [options.cargo] - further arguments of cargo
 * @param {Record<string, string>} [options.env] - further variables of cargo
 * @param {string[]} [options.flags] - further flags of the compiler, of a release
 * @param {[from: string, to: string][]} [options.folders] - further folders whose names a release does not hold
 */
export function napiBuild({
    title,
    usually,
    outputDir,
    release = false,
    target,
    crossCompile = false,
    cargo = [],
    env = {},
    flags = [],
    folders = []
}) {
    const options = ["--manifest-path", "binding/Cargo.toml", "--output-dir", outputDir];
    const generated = ["--js", "binding.js", "--dts", "binding.d.ts", "--no-const-enum"];
    return {
        title,
        usually,
        command: process.execPath,
        args: [
            "node_modules/@napi-rs/cli/dist/cli.js",
            "build",
            "--platform",
            ...options,
            ...generated,
            ...(release ? ["--release"] : []),
            ...(target === undefined ? [] : ["--target", target]),
            ...(crossCompile ? ["--cross-compile"] : []),
            ...(cargo.length === 0 ? [] : ["--", ...cargo])
        ],
        env: {
            ...env,
            ...(release && {
                RUSTFLAGS: [remapVariable(folders), ...flags].join(" "),
                AWS_LC_SYS_CFLAGS: [process.env.AWS_LC_SYS_CFLAGS ?? "", WITHOUT_AVX512].join(" ").trim()
            })
        },
        quiet: true
    };
}

async function compileTypeScript() {
    const compiled = "dist/index.js";
    const sources = ["ts", "index.d.ts", "tsconfig.json", "package.json", "scripts/join.mjs"];
    if (changedAt(compiled) >= newest(sources)) {
        return;
    }
    const started = Date.now();
    // What was compiled from a file that is gone must not be packed.
    rmSync("dist", { recursive: true, force: true });
    await must({
        title: "Compiling TypeScript",
        command: process.execPath,
        args: ["node_modules/typescript/bin/tsc", "--project", "."],
        quiet: true
    });
    await must({
        title: "Joining the files that a server loads at its start",
        command: process.execPath,
        args: ["scripts/join.mjs"],
        quiet: true
    });
    writeTypesOfOlderCompilers();
    touch(compiled, started);
}

/**
 * TypeScript before 5.3 cannot read `with { "resolution-mode": … }`, which newer ones need for NestJS 12 (ECMAScript
 * modules) seen from CommonJS. The older ones get the same declarations without it, from a folder beside.
 */
function writeTypesOfOlderCompilers() {
    const from = "dist/adapters/nestjs";
    const to = "dist/adapters/nestjs-typescript-5.0";
    mkdirSync(to);
    for (const name of readdirSync(from).filter(name => name.endsWith(".d.ts"))) {
        const declarations = readFileSync(`${from}/${name}`, "utf8");
        writeFileSync(
            `${to}/${name}`,
            declarations.replaceAll(/ with \{\s*"resolution-mode":\s*"import"\s*\}/g, "")
        );
    }
}

/** @param {string} [what] - what needs Rust, for the message */
export function requireRust(what = "the native addon") {
    const minimum = /^rust-version = "(\d+)\.(\d+)"/m.exec(readFileSync("Cargo.toml", "utf8"));
    const found = /^cargo (\d+)\.(\d+)/.exec(versionOf("cargo") ?? "");
    const [wanted, have] = [minimum, found].map(match => match?.slice(1, 3).map(Number));
    const isRecent = have?.[0] > wanted[0] || (have?.[0] === wanted[0] && have[1] >= wanted[1]);
    if (!isRecent) {
        stop(
            `Building ${what} needs Rust ${wanted.join(".")} or later; ` +
                `${have ? `this is Rust ${have.join(".")}` : "cargo was not found"}. ` +
                "Install or update it with rustup: https://rustup.rs"
        );
    }
    // On Windows the compiler is found by its registration, not by its name.
    if (process.platform !== "win32" && versionOf(process.env.CC ?? "cc") === undefined) {
        stop(
            `Building ${what} needs a C compiler; "${process.env.CC ?? "cc"}" was not found. ` +
                "Debian, Ubuntu: apt-get install gcc libc6-dev. Fedora: dnf install gcc. macOS: xcode-select --install"
        );
    }
}

function versionOf(command) {
    const { status, stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
    return status === 0 ? stdout : undefined;
}

function touch(path, time) {
    utimesSync(path, new Date(time), new Date(time));
}
