// `npm run deny`: licences, duplicates and sources of all crates, by cargo-deny with the rules of deny.toml. Each lock file
// is checked by itself, and fails if it is not up to date.

import { run } from "./step.mjs";

/**
 * What deny.toml says for the workspace, and a smaller graph has no use for. In the workspace it is an error: then the
 * line of deny.toml is to go.
 */
const OF_WORKSPACE = ["license-not-encountered", "unmatched-skip", "unnecessary-skip"];
/** The exception for LLVM's library, which is in fuzz/ alone. */
const OF_FUZZ = "license-exception-not-encountered";

/** The folders with a Cargo.lock. The workspace alone has every licence and every pair that deny.toml allows. */
const FOLDERS = [
    {
        manifest: "Cargo.toml",
        more: ["--workspace"],
        lints: [...OF_WORKSPACE.map(lint => `--deny=${lint}`), `--allow=${OF_FUZZ}`]
    },
    {
        manifest: "wasm/Cargo.toml",
        more: [],
        lints: [...OF_WORKSPACE, OF_FUZZ].map(lint => `--allow=${lint}`)
    },
    {
        manifest: "fuzz/Cargo.toml",
        more: [],
        lints: [...OF_WORKSPACE.map(lint => `--allow=${lint}`), `--deny=${OF_FUZZ}`]
    }
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
