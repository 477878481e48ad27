// `npm run wasm:twice`: builds the WebAssembly engine a second time, from nothing and from a copy of the sources in another
// folder, and compares the two modules byte by byte. It takes as long as a first build.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { TOOLCHAIN } from "./debian-rust.mjs";
import { ROOT } from "./prepare.mjs";
import { must } from "./step.mjs";
import { buildWasm, MODULE } from "./wasm.mjs";

process.chdir(ROOT);
await buildWasm();
const first = sumOf(MODULE);
const copy = mkdtempSync(join(tmpdir(), "oidc-spa-native-second-"));
let second;
try {
    fill(copy);
    await must({
        title: `Building it again in ${copy}`,
        command: process.execPath,
        args: ["scripts/wasm.mjs"],
        cwd: copy
    });
    second = sumOf(join(copy, MODULE));
} finally {
    rmSync(copy, { recursive: true });
}
console.log(`first:  ${first}\nsecond: ${second}`);
console.log(first === second ? "The same bytes." : "FAILED: other bytes.");
process.exitCode = first === second ? 0 : 1;

/** Copies the sources, and Debian's compiler if it was used here. npm's packages make the same bytes wherever they are. */
function fill(folder) {
    const sources = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" })
        .split("\0")
        .filter(existsSync);
    for (const path of sources) {
        mkdirSync(join(folder, dirname(path)), { recursive: true });
        cpSync(path, join(folder, path));
    }
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    if (existsSync(TOOLCHAIN)) {
        cpSync(TOOLCHAIN, join(folder, TOOLCHAIN), { recursive: true });
    }
}

function sumOf(file) {
    const bytes = readFileSync(file);
    return `${bytes.length} bytes, SHA-256 ${createHash("sha256").update(bytes).digest("hex")}`;
}
