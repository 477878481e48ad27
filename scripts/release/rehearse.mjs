// `npm run release:rehearse`: packs, publishes to a registry on this machine, and installs from it as users do, with
// each package manager and each runtime. `docs/releasing.md` says what it covers.
//
//   npm run release:rehearse                         builds this machine's addon for release and tries everything
//   npm run release:rehearse -- npm pnpm             only the cases whose names contain one of these words
//   npm run release:rehearse -- --addons FOLDER      with addons that were built elsewhere, and binding.js beside them
//   npm run release:rehearse -- --packages FOLDER    with tarballs that were packed elsewhere

import { parseArgs } from "node:util";
import { CASES } from "./installs.mjs";
import { onStage, report } from "./stage.mjs";

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

const results = [];
const faults = await onStage(values, async ({ packages, scratch, projectsIn }) => {
    const lent = projectsIn(scratch);
    for (const { name, skip, use } of chosen) {
        const reason = skip?.(lent);
        const fault = reason === undefined ? await use(lent).catch(error => error.message) : undefined;
        results.push({ name, reason, fault });
        if (fault !== undefined) {
            console.error(`  ${name}: ${fault}`);
        }
    }
    console.log(`\nRehearsed ${packages.main.manifest.version} on Node.js ${process.versions.node}`);
});
report(results, faults);
