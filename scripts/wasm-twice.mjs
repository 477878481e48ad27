// `npm run wasm:twice`: builds the WebAssembly engine a second time, from nothing and into another target folder, and
// compares the two modules byte by byte. It takes as long as a first build.

import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { ROOT } from "./prepare.mjs";
import { buildWasm, MODULE } from "./wasm.mjs";

const SECOND = "target/wasm/second";

process.chdir(ROOT);
await buildWasm();
const first = sumOf(MODULE);
rmSync(SECOND, { recursive: true, force: true });
await buildWasm({ targetDir: SECOND, again: true });
const second = sumOf(MODULE);
rmSync(SECOND, { recursive: true, force: true });
console.log(`first:  ${first}\nsecond: ${second}`);
console.log(first === second ? "The same bytes." : "FAILED: other bytes.");
process.exitCode = first === second ? 0 : 1;

function sumOf(file) {
    const bytes = readFileSync(file);
    return `${bytes.length} bytes, SHA-256 ${createHash("sha256").update(bytes).digest("hex")}`;
}
