#!/usr/bin/env node
// The compiler as cargo's RUSTC_WRAPPER for the WebAssembly module. Cargo names each crate by a number made of its
// folder, among others; the compiler orders functions by these numbers. Here the number is made of what the crate is, so
// that every folder gives the same bytes.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";

const [compiler, ...args] = process.argv.slice(2);
const number = args.findIndex((arg, i) => arg.startsWith("metadata=") && args[i - 1] === "-C");
if (number !== -1) {
    const after = name => args.flatMap((arg, i) => (args[i - 1] === name ? [arg] : []));
    const { CARGO_PKG_NAME: name, CARGO_PKG_VERSION: version } = process.env;
    // A crate of one version can be there more than once: for the machine that builds, as a build script, or with
    // other features.
    const what = ["--crate-name", "--crate-type", "--target", "--cfg"].map(flag => after(flag).sort());
    const hash = createHash("sha256").update(JSON.stringify([name, version, what]));
    args[number] = `metadata=${hash.digest("hex").slice(0, 16)}`;
}
const { status, error } = spawnSync(compiler, args, { stdio: "inherit" });
if (error !== undefined) {
    console.error(`${compiler}: ${error.message}`);
}
process.exitCode = status ?? 1;
