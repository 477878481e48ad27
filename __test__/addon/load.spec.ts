// What a program is told where the addon cannot be loaded.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../support/script.js";

let folder: string;
const platform = `${process.platform}-${process.arch}`;

/** The package without its addon. */
beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "oidc-spa-native-"));
    await mkdir(join(folder, "binding"));
    for (const path of ["dist", "binding/binding.js", "package.json"]) {
        await cp(join(root, path), join(folder, path), { recursive: true });
    }
});

afterAll(() => rm(folder, { recursive: true }));

/** What a program prints that loads the package here, or the package as it is. */
function load(cwd: string, { flags = [], before = "" }: { flags?: string[]; before?: string } = {}) {
    const program = `${before} try { require("${cwd}/dist/index.js"); console.log("loaded"); }
        catch (error) { console.log(error.message, "message" in error.cause); }`;
    return new Promise<string>((resolve, reject) => {
        execFile(process.execPath, [...flags, "--eval", program], { cwd }, (error, stdout) =>
            error === null ? resolve(stdout) : reject(error)
        );
    });
}

test("Q20: without the addon, an error names the package to install", async () => {
    for (const entry of ["index", "server"]) {
        const before = `require("${folder}/dist/${entry}.js");`;
        await expect(load(folder, { before })).rejects.toThrow(`npm install oidc-spa-native-${platform}`);
    }
    expect(await load(folder)).toContain(`npm install oidc-spa-native-${platform}`);
    expect(await load(folder)).toMatch(/true\n$/);
    expect(await load(root)).toBe("loaded\n");
});

test.each([
    ["darwin", "arm64", "darwin-arm64"],
    ["win32", "x64", "win32-x64-msvc"],
    ["linux", "riscv64", "linux-riscv64-gnu"],
    ["aix", "ppc64", "aix-ppc64"]
])(
    "where there is no build for %s on %s, it names those that there are, and no package",
    async (os, arch, name) => {
        const as = (member: string, value: string) =>
            `Object.defineProperty(process, "${member}", { value: "${value}" });`;
        const said = await load(folder, { before: as("platform", os) + as("arch", arch) });
        expect(said).toContain(`the native addon for ${name} could not be loaded`);
        expect(said).toContain("There is no build for it yet. There is one for: linux-x64-gnu.");
        expect(said).not.toMatch(/npm |oidc-spa-native-/);
    }
);

test("the platforms that an error names are those of package.json, and each has a package in npm/", async () => {
    const said = await load(folder, { before: 'Object.defineProperty(process, "arch", { value: "none" });' });
    const named = /There is one for: (.*)\./.exec(said)?.[1]?.split(", ");
    expect(await readdir(join(root, "npm"))).toEqual(expect.arrayContaining(named ?? []));
    const { napi } = createRequire(import.meta.url)("oidc-spa-native/package.json") as {
        napi: { targets: string[] };
    };
    expect(named).toHaveLength(napi.targets.length);
});

test("an addon that the system refuses is not said to be missing", async () => {
    const addon = join(folder, `binding/oidc-spa-native.${process.platform}-${process.arch}-gnu.node`);
    await writeFile(addon, "no ELF file");
    try {
        const said = await load(folder);
        expect(said).toMatch(/It is there, but the system's loader refused it: .*(ELF|file too short)/);
        expect(said).not.toContain("npm install");
    } finally {
        await rm(addon);
    }
});

describe("where Node.js loads no addons", () => {
    const permission = process.allowedNodeEnvironmentFlags.has("--permission")
        ? "--permission"
        : "--experimental-permission";
    const restricted = [permission, "--allow-fs-read=*", "--no-warnings"];

    test("the error names the flag, and with it the package loads", async () => {
        const said = await load(root, { flags: restricted });
        expect(said).toContain("--allow-addons");
        expect(said).not.toMatch(/npm /);
        expect(await load(root, { flags: [...restricted, "--allow-addons"] })).toBe("loaded\n");
    });

    test("by --no-addons too", async () => {
        expect(await load(root, { flags: ["--no-addons"] })).toContain("leave out --no-addons");
    });
});
