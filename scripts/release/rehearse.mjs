// `npm run release:rehearse`: packs, publishes to a registry on this machine, and installs from it as users do, with
// each package manager and each runtime. `docs/releasing.md` says what it covers.
//
//   npm run release:rehearse                         builds this machine's addon for release and tries everything
//   npm run release:rehearse -- npm pnpm             only the cases whose names contain one of these words
//   npm run release:rehearse -- --addons FOLDER      with addons that were built elsewhere, and binding.js beside them
//   npm run release:rehearse -- --packages FOLDER    with tarballs that were packed elsewhere

import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { pack } from "../pack.mjs";
import { ROOT } from "../prepare.mjs";
import { run } from "../step.mjs";
import { CASES } from "./installs.mjs";
import { npmCommand } from "./npm.mjs";
import { createProjects } from "./projects.mjs";
import { misfits, publish, readPackages } from "./publish.mjs";
import { startRegistry } from "./registry.mjs";

const { values, positionals } = parseArgs({
    options: { addons: { type: "string" }, packages: { type: "string" } },
    allowPositionals: true
});
const chosen = CASES.filter(
    ({ name }) => positionals.length === 0 || positionals.some(word => name.includes(word))
);
if (chosen.length === 0) {
    throw new Error(`no case has ${positionals.join(" or ")} in its name`);
}

const TOOLS = join(ROOT, "scripts", "release", "tools");
await installTools();
const packages = readPackages(await packed());
const faults = misfits(packages);

const scratch = realpathSync(mkdtempSync(join(tmpdir(), "oidc-spa-native-rehearsal-")));
mkdirSync(join(scratch, "registry"));
const registry = await startRegistry(join(scratch, "registry"), TOOLS);
const { API, startIssuer } = await import("../../examples/demo/issuer.mjs");
const { clientCredentials } = await import("../../examples/demo/client.mjs");
const issuer = await startIssuer();
const results = [];
try {
    const npmrc = join(scratch, "npmrc");
    writeFileSync(npmrc, registry.npmrc);
    const npmOptions = ["--userconfig", npmrc, "--registry", registry.url];
    await publish(packages, { npmOptions });
    // A second run of a release that failed half-way must find everything there.
    await publish(packages, { npmOptions });

    const token = await clientCredentials(issuer, { clientId: "service-rs256", resource: API });
    const lent = createProjects({
        folder: scratch,
        tools: TOOLS,
        registry: registry.url,
        version: packages.main.manifest.version,
        request: { issuerUri: issuer.issuerUri, audience: API, token }
    });
    for (const { name, skip, use } of chosen) {
        const reason = skip?.(lent);
        const fault = reason === undefined ? await use(lent).catch(error => error.message) : undefined;
        results.push({ name, reason, fault });
        if (fault !== undefined) {
            console.error(`  ${name}: ${fault}`);
        }
    }
} finally {
    await issuer.close();
    await registry.close();
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
}

console.log(`\nRehearsed ${packages.main.manifest.version} on Node.js ${process.versions.node}`);
for (const { name, reason, fault } of results) {
    const outcome = reason === undefined ? (fault === undefined ? "works" : "FAILED") : `skipped, ${reason}`;
    console.log(`  ${name}: ${outcome}`);
}
faults.push(...results.filter(({ fault }) => fault !== undefined).map(({ name }) => name));
if (faults.length > 0) {
    console.error(`\nFAILED: ${faults.join("; ")}`);
}
process.exitCode = faults.length === 0 ? 0 : 1;

/** The folder with the tarballs. Nothing is built for tarballs that were packed elsewhere. */
async function packed() {
    if (values.packages !== undefined) {
        return resolve(values.packages);
    }
    const { main } = await pack({ addons: values.addons });
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
