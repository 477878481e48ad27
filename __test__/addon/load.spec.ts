// Which engine a program gets where the addon cannot be loaded, and what it is told.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newKey } from "../support/jwt.js";
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

interface Program {
    readonly flags?: string[];
    readonly before?: string;
    /** The value of OIDC_SPA_NATIVE_ENGINE. */
    readonly engine?: string;
}

/** What a program prints, and what it is warned of, that loads the package here, or the package as it is. */
function load(cwd: string, { flags = [], before = "", engine }: Program = {}) {
    const key = JSON.stringify(newKey("P-256").publicJwk);
    const program = `${before} process.on("warning", ({ code, message }) => console.log(code, message));
        try {
            const { createValidator } = require("${cwd}/dist/index.js");
            const keys = { jwks: { keys: [${key}] } };
            const validator = createValidator({ issuerUri: "https://as.example", expectedAudience: "a", keys });
            console.log("loaded", validator.health().engine);
        } catch (error) { console.log(error.message, "message" in error.cause); }`;
    const env = { ...process.env, OIDC_SPA_NATIVE_ENGINE: engine };
    return new Promise<string>((resolve, reject) => {
        execFile(process.execPath, [...flags, "--eval", program], { cwd, env }, (error, stdout) =>
            error === null ? resolve(stdout) : reject(error)
        );
    });
}

const native = (cwd: string, program: Program = {}) => load(cwd, { ...program, engine: "native" });

test("the addon is loaded where it is, without a word", async () => {
    expect(await load(root)).toBe("loaded native\n");
    expect(await native(root)).toBe("loaded native\n");
});

test("Q20: without the addon WebAssembly runs, and a warning says why and names the package to install", async () => {
    const said = await load(folder);
    expect(said).toContain("loaded wasm\n");
    expect(said.match(/OIDC_SPA_NATIVE_ENGINE /g)).toHaveLength(1);
    expect(said).toContain(`npm install oidc-spa-native-${platform}`);
    expect(said).toContain("WebAssembly is used in its place");
});

test("OIDC_SPA_NATIVE_ENGINE forces one engine, without a warning, and takes no other value", async () => {
    for (const entry of ["index", "server"]) {
        const before = `require("${folder}/dist/${entry}.js");`;
        await expect(native(folder, { before })).rejects.toThrow(`npm install oidc-spa-native-${platform}`);
    }
    expect(await native(folder)).toMatch(/OIDC_SPA_NATIVE_ENGINE=native allows no other engine. true\n$/);
    for (const cwd of [folder, root]) {
        expect(await load(cwd, { engine: "wasm" })).toBe("loaded wasm\n");
    }
    for (const engine of ["", "WASM", "javascript"]) {
        const before = "process.on('uncaughtException', ({ message }) => console.log(message));";
        await expect(
            load(root, { engine, before: `${before} require("${root}/dist/index.js");` })
        ).resolves.toContain(
            `OIDC_SPA_NATIVE_ENGINE: expected native or wasm, or no such variable; got "${engine}"`
        );
    }
});

test("without both, an error says what is missing of both", async () => {
    const [core, aside] = ["core-module.js", "aside.js"].map(name => join(folder, "dist/wasm", name));
    await rename(core as string, aside as string);
    try {
        const said = await load(folder);
        expect(said).toContain(`npm install oidc-spa-native-${platform}`);
        expect(said).toContain("WebAssembly cannot take its place: Cannot find module");
        expect(said).toContain("Without an engine no request can be accepted. true\n");
        expect(await load(folder, { engine: "wasm" })).toContain("WebAssembly is asked for.");
    } finally {
        await rename(aside as string, core as string);
    }
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
        const said = await native(folder, { before: as("platform", os) + as("arch", arch) });
        expect(said).toContain(`the native addon for ${name} could not be loaded`);
        expect(said).toContain("There is no build for it yet. There is one for: linux-x64-gnu.");
        expect(said).not.toMatch(/npm |oidc-spa-native-/);
    }
);

test("the platforms that an error names are those of package.json, and each has a package in npm/", async () => {
    const said = await native(folder, {
        before: 'Object.defineProperty(process, "arch", { value: "none" });'
    });
    const named = /There is one for: (.*)\./.exec(said)?.[1]?.split(", ");
    expect(await readdir(join(root, "npm"))).toEqual(expect.arrayContaining(named ?? []));
    const { napi } = createRequire(import.meta.url)("oidc-spa-native/package.json") as {
        napi: { targets: string[] };
    };
    expect(named).toHaveLength(napi.targets.length);
});

test("a damaged addon is an error that says so, on any engine but WebAssembly alone", async () => {
    const addon = join(folder, `binding/oidc-spa-native.${process.platform}-${process.arch}-gnu.node`);
    await writeFile(addon, "no ELF file");
    try {
        for (const said of [await native(folder), await load(folder)]) {
            expect(said).toMatch(/It is there, but the system's loader refused it: .*(ELF|file too short)/);
            expect(said).toContain(
                "The file is damaged, or is not the published one: install the package again."
            );
            expect(said).not.toContain("npm install");
            expect(said).not.toContain("loaded wasm");
        }
        expect(await load(folder, { engine: "wasm" })).toBe("loaded wasm\n");
    } finally {
        await rm(addon);
    }
});

test("in a bundle that is an ECMAScript module, WebAssembly runs, and the warning says what to leave outside", async () => {
    const entry = join(folder, "entry.mjs");
    const program = `import { createValidator } from ${JSON.stringify(join(root, "dist/index.js"))};
        const keys = { jwks: { keys: [${JSON.stringify(newKey("P-256").publicJwk)}] } };
        const options = { issuerUri: "https://as.example", expectedAudience: "a", keys };
        process.on("warning", ({ code, message }) => console.log(code, message));
        console.log("loaded", createValidator(options).health().engine);`;
    await writeFile(entry, program);
    const outDir = join(folder, "bundle");
    await build({
        configFile: false,
        root: folder,
        logLevel: "error",
        ssr: { noExternal: true },
        build: { ssr: entry, outDir }
    });
    const bundle = join(outDir, "entry.mjs");
    const env = { ...process.env, OIDC_SPA_NATIVE_ENGINE: undefined };
    const said = await new Promise<string>((resolve, reject) => {
        execFile(process.execPath, [bundle], { env }, (error, stdout) =>
            error === null ? resolve(stdout) : reject(error)
        );
    });
    expect(said).toContain("loaded wasm\n");
    expect(said).toContain("leave oidc-spa-native outside of the bundle");
    expect(said).not.toMatch(/npm install|loader refused/);
});

describe("where Node.js loads no addons", () => {
    const permission = process.allowedNodeEnvironmentFlags.has("--permission")
        ? "--permission"
        : "--experimental-permission";
    const restricted = [permission, "--allow-fs-read=*", "--no-warnings"];

    test("WebAssembly runs, the warning names the flag, and with it the addon loads", async () => {
        const said = await load(root, { flags: restricted });
        expect(said).toContain("--allow-addons");
        expect(said).not.toMatch(/npm /);
        expect(said).toContain("loaded wasm\n");
        const allowed = await load(root, { flags: [...restricted, "--allow-addons"] });
        expect(allowed).toContain("loaded native\n");
        expect(allowed).not.toContain("OIDC_SPA_NATIVE_ENGINE");
    });

    test("by --no-addons too", async () => {
        const said = await load(root, { flags: ["--no-addons"] });
        expect(said).toContain("leave out --no-addons");
        expect(said).toContain("loaded wasm\n");
    });
});
