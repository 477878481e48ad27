// `npm run bench`: this library beside others, in one run. See README.md, one folder up.

import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run } from "../../scripts/step.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));

await installPeers();
// Only now: they import what was just installed.
const { readOptions } = await import("./options.mjs");
const options = readOptions();
if (options.render) {
    const { drawAgain } = await import("./report/files.mjs");
    drawAgain();
} else {
    const { installOurs } = await import("./ours.mjs");
    const { buildBareCheck } = await import("./bare-check.mjs");
    await installOurs();
    await buildBareCheck();
    const { runAll } = await import("./run.mjs");
    await runAll(options);
}

/** The libraries to compare with are no dependencies of this project: they are installed here, when they are needed. */
async function installPeers() {
    const changedAt = path => (existsSync(path) ? statSync(path).mtimeMs : 0);
    if (changedAt(`${HERE}node_modules/.package-lock.json`) >= changedAt(`${HERE}package-lock.json`)) {
        return;
    }
    const { ok } = await run({
        title: "Installing the libraries to compare with",
        usually: "half a minute",
        command: "npm",
        // Not `ci`: it stops where a registry lacks a library's addon for some other platform.
        args: ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd: HERE,
        quiet: true
    });
    if (!ok) {
        throw new Error("the libraries to compare with could not be installed, see above");
    }
}
