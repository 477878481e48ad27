// The bill of materials of a package, as CycloneDX 1.6 in JSON: the same bytes for the same package.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Contrib, Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import validateLicence from "spdx-expression-parse";
import { linkedCrates } from "./linked-crates.mjs";

const licences = new Contrib.License.Factories.LicenseFactory(validateLicence);

/**
 * @typedef {object} Contents
 * @property {string} [file] - the path of the compiled file that the package holds
 * @property {import("./linked-crates.mjs").Artifact} [artifact] - what was built into this file
 * @property {string} [compiler] - what `rustc --version --verbose` says of the compiler; default: this machine's
 * @property {Record<string, string>} [optionalDependencies] - packages beside this one, each with its own bill
 *
 * @param {{ name: string, version: string, description: string, license: string }} manifest - of the npm package
 * @param {Contents} [contents]
 * @returns {string} JSON without times and random numbers
 */
export function sbomOf(manifest, { file, artifact, compiler, optionalDependencies = {} } = {}) {
    const { name, version, description, license } = manifest;
    const described = component(Enums.ComponentType.Library, npmPackageUrl(name, version), {
        name,
        version,
        description,
        licence: license
    });
    const bom = new Models.Bom({ metadata: new Models.Metadata({ component: described }) });
    for (const [name, version] of Object.entries(optionalDependencies)) {
        const beside = component(Enums.ComponentType.Library, npmPackageUrl(name, version), {
            name,
            version
        });
        beside.scope = Enums.ComponentScope.Optional;
        bom.components.add(beside);
        described.dependencies.add(beside.bomRef);
    }
    if (file !== undefined) {
        addCompiled(bom, described, file, linkedCrates(artifact), compiler);
    }
    const normalizers = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
    const text = new Serialize.JsonSerializer(normalizers).serialize(bom, { sortLists: true, space: 2 });
    return `${text}\n`;
}

/** A compiled file, and everything that is linked into it. */
function addCompiled(bom, described, path, crates, compiler) {
    const file = component(Enums.ComponentType.File, undefined, { name: basename(path) });
    file.hashes.set(
        Enums.HashAlgorithm["SHA-256"],
        createHash("sha256").update(readFileSync(path)).digest("hex")
    );
    bom.components.add(file);
    described.dependencies.add(file.bomRef);

    const components = new Map(crates.map(crate => [crate.id, crateComponent(crate)]));
    for (const { id, name, licence, folder, dependencies } of crates) {
        const linked = components.get(id);
        bom.components.add(linked);
        file.dependencies.add(linked.bomRef);
        for (const dependency of dependencies) {
            linked.dependencies.add(components.get(dependency).bomRef);
        }
        if (name === "aws-lc-sys") {
            const library = awsLc(folder, licence);
            bom.components.add(library);
            linked.dependencies.add(library.bomRef);
        }
    }
    const standard = standardLibrary(compiler);
    bom.components.add(standard);
    file.dependencies.add(standard.bomRef);
}

function crateComponent({ name, version, description, licence, sha256 }) {
    const url = sha256 && `pkg:cargo/${encodeURIComponent(name)}@${encodeURIComponent(version)}`;
    const linked = component(Enums.ComponentType.Library, url, { name, version, description, licence });
    if (sha256) {
        linked.hashes.set(Enums.HashAlgorithm["SHA-256"], sha256);
    }
    return linked;
}

/** The C library inside of the crate has a version and advisories of its own. */
function awsLc(folder, licence) {
    const header = join(folder, "aws-lc/include/openssl/base.h");
    const version = existsSync(header)
        ? /AWSLC_VERSION_NUMBER_STRING "([^"]+)"/.exec(readFileSync(header, "utf8"))?.[1]
        : undefined;
    if (version === undefined) {
        throw new Error(`the version of AWS-LC was not found in ${header}`);
    }
    return component(Enums.ComponentType.Library, `pkg:github/aws/aws-lc@v${version}`, {
        name: "aws-lc",
        version,
        description: "The C library that the crate aws-lc-sys compiles",
        licence
    });
}

function standardLibrary(compiler = execFileSync("rustc", ["--version", "--verbose"], { encoding: "utf8" })) {
    const [, version] = /^release: (.+)$/m.exec(compiler);
    return component(Enums.ComponentType.Library, `pkg:generic/rust-std@${version}`, {
        name: "rust-std",
        version,
        description: "The standard library of Rust",
        licence: "MIT OR Apache-2.0"
    });
}

function component(type, purl, { name, version, description, licence }) {
    const bomRef = purl ?? [name, version].filter(Boolean).join("@");
    const made = new Models.Component(type, name, { version, description, purl, bomRef });
    if (licence !== undefined) {
        made.licenses.add(licences.makeFromString(licence));
    }
    return made;
}

function npmPackageUrl(name, version) {
    return `pkg:npm/${name}@${version}`;
}
