// Publishes the tarballs of a folder: platform packages first, the main package last. So nobody can install a main
// package whose platform packages are not there yet. A second run goes on where the first one failed.
//
// `npm run release:publish -- --packages FOLDER --tag v0.1.0 [--dry-run]`, in `.github/workflows/release.yml`.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { npm } from "./npm.mjs";
import { PLATFORMS } from "./platforms.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * @typedef {object} Tarball
 * @property {string} path
 * @property {Record<string, any>} manifest
 *
 * @param {string} folder
 * @returns {{ main: Tarball, platforms: Tarball[] }}
 */
export function readPackages(folder) {
    const tarballs = readdirSync(folder)
        .filter(name => name.endsWith(".tgz"))
        .map(name => ({ path: join(folder, name), manifest: manifestIn(folder, name) }));
    const { name } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const [main, ...others] = tarballs.filter(({ manifest }) => manifest.name === name);
    if (main === undefined || others.length > 0) {
        throw new Error(`${folder} has ${others.length + (main ? 1 : 0)} tarballs of ${name}, expected 1`);
    }
    return { main, platforms: tarballs.filter(tarball => tarball !== main) };
}

/** The file is named without its folder: to GNU tar the `C:` of a path names a host. */
function manifestIn(folder, name) {
    const args = ["-xOf", name, "package/package.json"];
    return JSON.parse(execFileSync("tar", args, { cwd: folder, encoding: "utf8" }));
}

/**
 * @param {{ main: Tarball, platforms: Tarball[] }} packages
 * @returns {string[]} why they do not fit together: the main package names every platform package, and no other
 */
export function misfits({ main, platforms }) {
    const { version, optionalDependencies = {} } = main.manifest;
    const named = Object.keys(optionalDependencies);
    const packed = platforms.map(({ manifest }) => manifest.name);
    return [
        ...named.filter(name => !packed.includes(name)).map(name => `${name} is named and was not packed`),
        ...packed.filter(name => !named.includes(name)).map(name => `${name} was packed and is not named`),
        ...platforms
            .filter(({ manifest }) => manifest.version !== version)
            .map(({ manifest }) => `${manifest.name} has version ${manifest.version}, expected ${version}`),
        ...named
            .filter(name => optionalDependencies[name] !== version)
            .map(name => `${name} is named with version ${optionalDependencies[name]}, expected ${version}`)
    ];
}

/**
 * @param {{ main: Tarball, platforms: Tarball[] }} packages
 * @param {{ tag?: string, changelog: string }} release
 * @returns {string[]} why this is no release yet
 */
export function notReady({ main, platforms }, { tag, changelog }) {
    const { name, version, repository } = main.manifest;
    const packed = platforms.map(({ manifest }) => manifest.name);
    const faults = PLATFORMS.filter(platform => !packed.includes(`${name}-${platform.name}`)).map(
        platform => `there is no package for ${platform.name}`
    );
    if (tag !== `v${version}`) {
        faults.push(`the tag is ${tag ?? "not given"}, expected v${version}`);
    }
    if (
        !new RegExp(`^## ${version.replaceAll(".", "\\.")} \\(\\d{4}-\\d\\d-\\d\\d\\)$`, "m").test(changelog)
    ) {
        faults.push(`CHANGELOG.md has no heading "## ${version} (YYYY-MM-DD)"`);
    }
    if (typeof repository?.url !== "string") {
        faults.push('package.json has no "repository", and npm accepts no provenance without it');
    }
    return faults;
}

/**
 * @param {{ main: Tarball, platforms: Tarball[] }} packages
 * @param {{ npmOptions: string[] }} options - for `npm publish`
 */
export async function publish({ main, platforms }, { npmOptions }) {
    for (const { path, manifest } of [...platforms, main]) {
        const known = await publishedIntegrity(manifest, npmOptions);
        const integrity = `sha512-${createHash("sha512").update(readFileSync(path)).digest("base64")}`;
        if (known !== undefined && known !== integrity) {
            throw new Error(`${manifest.name} ${manifest.version} was published before with other contents`);
        }
        console.log(`▸ ${basename(path)}: ${known === undefined ? "publishing" : "is published already"}`);
        if (known === undefined) {
            await npm(["publish", path, "--access", "public", "--loglevel=error", ...npmOptions]);
        }
    }
}

async function publishedIntegrity({ name, version }, npmOptions) {
    const view = ["view", `${name}@${version}`, "dist.integrity", "--json", "--loglevel=silent"];
    const { status, stdout } = await npm([...view, ...npmOptions.filter(option => option !== "--dry-run")], {
        mayFail: true
    });
    const answer = stdout.trim() === "" ? {} : JSON.parse(stdout);
    if (status === 0) {
        return typeof answer === "string" ? answer : undefined;
    }
    // Only the answer "there is no such version" permits to publish; a registry that cannot be reached does not.
    if (answer.error?.code !== "E404") {
        throw new Error(`the registry says nothing about ${name} ${version}: ${stdout}`);
    }
    return undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const { values } = parseArgs({
        options: {
            packages: { type: "string", default: join(ROOT, "target", "packages") },
            tag: { type: "string" },
            "dry-run": { type: "boolean", default: false }
        }
    });
    const packages = readPackages(resolve(values.packages));
    const changelog = join(ROOT, "CHANGELOG.md");
    const faults = [
        ...misfits(packages),
        ...notReady(packages, {
            tag: values.tag,
            changelog: existsSync(changelog) ? readFileSync(changelog, "utf8") : ""
        })
    ];
    if (faults.length > 0) {
        console.error(`This is not published:\n${faults.map(fault => `  ${fault}\n`).join("")}`);
        process.exit(1);
    }
    await publish(packages, { npmOptions: ["--provenance", ...(values["dry-run"] ? ["--dry-run"] : [])] });
}
