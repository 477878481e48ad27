// Installs the packages of this example and builds its two parts: only what is missing or out of date.

import { existsSync, readdirSync, statSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../../scripts/step.mjs";

export const HERE = fileURLToPath(new URL("..", import.meta.url));
const at = path => join(HERE, path);

export async function build() {
    await step(["package.json", "package-lock.json"], "node_modules/.package-lock.json", {
        title: "Installing the example's packages (better-sqlite3 is compiled where no build of it is at hand)",
        usually: "a minute",
        command: "npm",
        // Not `ci`, which would compile again what is there.
        args: ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]
    });
    // The library is not on npm yet. In an application of yours it is a package like the others.
    if (!existsSync(at("node_modules/oidc-spa-native"))) {
        symlinkSync("../../..", at("node_modules/oidc-spa-native"), "dir");
    }
    await step(["api/src", "api/tsconfig.json", "../../index.d.ts"], "api/dist/server.js", {
        title: "Compiling the API",
        command: process.execPath,
        args: ["node_modules/typescript/bin/tsc", "--project", "api"]
    });
    await step(["web/src", "web/index.html", "web/vite.config.js"], "web/dist/index.html", {
        title: "Building the page",
        command: process.execPath,
        args: ["node_modules/vite/bin/vite.js", "build", "web", "--logLevel", "warn"]
    });
}

async function step(sources, made, command) {
    if (changedAt(at(made)) > Math.max(...sources.map(path => changedAt(at(path))))) {
        return;
    }
    const { ok } = await run({ ...command, cwd: HERE, quiet: true });
    if (!ok) {
        throw new Error(`${command.title}: failed, see above.`);
    }
    // What was up to date was not written.
    utimesSync(at(made), new Date(), new Date());
}

function changedAt(path) {
    const entry = statSync(path, { throwIfNoEntry: false });
    return entry?.isDirectory()
        ? Math.max(...readdirSync(path).map(name => changedAt(join(path, name))))
        : (entry?.mtimeMs ?? 0);
}
