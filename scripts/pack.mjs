// Packs the main package and the packages with addons: of this machine, built here, or of every platform of a release.

import { execFileSync } from "node:child_process";
import {
    copyFileSync,
    cpSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    rmSync,
    statSync,
    writeFileSync
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { napiBuild, prepare, requireRust, ROOT } from "./prepare.mjs";
import { PLATFORMS } from "./release/platforms.mjs";
import { run } from "./step.mjs";

const OUTPUT = join(ROOT, "target", "packages");
/** The licences of everything that is linked into the addon, in the package of a platform. */
export const NOTICES = "THIRD-PARTY-NOTICES.txt";
/** The bill of materials in each package. CycloneDX recommends the extension. */
export const SBOM = "sbom.cdx.json";

/**
 * @typedef {{ name: string, tarball: string, files: string[], bytes: number, unpackedBytes: number }} Packed
 *
 * @param {object} [options]
 * @param {string} [options.addons] - a folder with addons that were built elsewhere, and with `binding.js`; default: the
 *   addon of this machine is built
 * @returns {Promise<{ main: Packed, platforms: Packed[] }>} in the order in which they are published: `platforms` first
 */
export async function pack({ addons } = {}) {
    await prepare({ addon: false });
    rmSync(OUTPUT, { recursive: true, force: true });
    mkdirSync(OUTPUT, { recursive: true });
    const built = addons === undefined ? await buildHere() : resolve(addons);

    const main = readJson(join(ROOT, "package.json"));
    const platforms = platformPackages(built);
    for (const { manifest, folder } of platforms) {
        if (manifest.version !== main.version) {
            throw new Error(
                `${folder} has version ${manifest.version}, the main package ${main.version}: run \`npm run npm-dirs\``
            );
        }
    }
    // It uses packages that `prepare` has just installed.
    const generators = { ...(await import("./sbom.mjs")), ...(await import("./notices.mjs")) };
    return {
        platforms: platforms.map(platform => packPlatform(platform, built, generators)),
        main: packMain(main, platforms, built, generators)
    };
}

async function buildHere() {
    requireRust();
    const built = join(OUTPUT, "build");
    mkdirSync(built);
    const { ok } = await run(
        napiBuild({
            title: "Building the native addon for release",
            usually: "5 minutes the first time on two cores, then seconds",
            outputDir: built,
            release: true
        })
    );
    if (!ok) {
        throw new Error("the release build failed, see above");
    }
    return built;
}

/** The packages in `npm/` whose addon is in a folder. */
function platformPackages(built) {
    const addons = readdirSync(built).filter(name => name.endsWith(".node"));
    const packages = PLATFORMS.map(({ name, target }) => {
        const folder = join(ROOT, "npm", name);
        const manifest = readJson(join(folder, "package.json"));
        return { folder, manifest, target, addon: manifest.main };
    }).filter(({ addon }) => addons.includes(addon));
    const unknown = addons.filter(addon => !packages.some(known => known.addon === addon));
    if (unknown.length > 0 || packages.length === 0) {
        throw new Error(
            `no package in npm/ holds ${unknown.join(", ") || `anything of ${built}`}: ` +
                "add the platform to scripts/release/platforms.mjs, and run `npm run npm-dirs`"
        );
    }
    return packages;
}

function packPlatform({ addon, folder, manifest, target }, built, { sbomOf, noticesOf }) {
    const staged = join(OUTPUT, manifest.name);
    cpSync(folder, staged, { recursive: true, filter: path => !path.endsWith(".node") });
    copyFileSync(join(built, addon), join(staged, addon));
    copyFileSync(join(ROOT, "LICENSE"), join(staged, "LICENSE"));
    writeFileSync(join(staged, NOTICES), noticesOf(target));
    writeFileSync(join(staged, SBOM), sbomOf(manifest, { addon: join(staged, addon) }));
    writeManifest(staged, { ...manifest, files: [...manifest.files, NOTICES, SBOM] });
    return npmPack(staged);
}

function packMain(manifest, platforms, built, { sbomOf }) {
    const staged = join(OUTPUT, manifest.name);
    const [{ files }] = JSON.parse(
        execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts", "--loglevel=error"], {
            cwd: ROOT,
            encoding: "utf8"
        })
    );
    for (const { path } of files) {
        mkdirSync(dirname(join(staged, path)), { recursive: true });
        copyFileSync(join(ROOT, path), join(staged, path));
    }
    mkdirSync(join(staged, "binding"), { recursive: true });
    copyFileSync(join(built, "binding.js"), join(staged, "binding", "binding.js"));

    // The package names the platforms that were packed with it, and no other: nobody is to install a name that was never
    // published. In the repository optional dependencies would make `npm ci` ask for them before the first release.
    const optionalDependencies = Object.fromEntries(
        platforms.map(platform => [platform.manifest.name, platform.manifest.version])
    );
    const napi = { ...manifest.napi, targets: platforms.map(({ target }) => target) };
    const {
        devDependencies: _development,
        overrides: _overrides,
        scripts: _scripts,
        ...published
    } = manifest;
    writeFileSync(join(staged, SBOM), sbomOf(manifest, { optionalDependencies }));
    writeManifest(staged, { ...published, napi, files: [...published.files, SBOM], optionalDependencies });
    return npmPack(staged);
}

function writeManifest(folder, manifest) {
    writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

function npmPack(folder) {
    const answer = execFileSync("npm", ["pack", "--json", "--loglevel=error", "--pack-destination", OUTPUT], {
        cwd: folder,
        encoding: "utf8"
    });
    const [{ name, filename, files, unpackedSize }] = JSON.parse(answer);
    const tarball = join(OUTPUT, filename);
    return {
        name,
        tarball,
        files: files.map(({ path }) => path),
        bytes: statSync(tarball).size,
        unpackedBytes: unpackedSize
    };
}

function readJson(path) {
    return JSON.parse(readFileSync(path, "utf8"));
}

// `npm run tarballs`: to install them into a project of one's own. `-- --addons FOLDER`: with addons built elsewhere.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const { values } = parseArgs({ options: { addons: { type: "string" } } });
    const { platforms, main } = await pack(values);
    const tarballs = [...platforms, main].map(({ tarball }) => tarball);
    console.log(`\nPacked. In your project: npm install ${tarballs.join(" ")}`);
}
