// The bill of materials of each package: good CycloneDX, complete, and the same bytes each time.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { addonOf, linkedCrates, MODULE } from "../../scripts/linked-crates.mjs";
import { sbomOf } from "../../scripts/sbom.mjs";
import { root } from "../support/script.js";

type Component = {
    type: string;
    name: string;
    version?: string;
    "bom-ref": string;
    purl?: string;
    licenses?: unknown[];
    hashes?: { alg: string; content: string }[];
};
type Bill = {
    metadata: { timestamp?: string; component: Component };
    serialNumber?: string;
    components?: Component[];
    dependencies: { ref: string; dependsOn?: string[] }[];
};

const require = createRequire(import.meta.url);
const addFormats = require("ajv-formats").default as (ajv: Ajv) => void;
const schemas = join(dirname(require.resolve("@cyclonedx/cyclonedx-library/package.json")), "res/schema");
const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"));

/** What CycloneDX's own schema says against it. */
async function complaints(bill: unknown) {
    const ajv = new Ajv({ strict: false, allErrors: true });
    addFormats(ajv);
    // Formats of a later draft than `ajv-formats` knows; no member here has one of them.
    ajv.addFormat("idn-email", true).addFormat("iri-reference", true);
    for (const name of ["jsf-0.82", "spdx", "cryptography-defs"]) {
        const file = `${name}.SNAPSHOT.schema.json`;
        const { $id: _id, ...schema } = await readJson(join(schemas, file));
        ajv.addSchema(schema, `http://cyclonedx.org/schema/${file}`);
    }
    const validate = ajv.compile(await readJson(join(schemas, "bom-1.6.SNAPSHOT.schema.json")));
    return validate(bill) ? [] : validate.errors;
}

const main = await readJson(join(root, "package.json"));
const platform = await readJson(join(root, "npm/linux-x64-gnu/package.json"));
const addon = join(root, "binding", platform.main);
const module = join(root, "dist/wasm/core.wasm");
const MODULE_COMPILER = "rustc 1.90.0\nrelease: 1.90.0\n";
const beside = { [platform.name as string]: platform.version as string };

const bills = {
    main: () =>
        sbomOf(main, {
            file: module,
            artifact: MODULE,
            compiler: MODULE_COMPILER,
            optionalDependencies: beside
        }),
    platform: () => sbomOf(platform, { file: addon, artifact: addonOf(platform.name) })
};
/** Cargo is asked each time. It waits while another cargo of this machine fetches. */
const CARGO = { timeout: 120_000 };
const bill = (text: string) => JSON.parse(text) as Bill;

describe.each(Object.entries(bills))("the %s package", CARGO, (_, made) => {
    test("is described by what CycloneDX 1.6 allows", async () => {
        const good = bill(made());
        expect(await complaints(good)).toEqual([]);
        const wrong = { ...good, components: [{ name: "a component without a type" }] };
        expect(await complaints(wrong)).not.toEqual([]);
    });

    test("has the same bill each time, without a time and a random number", () => {
        const text = made();
        expect(made()).toBe(text);
        expect(bill(text).serialNumber).toBeUndefined();
        expect(bill(text).metadata.timestamp).toBeUndefined();
        expect(text).not.toContain(root);
    });

    test("names every component once, with a licence where it is code of somebody", () => {
        const { components = [], metadata, dependencies } = bill(made());
        const refs = [metadata.component, ...components].map(component => component["bom-ref"]);
        expect(new Set(refs).size).toBe(refs.length);
        expect(dependencies.map(({ ref }) => ref).sort()).toEqual([...refs].sort());
        const named = dependencies.flatMap(({ dependsOn = [] }) => dependsOn);
        expect(named.filter(ref => !refs.includes(ref))).toEqual([]);
        const without = components.filter(
            ({ type, purl, licenses }) => type === "library" && !licenses && purl
        );
        expect(without.map(({ name }) => name)).toEqual(made === bills.main ? [platform.name] : []);
    });
});

test(
    "the platform's bill names the file, by its bytes, and every crate whose code is in it",
    CARGO,
    async () => {
        const { components = [] } = bill(bills.platform());
        const bytes = await readFile(addon);
        const file = components.find(({ type }) => type === "file");
        expect(file?.name).toBe(platform.main);
        expect(file?.hashes).toEqual([
            { alg: "SHA-256", content: createHash("sha256").update(bytes).digest("hex") }
        ]);

        // The compiler writes the path of a source beside each place that can panic: a second way to know what is linked.
        const paths = bytes
            .toString("latin1")
            .matchAll(/registry\/src\/[^/\0]+\/([A-Za-z0-9_-]+)-(\d+\.[\w.+-]+)\//g);
        const linked = new Set([...paths].map(([, name, version]) => `pkg:cargo/${name}@${version}`));
        expect(linked.size).toBeGreaterThan(30);
        const listed = components.map(({ purl }) => purl);
        expect([...linked].filter(purl => !listed.includes(purl))).toEqual([]);
        for (const name of ["aws-lc-sys", "aws-lc", "rust-std", "rustls", "tokio", "redis"]) {
            expect(components.map(component => component.name)).toContain(name);
        }
        // A macro runs in the compiler, and nothing of it is in the file.
        expect(components.map(({ name }) => name)).not.toContain("syn");
    }
);

test(
    "the main package's bill names the module, by its bytes, and the crates and the standard library in it",
    CARGO,
    async () => {
        const { components = [], dependencies } = bill(bills.main());
        const bytes = await readFile(module);
        const [file, ...others] = components.filter(({ type }) => type === "file");
        expect(others).toEqual([]);
        expect(file?.name).toBe("core.wasm");
        expect(file?.hashes).toEqual([
            { alg: "SHA-256", content: createHash("sha256").update(bytes).digest("hex") }
        ]);
        const names = components.map(({ name }) => name);
        for (const name of [
            "oidc-spa-native",
            "oidc-spa-native-engine",
            "lru",
            "serde_json",
            "sha2",
            "url"
        ]) {
            expect(names).toContain(name);
        }
        // What only the addon has.
        for (const name of ["aws-lc-sys", "aws-lc", "rustls", "tokio", "redis", "napi"]) {
            expect(names).not.toContain(name);
        }
        // Another compiler than the addon's may have made it.
        const standard = components.find(({ name }) => name === "rust-std");
        expect(standard?.version).toBe("1.90.0");
        const inFile = dependencies.find(({ ref }) => ref === file?.["bom-ref"])?.dependsOn ?? [];
        expect(inFile).toContain(standard?.["bom-ref"]);
    }
);

test.each([
    ["the addon", addonOf(platform.name), 100],
    ["the module", MODULE, 30]
] as const)(
    "each crate of the registry in %s is named with the hash of its archive",
    CARGO,
    (_, artifact, atLeast) => {
        // One of this project takes the place of `idna`, under its name.
        const foreign = linkedCrates(artifact).filter(({ folder }) => !join(folder, "/").startsWith(root));
        expect(foreign.length).toBeGreaterThan(atLeast);
        expect(foreign.filter(({ sha256 }) => !/^[0-9a-f]{64}$/.test(sha256 ?? ""))).toEqual([]);
    }
);

test("the main package brings nothing along but the packages of platforms", async () => {
    expect(main.dependencies).toBeUndefined();
    const { components = [] } = bill(bills.main());
    const ofNpm = components.filter(({ purl }) => purl?.startsWith("pkg:npm/"));
    expect(ofNpm.map(({ name }) => name)).toEqual([platform.name]);
    for (const name of await readdir(join(root, "npm"))) {
        const { dependencies, scripts } = await readJson(join(root, "npm", name, "package.json"));
        expect([dependencies, scripts], name).toEqual([undefined, undefined]);
    }
});
