// What Node.js loads from the import to the first verdict: files and modules take most of that time.

import { execFile } from "node:child_process";
import { join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { createTestIssuer } from "oidc-spa-native/testing";
import { expect, test } from "vitest";
import { root } from "../support/script.js";

/** Prints the files of this package that were loaded, and the modules of Node.js. */
const PROGRAM = `
    const { issuerUri, audience, keys, token, credentials } = JSON.parse(process.env.QUESTION);
    const { createValidator } = require(process.env.ENTRY);
    const validator = createValidator({ issuerUri, expectedAudience: audience, keys: { jwks: keys } });
    const headers = { authorization: credentials };
    validator.validateRequest({ method: "GET", url: "https://api.example/items", headers }).then(verdict => {
        const files = Object.keys(require.cache);
        const modules = process.moduleLoadList.map(name => name.split(" ").at(-1));
        console.log(JSON.stringify({ isSuccess: verdict.isSuccess, files, modules }));
    });
`;

/** Each loads others, and takes milliseconds. */
const SLOW = ["crypto", "tls", "net", "cluster", "child_process", "worker_threads", "http", "stream"];

interface Loaded {
    readonly isSuccess: boolean;
    readonly files: readonly string[];
    readonly modules: readonly string[];
}

async function loadedFor(engine: string, credentials?: string): Promise<Loaded> {
    const audience = "https://api.example";
    const issuer = createTestIssuer({ audience });
    const question = {
        issuerUri: issuer.issuerUri,
        audience,
        keys: issuer.jwks,
        credentials: credentials ?? `Bearer ${issuer.sign({})}`
    };
    const { stdout } = await promisify(execFile)(process.execPath, ["--eval", PROGRAM], {
        env: {
            PATH: process.env["PATH"],
            OIDC_SPA_NATIVE_ENGINE: engine,
            ENTRY: join(root, "dist/index.js"),
            QUESTION: JSON.stringify(question)
        }
    });
    return JSON.parse(stdout) as Loaded;
}

/** As paths from the package's folder. */
const namesIn = (files: readonly string[]): string[] =>
    files.map(file => relative(root, file).replaceAll(sep, "/")).sort();

const ROOMS = ["addon", "boundary", "request", "validator"].map(room => `dist/joined/${room}.js`);

test("with the addon, the first verdict loads one file a room, and no slow module of Node.js", async () => {
    const { isSuccess, files, modules } = await loadedFor("native");
    expect(isSuccess).toBe(true);
    const others = namesIn(files).filter(name => !name.endsWith(".node"));
    expect(others).toEqual(["binding/binding.js", "dist/addon/load.js", "dist/index.js", ...ROOMS].sort());
    expect(modules.filter(name => SLOW.includes(name))).toEqual([]);
});

test("with the addon, the first refusal loads node:crypto, which makes its name", async () => {
    const { isSuccess, modules } = await loadedFor("native", "Bearer x");
    expect(isSuccess).toBe(false);
    expect(modules).toContain("crypto");
    expect(modules).not.toContain("net");
});

test("with WebAssembly, the first verdict loads its room and its text beside", async () => {
    const { isSuccess, files, modules } = await loadedFor("wasm");
    expect(isSuccess).toBe(true);
    const own = ["addon", "core", "core-module", "inline", "signatures"].map(name => `dist/wasm/${name}.js`);
    expect(namesIn(files)).toEqual(
        ["dist/addon/load.js", "dist/index.js", "dist/joined/wasm.js", ...own, ...ROOMS].sort()
    );
    expect(modules.filter(name => ["tls", "net", "cluster", "child_process", "http"].includes(name))).toEqual(
        []
    );
});
