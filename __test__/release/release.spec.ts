// What a release is made of fits together: the packages of npm/, the lists of the workflows, the tarballs.

import { readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { writeNpmDirs } from "../../scripts/release/npm-dirs.mjs";
import { PLATFORMS } from "../../scripts/release/platforms.mjs";
import { misfits, notReady } from "../../scripts/release/publish.mjs";
import { root } from "../support/script.js";

interface Step {
    readonly run?: string;
    readonly uses?: string;
}
interface Job {
    readonly steps?: readonly Step[];
    readonly uses?: string;
    readonly permissions?: Record<string, string>;
    readonly strategy?: { readonly matrix: { readonly include: readonly Record<string, string>[] } };
}
interface Workflow {
    readonly permissions: Record<string, string>;
    readonly jobs: Record<string, Job>;
}

const workflow = async (name: string) =>
    parse(await readFile(join(root, ".github/workflows", name), "utf8")) as Workflow;
const manifest = createRequire(import.meta.url)("oidc-spa-native/package.json") as {
    version: string;
    napi: { targets: string[] };
    scripts: Record<string, string>;
};

describe("npm/", () => {
    const made = "target/npm-dirs-of-a-test";
    afterAll(() => rm(join(root, made), { recursive: true, force: true }));

    test("holds what napi-rs makes for the platforms of a release: `npm run npm-dirs` changes nothing", async () => {
        writeNpmDirs(made);
        const files = async (folder: string) =>
            (await readdir(join(root, folder), { recursive: true }))
                .filter(file => /\.(json|md)$/.test(file))
                .sort();
        const expected = await files(made);
        expect(await files("npm")).toEqual(expected);
        expect(expected).toHaveLength(2 * PLATFORMS.length);
        for (const file of expected) {
            const written = await readFile(join(root, made, file), "utf8");
            expect(await readFile(join(root, "npm", file), "utf8"), file).toBe(written);
        }
    });

    test("has a package for each target that the loader may name", () => {
        expect(PLATFORMS.map(({ target }) => target)).toEqual(expect.arrayContaining(manifest.napi.targets));
    });
});

describe("the workflows", () => {
    test("build and try every platform, each on its own runner", async () => {
        const { jobs } = await workflow("platforms.yml");
        const included = (job: string) => jobs[job]?.strategy?.matrix.include;
        expect(included("build")).toEqual(
            PLATFORMS.map(({ name, target, runner }) => ({ platform: name, target, runner }))
        );
        expect(included("try")).toEqual(
            PLATFORMS.map(({ name, runner, image }) => ({ platform: name, runner, ...(image && { image }) }))
        );
    });

    test("add the target of the WebAssembly module before a command that builds it, and only there", async () => {
        const builders: string[] = [];
        for (const name of await readdir(join(root, ".github/workflows"))) {
            for (const [title, { steps = [] }] of Object.entries((await workflow(name)).jobs)) {
                const commands = steps.map(({ run = "" }) => run);
                const target = commands.indexOf("rustup target add wasm32-unknown-unknown");
                const build = commands.findIndex(run => /^\.ci\/run$|^npm run tarballs\b/.test(run));
                expect(build >= 0 ? target >= 0 && target < build : target === -1, `${name}: ${title}`).toBe(
                    true
                );
                builders.push(...(build >= 0 ? [`${name}: ${title}`] : []));
            }
        }
        expect(builders.sort()).toEqual(["ci.yml: tests", "platforms.yml: pack", "release.yml: tests"]);
    });

    test("run scripts that exist, with actions by their commits and no right beyond reading", async () => {
        const names = await readdir(join(root, ".github/workflows"));
        expect(names.sort()).toEqual(["ci.yml", "platforms.yml", "release.yml"]);
        for (const name of names) {
            const { permissions, jobs } = await workflow(name);
            expect(permissions, name).toEqual({ contents: "read" });
            for (const [title, job] of Object.entries(jobs)) {
                const rights = title === "publish" ? { contents: "read", "id-token": "write" } : undefined;
                expect(job.permissions, title).toEqual(rights);
                for (const { run = "", uses } of job.steps ?? []) {
                    for (const [, script = ""] of run.matchAll(/npm run ([\w:-]+)/g)) {
                        expect(Object.keys(manifest.scripts), run).toContain(script);
                    }
                    if (uses !== undefined) {
                        expect(uses).toMatch(/^actions\/[\w-]+@[0-9a-f]{40}$/);
                    }
                }
            }
        }
    });
});

describe("a release", () => {
    const name = "oidc-spa-native";
    const version = "1.2.3";
    const packageOf = (platform: string, its: string = version) => ({
        path: `${platform}.tgz`,
        manifest: { name: `${name}-${platform}`, version: its }
    });
    const all = PLATFORMS.map(platform => packageOf(platform.name));
    const mainOf = (packages: readonly { manifest: { name: string } }[], more: object = {}) => ({
        path: "main.tgz",
        manifest: {
            name,
            version,
            repository: { type: "git", url: "git+https://git.example/project.git" },
            optionalDependencies: Object.fromEntries(
                packages.map(({ manifest }) => [manifest.name, version])
            ),
            ...more
        }
    });
    const good = { main: mainOf(all), platforms: all };
    const release = { tag: "v1.2.3", changelog: "# Changelog\n\n## 1.2.3 (2026-11-27)\n" };

    test("is published where everything fits", () => {
        expect(misfits(good)).toEqual([]);
        expect(notReady(good, release)).toEqual([]);
    });

    test("names the packages that were packed with it, in its own version, and no others", () => {
        const [first, ...rest] = all;
        expect(misfits({ main: good.main, platforms: rest })).toEqual([
            `${first?.manifest.name} is named and was not packed`
        ]);
        expect(misfits({ main: mainOf(rest), platforms: all })).toEqual([
            `${first?.manifest.name} was packed and is not named`
        ]);
        const older = packageOf(PLATFORMS[0]?.name ?? "", "1.2.2");
        expect(misfits({ main: good.main, platforms: [older, ...rest] })).toEqual([
            `${older.manifest.name} has version 1.2.2, expected 1.2.3`
        ]);
        const lagging = { [first?.manifest.name ?? ""]: "1.2.2" };
        const named = { ...good.main.manifest.optionalDependencies, ...lagging };
        expect(misfits({ main: mainOf(all, { optionalDependencies: named }), platforms: all })).toEqual([
            `${first?.manifest.name} is named with version 1.2.2, expected 1.2.3`
        ]);
    });

    test("waits for every platform, its tag, its date in the changelog, and a repository", () => {
        const [, ...rest] = all;
        expect(notReady({ main: mainOf(rest), platforms: rest }, release)).toEqual([
            `there is no package for ${PLATFORMS[0]?.name}`
        ]);
        expect(notReady(good, { ...release, tag: "v1.2.4" })).toEqual(["the tag is v1.2.4, expected v1.2.3"]);
        expect(notReady(good, { changelog: release.changelog })).toEqual([
            "the tag is not given, expected v1.2.3"
        ]);
        expect(notReady(good, { ...release, changelog: "## 1.2.3 (unreleased)\n" })).toEqual([
            'CHANGELOG.md has no heading "## 1.2.3 (YYYY-MM-DD)"'
        ]);
        const unsigned = { main: mainOf(all, { repository: undefined }), platforms: all };
        expect(notReady(unsigned, release)).toEqual([
            'package.json has no "repository", and npm accepts no provenance without it'
        ]);
    });
});
