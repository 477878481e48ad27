// `npm run npm-dirs`: writes `npm/<platform>/`, one package for each platform of a release, as napi-rs writes them.
// It runs after a change of the version, of the description or of the list of platforms.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PLATFORMS } from "./platforms.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** @param {string} folder - in the project, relative to its root; what it holds is replaced */
export function writeNpmDirs(folder) {
    const { napi } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const config = "target/napi-of-a-release.json";
    mkdirSync(join(ROOT, "target"), { recursive: true });
    writeFileSync(
        join(ROOT, config),
        JSON.stringify({ ...napi, targets: PLATFORMS.map(({ target }) => target) })
    );
    rmSync(join(ROOT, folder), { recursive: true, force: true });
    execFileSync(
        process.execPath,
        [
            "node_modules/@napi-rs/cli/dist/cli.js",
            "create-npm-dirs",
            "--config-path",
            config,
            "--npm-dir",
            folder
        ],
        { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] }
    );
    for (const { name } of PLATFORMS) {
        const path = join(ROOT, folder, name, "package.json");
        const { main, ...manifest } = JSON.parse(readFileSync(path, "utf8"));
        // napi-rs leaves "type" out, and publint asks for it.
        writeFileSync(path, `${JSON.stringify({ ...manifest, type: "commonjs", main }, null, 2)}\n`);
    }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    writeNpmDirs("npm");
    console.log(`npm/ has ${PLATFORMS.length} packages: ${PLATFORMS.map(({ name }) => name).join(", ")}`);
}
