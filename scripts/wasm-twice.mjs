// `npm run wasm:twice`: builds the WebAssembly engine a second time, from a copy of the sources in another folder and
// into another target folder, and compares the two modules byte by byte. It takes as long as a first build.

import { createHash } from "node:crypto";
import {
    cpSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    realpathSync,
    rmSync,
    symlinkSync
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./prepare.mjs";
import { run } from "./step.mjs";
import { buildWasm } from "./wasm.mjs";

/** What a build reads. */
const SOURCES = ["Cargo.toml", "Cargo.lock", "src", "engine", "wasm", "scripts"];
const MODULE = "target/wasm/core.wasm";
const TOOLCHAIN = "target/wasm-toolchain";

await buildWasm();
const copy = realpathSync(mkdtempSync(join(tmpdir(), "oidc-spa-native-wasm-")));
try {
    for (const source of SOURCES) {
        const isSource = path => !/[\\/](target|node_modules)([\\/]|$)/.test(path.slice(ROOT.length - 1));
        cpSync(join(ROOT, source), join(copy, source), { recursive: true, filter: isSource });
    }
    mkdirSync(join(copy, "target"));
    if (existsSync(join(ROOT, TOOLCHAIN))) {
        symlinkSync(join(ROOT, TOOLCHAIN), join(copy, TOOLCHAIN));
    }
    const { ok } = await run({
        title: `Building once more, in ${copy}`,
        command: process.execPath,
        args: ["scripts/wasm.mjs"],
        cwd: copy
    });
    if (!ok) {
        throw new Error("the second build failed, see above");
    }
    const [first, second] = [ROOT, copy].map(folder => {
        const bytes = readFileSync(join(folder, MODULE));
        return { size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
    });
    console.log(`here:  ${first.size} bytes, SHA-256 ${first.sha256}`);
    console.log(`there: ${second.size} bytes, SHA-256 ${second.sha256}`);
    console.log(first.sha256 === second.sha256 ? "The same bytes." : "FAILED: other bytes.");
    process.exitCode = first.sha256 === second.sha256 ? 0 : 1;
} finally {
    rmSync(copy, { recursive: true, force: true });
}
