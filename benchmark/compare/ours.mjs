// The package as its users get it: packed, with the addon built for release, and installed into a folder of its own.
// What the repository's own `binding/` holds is a development build, which must never be measured.

import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const INSTALLED = join(ROOT, "target", "bench", "installed");

/** Packs and installs. Takes minutes the first time. */
export async function installOurs() {
    const { pack } = await import("../../scripts/pack.mjs");
    const { run } = await import("../../scripts/step.mjs");
    const { platforms, main } = await pack();
    const tarballs = [...platforms, main].map(({ tarball }) => tarball);
    rmSync(INSTALLED, { recursive: true, force: true });
    mkdirSync(INSTALLED, { recursive: true });
    writeFileSync(join(INSTALLED, "package.json"), '{ "name": "installed", "private": true }\n');
    const { ok } = await run({
        title: "Installing the packed package",
        command: "npm",
        args: ["install", "--prefix", INSTALLED, "--no-audit", "--no-fund", "--loglevel=error", ...tarballs],
        quiet: true
    });
    if (!ok) {
        throw new Error("the packed package could not be installed, see above");
    }
}

/** Loads an entry point of the installed package: `oidc-spa-native` or `oidc-spa-native/server`. */
export function loadOurs(entry) {
    const require = requireOf(entry);
    return require(entry);
}

/** The same with the WebAssembly engine, in modules of its own. */
export function loadOnWebAssembly(entry) {
    const require = requireOf(entry);
    const others = Object.entries(require.cache).filter(([path]) => path.startsWith(realpathSync(INSTALLED)));
    const before = process.env.OIDC_SPA_NATIVE_ENGINE;
    process.env.OIDC_SPA_NATIVE_ENGINE = "wasm";
    for (const [path] of others) {
        delete require.cache[path];
    }
    try {
        return require(entry);
    } finally {
        if (before === undefined) {
            delete process.env.OIDC_SPA_NATIVE_ENGINE;
        } else {
            process.env.OIDC_SPA_NATIVE_ENGINE = before;
        }
        for (const path of Object.keys(require.cache).filter(path =>
            path.startsWith(realpathSync(INSTALLED))
        )) {
            delete require.cache[path];
        }
        Object.assign(require.cache, Object.fromEntries(others));
    }
}

function requireOf(entry) {
    const require = createRequire(join(INSTALLED, "package.json"));
    const path = require.resolve(entry);
    if (!realpathSync(path).startsWith(realpathSync(INSTALLED))) {
        throw new Error(`${entry} was found at ${path}, not where the packed package was installed`);
    }
    return require;
}

export function versionOfOurs() {
    const manifest = join(INSTALLED, "node_modules", "oidc-spa-native", "package.json");
    return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : undefined;
}
