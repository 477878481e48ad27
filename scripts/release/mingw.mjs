// GNU's tools for Windows, by which Linux builds an addon to try it: `apt-get install gcc-mingw-w64-x86-64`.

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { output } from "../debian-rust.mjs";
import { ROOT } from "../prepare.mjs";
import { stop } from "../step.mjs";

const TARGET = "x86_64-pc-windows-gnu";
const TOOLS = "x86_64-w64-mingw32";

/**
 * Ends the process with a message if the tools are missing.
 *
 * @param {{ source: string, env: Record<string, string> }} [rust] - the compiler whose standard library is compiled too;
 *   default: rustup's, which is whole
 * @returns {{ env: Record<string, string>, flags: string[] }} for cargo, and for Rust's compiler
 */
export function mingw(rust) {
    if (output(`${TOOLS}-gcc`, ["--version"]) === undefined) {
        stop("Building for Windows on Linux needs GNU's tools: apt-get install gcc-mingw-w64-x86-64");
    }
    const folder = join(ROOT, "target", "mingw");
    mkdirSync(folder, { recursive: true });
    // napi-rs asks for a library of Node.js to link with, and then takes no symbol of it: Node-API is found at run time.
    writeFileSync(join(folder, "libnode.dll"), "");
    execFileSync(`${TOOLS}-ar`, ["rcs", join(folder, "libnode.a")]);
    if (rust !== undefined) {
        // Two small objects that cargo does not compile together with the standard library.
        for (const name of ["rsbegin", "rsend"]) {
            const from = join(rust.source, "rtstartup", `${name}.rs`);
            const to = ["--emit", "obj", "-o", join(folder, `${name}.o`)];
            execFileSync(rust.env.RUSTC, ["--target", TARGET, "--crate-type", "lib", ...to, from], {
                env: { ...process.env, ...rust.env }
            });
        }
    }
    return { env: { LIBNODE_PATH: folder }, flags: [`-Lnative=${folder}`] };
}
