// `npm test`: everything that says whether this tree is sound, then one line for each check.
// `npm test -- clippy vitest` runs the named checks alone.

import { spawnSync } from "node:child_process";
import { prepare, requireRust } from "./prepare.mjs";
import { howToGet, installPrograms } from "./programs.mjs";
import { run } from "./step.mjs";

const hasNextest = spawnSync("cargo", ["nextest", "--version"]).status === 0;
const node = (...args) => ({ command: process.execPath, args });
const cargo = (...args) => ({ command: "cargo", args });

const CHECKS = {
    fmt: { title: "Rust formatting", ...cargo("fmt", "--all", "--check") },
    clippy: {
        title: "Rust lints",
        usually: "2 minutes the first time, then seconds",
        ...cargo("clippy", "--workspace", "--all-targets", "--", "-D", "warnings")
    },
    // Crates outside of the workspace. The lints of the WebAssembly engine run for this machine, whose standard library
    // is at hand; no code of it is for one target alone.
    "fmt-wasm": {
        title: "Rust formatting, WebAssembly engine",
        ...cargo("fmt", "--manifest-path", "wasm/Cargo.toml", "--check")
    },
    "fmt-fuzz": {
        title: "Rust formatting, programs for libFuzzer",
        ...cargo("fmt", "--manifest-path", "fuzz/Cargo.toml", "--check")
    },
    "clippy-wasm": {
        title: "Rust lints, WebAssembly engine",
        usually: "half a minute the first time, then seconds",
        ...cargo(
            "clippy",
            ...["--manifest-path", "wasm/Cargo.toml", "--target-dir", "target/wasm/lints", "--locked"],
            ...["--all-targets", "--", "-D", "warnings"]
        )
    },
    rust: {
        title: "Rust tests",
        usually: "3 minutes the first time, then half a minute",
        ...(hasNextest
            ? cargo("nextest", "run", "--workspace", "--no-fail-fast")
            : cargo("test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests"))
    },
    loom: {
        title: "Locks and atomics, in every order of threads",
        usually: "3 minutes the first time, then seconds",
        ...cargo(
            ...(hasNextest ? ["nextest", "run", "--no-fail-fast"] : ["test", "--no-fail-fast"]),
            ...["--workspace", "--lib", "--features", "oidc-spa-native-binding/loom", "interleavings"]
        )
    },
    rustdoc: {
        title: "Rust documentation tests",
        ...cargo("test", "--workspace", "--exclude", "oidc-spa-native-binding", "--doc")
    },
    wasm: {
        title: "WebAssembly engine",
        usually: "4 minutes the first time, then half a minute",
        ...node("scripts/wasm.mjs")
    },
    lint: {
        title: "TypeScript formatting and lints",
        ...node("node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings")
    },
    types: { title: "TypeScript types", ...node("node_modules/typescript/bin/tsc", "--project", "__test__") },
    vitest: { title: "TypeScript tests", ...node("node_modules/vitest/vitest.mjs", "run") }
};

const asked = process.argv.slice(2);
const unknown = asked.filter(name => !(name in CHECKS));
if (unknown.length > 0) {
    console.error(`Unknown: ${unknown.join(", ")}. The checks are: ${Object.keys(CHECKS).join(", ")}`);
    process.exit(2);
}

const isWanted = name => asked.length === 0 || asked.includes(name);
await prepare();
requireRust("and testing this project");
const missing = isWanted("vitest") ? await installPrograms() : [];
if (missing.length > 0 && process.env.CI !== undefined) {
    console.error(
        `\nWith CI set, no test is skipped. Missing:\n${missing.map(name => `  ${howToGet(name)}`).join("\n")}`
    );
    process.exit(1);
}

const results = [];
for (const [name, check] of Object.entries(CHECKS)) {
    if (isWanted(name)) {
        results.push({ name, title: check.title, ...(await run(check)) });
        console.log();
    }
}

for (const { name, title, ok, seconds, output } of results) {
    console.log(`${ok ? "✓" : "✗"} ${title} (${name}), ${seconds.toFixed(1)} s`);
    for (const line of closingLines(output)) {
        console.log(`    ${line}`);
    }
}
const failed = results.filter(({ ok }) => !ok);
console.log(
    failed.length === 0
        ? `\n${results.length} of ${results.length} checks passed.`
        : `\nFAILED: ${failed.map(({ name }) => name).join(", ")}. ${results.length - failed.length} of ${results.length} checks passed.`
);
if (missing.length > 0) {
    console.log(
        `Skipped, since this machine lacks what they start:\n${missing.map(name => `  ${howToGet(name)}`).join("\n")}`
    );
}
process.exitCode = failed.length === 0 ? 0 : 1;

/** What the runners themselves say at their end: how many tests ran, passed and failed. */
function closingLines(output) {
    return output
        .replace(/\x1b\[[\d;]*m/g, "")
        .split("\n")
        .map(line => line.trim())
        .filter(
            line =>
                /^(Summary \[|test result:|Test Files |Tests )/.test(line) &&
                !/ 0 passed; 0 failed/.test(line)
        );
}
