// What a rehearsal needs around its cases: the tarballs, a registry on this machine that has them, an issuer, and the
// projects that install from the one and ask about a token of the other.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pack } from "../pack.mjs";
import { ROOT } from "../prepare.mjs";
import { run } from "../step.mjs";
import { npmCommand } from "./npm.mjs";
import { createProjects } from "./projects.mjs";
import { misfits, publish, readPackages } from "./publish.mjs";
import { startRegistry } from "./registry.mjs";

const TOOLS = join(ROOT, "scripts", "release", "tools");

/**
 * @param {{ addons?: string, packages?: string }} from - a folder with addons that were built elsewhere, or with tarballs
 *   that were packed elsewhere; default: this machine's addon is built
 * @param {(stage: { packages: ReturnType<typeof readPackages>, scratch: string, projectsIn: (folder: string) =>
 *   ReturnType<typeof createProjects> }) => Promise<void>} use - `projectsIn`: makes projects in a folder, which exists
 * @returns {Promise<string[]>} why the tarballs do not fit together
 */
export async function onStage(from, use) {
    await installTools();
    const packages = readPackages(await packed(from));
    const scratch = realpathSync(mkdtempSync(join(tmpdir(), "oidc-spa-native-rehearsal-")));
    mkdirSync(join(scratch, "registry"));
    const registry = await startRegistry(join(scratch, "registry"), TOOLS);
    const { API, startIssuer } = await import("../../examples/demo/issuer.mjs");
    const { clientCredentials } = await import("../../examples/demo/client.mjs");
    const issuer = await startIssuer();
    try {
        const npmrc = join(scratch, "npmrc");
        writeFileSync(npmrc, registry.npmrc);
        const npmOptions = ["--userconfig", npmrc, "--registry", registry.url];
        await publish(packages, { npmOptions });
        // A second run of a release that failed half-way must find everything there.
        await publish(packages, { npmOptions });

        const token = await clientCredentials(issuer, { clientId: "service-rs256", resource: API });
        const projectsIn = folder =>
            createProjects({
                folder,
                tools: TOOLS,
                registry: registry.url,
                version: packages.main.manifest.version,
                request: { issuerUri: issuer.issuerUri, audience: API, token }
            });
        await use({ packages, scratch, projectsIn });
    } finally {
        await issuer.close();
        await registry.close();
        rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
    }
    return misfits(packages);
}

/** @param {{ name: string, reason?: string, fault?: string }[]} results @param {string[]} faults - beside those of `results` */
export function report(results, faults) {
    for (const { name, reason, fault } of results) {
        const outcome =
            reason === undefined ? (fault === undefined ? "works" : "FAILED") : `skipped, ${reason}`;
        console.log(`  ${name}: ${outcome}`);
    }
    const all = [...faults, ...results.filter(({ fault }) => fault !== undefined).map(({ name }) => name)];
    if (all.length > 0) {
        console.error(`\nFAILED: ${all.join("; ")}`);
    }
    process.exitCode = all.length === 0 ? 0 : 1;
}

/** The folder with the tarballs. Nothing is built for tarballs that were packed elsewhere. */
async function packed({ addons, packages }) {
    if (packages !== undefined) {
        return resolve(packages);
    }
    const { main } = await pack({ addons });
    return dirname(main.tarball);
}

async function installTools() {
    const changedAt = file => statSync(join(TOOLS, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (changedAt("node_modules/.package-lock.json") >= changedAt("package-lock.json")) {
        return;
    }
    const { ok } = await run({
        title: "Installing the registry, the package managers and the releases of Node.js",
        usually: "a minute the first time",
        ...npmCommand(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]),
        cwd: TOOLS,
        quiet: true
    });
    if (!ok) {
        throw new Error("the tools of the rehearsal could not be installed, see above");
    }
}
