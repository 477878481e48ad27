// The lock files: every package by its hash, from the public registry, and no script of a package that is not known.

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse as parseToml } from "smol-toml";
import { describe, expect, test } from "vitest";
import { root } from "../support/script.js";

type Locked = { integrity?: string; resolved?: string; hasInstallScript?: boolean; link?: boolean };

/** The packages that run a script of their own when they are installed, and why they are there. */
const INSTALL_SCRIPTS: Record<string, Record<string, string>> = {
    "package-lock.json": {
        "@apollo/protobufjs": "only warns about versions; of @apollo/server, a test program's",
        "@parcel/watcher": "builds from source where no prebuilt one fits; of jest, in tests",
        bun: "puts its binary in place; tests start it",
        deno: "puts its binary in place; tests start it",
        esbuild: "puts its binary in place; of wrangler, which bundles the Workers of the tests",
        sharp: "builds from source where no prebuilt one fits; of miniflare, in tests",
        workerd: "puts its binary in place; of miniflare, in which the Workers of the tests run"
    },
    "examples/todo/package-lock.json": {
        "better-sqlite3": "compiles the database of the example"
    },
    "benchmark/compare/package-lock.json": {}
};

async function packagesOf(file: string): Promise<[name: string, locked: Locked][]> {
    const lock = JSON.parse(await readFile(join(root, file), "utf8"));
    expect(lock.lockfileVersion).toBe(3);
    return Object.entries<Locked>(lock.packages).filter(([path]) => path !== "");
}

describe.each(Object.keys(INSTALL_SCRIPTS))("%s", file => {
    test("has a SHA-512 of each package, and no address", async () => {
        const packages = await packagesOf(file);
        expect(packages.length).toBeGreaterThan(20);
        for (const [path, { integrity, resolved, link }] of packages) {
            expect(link, path).toBeUndefined();
            expect(integrity, path).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
            // The registry is that of the machine's settings: an address here would go around it.
            expect(resolved, path).toBeUndefined();
        }
    });

    test("brings no script that runs at its installation, but those that are known", async () => {
        const withScript = (await packagesOf(file)).filter(([, { hasInstallScript }]) => hasInstallScript);
        const names = withScript.map(([path]) => path.slice(path.lastIndexOf("node_modules/") + 13));
        expect([...new Set(names)].sort()).toEqual(Object.keys(INSTALL_SCRIPTS[file] ?? {}).sort());
    });
});

/** The lock files of crates, and how many crates of others each has at the least. */
const CARGO_LOCKS: [file: string, atLeast: number][] = [
    ["Cargo.lock", 200],
    ["wasm/Cargo.lock", 40],
    ["fuzz/Cargo.lock", 100]
];

/** A crate of this project that takes the place of another one, under its name. */
const OWN_IN_PLACE: Readonly<Record<string, string>> = { "wasm/Cargo.lock": "idna" };

test.each(CARGO_LOCKS)("%s has a SHA-256 of each crate, and one registry", async (file, atLeast) => {
    const { package: crates } = parseToml(await readFile(join(root, file), "utf8")) as {
        package: { name: string; source?: string; checksum?: string }[];
    };
    const foreign = crates.filter(
        ({ name }) => !name.startsWith("oidc-spa-native") && OWN_IN_PLACE[file] !== name
    );
    expect(foreign.length).toBeGreaterThan(atLeast);
    for (const { name, source, checksum } of foreign) {
        expect(source, name).toBe("registry+https://github.com/rust-lang/crates.io-index");
        expect(checksum, name).toMatch(/^[0-9a-f]{64}$/);
    }
});

test("every lock file of crates is looked at", () => {
    const tracked = execFileSync("git", ["ls-files", "*Cargo.lock"], { cwd: root, encoding: "utf8" });
    expect(tracked.trim().split("\n").sort()).toEqual(CARGO_LOCKS.map(([file]) => file).sort());
});
