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
import { foldersIn } from "./source-paths.mjs";
import { run } from "./step.mjs";
import { buildWasm, compilerOfWasm, placeWasm } from "./wasm.mjs";

const OUTPUT = join(ROOT, "target", "packages");
/** The engine of the main package, in the two forms that are loaded. */
export const MODULES = ["dist/wasm/core.wasm", "dist/wasm/core-module.js"];
/** The licences of everything that is linked into what a package holds: the addon, or the WebAssembly module. */
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
    await buildWasm();
    placeWasm();
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
    const generators = {
        ...(await import("./linked-crates.mjs")),
        ...(await import("./sbom.mjs")),
        ...(await import("./notices.mjs"))
    };
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

function packPlatform({ addon, folder, manifest }, built, { addonOf, sbomOf, noticesOf }) {
    const staged = join(OUTPUT, manifest.name);
    refusePaths(join(built, addon));
    cpSync(folder, staged, { recursive: true, filter: path => !path.endsWith(".node") });
    copyFileSync(join(built, addon), join(staged, addon));
    copyFileSync(join(ROOT, "LICENSE"), join(staged, "LICENSE"));
    const artifact = addonOf(manifest.name);
    writeFileSync(join(staged, NOTICES), noticesOf(artifact));
    writeFileSync(join(staged, SBOM), sbomOf(manifest, { file: join(staged, addon), artifact }));
    writeManifest(staged, { ...manifest, files: [...manifest.files, NOTICES, SBOM] });
    return npmPack(staged);
}

function packMain(manifest, platforms, built, { MODULE, sbomOf, noticesOf }) {
    const staged = join(OUTPUT, manifest.name);
    const [{ files }] = JSON.parse(
        execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts", "--loglevel=error"], {
            cwd: ROOT,
            encoding: "utf8"
        })
    );
    for (const module of MODULES) {
        if (!files.some(({ path }) => path === module)) {
            throw new Error(`the main package would lack ${module}: \`npm run build:wasm\` makes it`);
        }
        refusePaths(join(ROOT, module));
    }
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
    const contents = {
        file: join(staged, MODULES[0]),
        artifact: MODULE,
        compiler: compilerOfWasm(),
        optionalDependencies
    };
    writeFileSync(join(staged, NOTICES), noticesOf(MODULE));
    writeFileSync(join(staged, SBOM), sbomOf(manifest, contents));
    const added = [...published.files, NOTICES, SBOM];
    writeManifest(staged, { ...published, napi, files: added, optionalDependencies });
    return npmPack(staged);
}

/** Nobody's home is to be read in a package. */
function refusePaths(file) {
    const folders = foldersIn(file);
    if (folders.length > 0) {
        throw new Error(`${file} names folders of this machine: ${folders.join(", ")}`);
    }
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
