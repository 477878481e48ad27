// Builds for release and packs: the main package, and the package with the addon for this machine.

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
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { napiBuild, prepare, requireRust, ROOT } from "./prepare.mjs";
import { run } from "./step.mjs";

const OUTPUT = join(ROOT, "target", "packages");
/** The licences of everything that is linked into the addon, in the package of a platform. */
export const NOTICES = "THIRD-PARTY-NOTICES.txt";
/** The bill of materials in each package. CycloneDX recommends the extension. */
export const SBOM = "sbom.cdx.json";

/** @returns {Promise<{ name: string, tarball: string, files: string[], bytes: number, unpackedBytes: number }[]>} */
export async function pack() {
    // What is packed is built for release, below.
    await prepare({ addon: false });
    requireRust();

    rmSync(OUTPUT, { recursive: true, force: true });
    const built = join(OUTPUT, "build");
    mkdirSync(built, { recursive: true });
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

    const main = readJson(join(ROOT, "package.json"));
    const platform = platformPackage(built);
    if (platform.manifest.version !== main.version) {
        throw new Error(
            `${platform.folder} has version ${platform.manifest.version}, the main package ${main.version}: ` +
                "run `npx napi create-npm-dirs`"
        );
    }
    // It uses packages that `prepare` has just installed.
    const generators = {
        ...(await import("./sbom.mjs")),
        ...(await import("./notices.mjs")),
        ...(await import("./linked-crates.mjs"))
    };
    return [packPlatform(platform, built, generators), packMain(main, built, generators)];
}

/** The folder in `npm/` whose package holds the addon that was just built. */
function platformPackage(built) {
    const addon = readdirSync(built).find(name => name.endsWith(".node"));
    for (const name of readdirSync(join(ROOT, "npm"))) {
        const folder = join(ROOT, "npm", name);
        const manifest = readJson(join(folder, "package.json"));
        if (manifest.main === addon) {
            return { addon, folder, manifest };
        }
    }
    throw new Error(
        `no package in npm/ holds ${addon}: add the target to "napi" in package.json and run \`npx napi create-npm-dirs\``
    );
}

function packPlatform({ addon, folder, manifest }, built, { sbomOf, noticesOf, targetOf }) {
    const staged = join(OUTPUT, manifest.name);
    cpSync(folder, staged, { recursive: true, filter: path => !path.endsWith(".node") });
    copyFileSync(join(built, addon), join(staged, addon));
    copyFileSync(join(ROOT, "LICENSE"), join(staged, "LICENSE"));
    writeFileSync(join(staged, NOTICES), noticesOf(targetOf(manifest.name)));
    writeFileSync(join(staged, SBOM), sbomOf(manifest, { addon: join(staged, addon) }));
    writeManifest(staged, { ...manifest, files: [...manifest.files, NOTICES, SBOM] });
    return npmPack(staged);
}

function packMain(manifest, built, { sbomOf }) {
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

    // In the repository they would make `npm ci` ask for packages that are not published yet.
    const optionalDependencies = Object.fromEntries(
        readdirSync(join(ROOT, "npm")).map(name => {
            const platform = readJson(join(ROOT, "npm", name, "package.json"));
            return [platform.name, platform.version];
        })
    );
    const { devDependencies: _development, scripts: _scripts, ...published } = manifest;
    writeFileSync(join(staged, SBOM), sbomOf(manifest, { optionalDependencies }));
    writeManifest(staged, { ...published, files: [...published.files, SBOM], optionalDependencies });
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

// `npm run tarballs`: to install them into a project of one's own.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const packages = await pack();
    console.log(`\nPacked. In your project: npm install ${packages.map(({ tarball }) => tarball).join(" ")}`);
}
