// `npm run deny`: licences, duplicates and sources of all crates, by cargo-deny with the rules of deny.toml. Each lock file
// is checked by itself, and fails if it is not up to date.

import { run } from "./step.mjs";

/** The folders with a Cargo.lock. The workspace alone has every licence that deny.toml allows. */
const FOLDERS = [
    { manifest: "Cargo.toml", more: ["--workspace"], lints: [] },
    { manifest: "wasm/Cargo.toml", more: [], lints: ["--allow=license-not-encountered"] },
    { manifest: "fuzz/Cargo.toml", more: [], lints: ["--allow=license-not-encountered"] }
];

const failed = [];
for (const { manifest, more, lints } of FOLDERS) {
    const graph = ["--manifest-path", manifest, "--locked", ...more];
    const { ok } = await run({
        title: `The crates of ${manifest}`,
        command: "cargo",
        args: ["deny", ...graph, "check", ...lints, "licenses", "bans", "sources"]
    });
    failed.push(...(ok ? [] : [manifest]));
}
console.log(failed.length === 0 ? "\nNothing is refused." : `\nFAILED: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
