// The licences of everything that is linked into an addon or into the WebAssembly module, as the text file beside it.
// The texts are the files that the crates themselves have in the registry's archives, whole and unchanged.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { linkedCrates } from "./linked-crates.mjs";
import { ROOT } from "./prepare.mjs";

const RULE = "=".repeat(80);
const LICENCE_FILE = /^(licen[sc]e|copying|copyright|notice|unlicense)/i;
/** Crates whose archive lacks the text, and the crate of the same repository that has it. */
const TEXT_IN = { "alloc-stdlib": "alloc-no-stdlib" };
const STANDARD_LIBRARY = {
    name: "the standard library of Rust",
    version: "",
    licence: "MIT OR Apache-2.0",
    authors: ["The Rust Project Contributors"]
};

/**
 * @param {import("./linked-crates.mjs").Artifact} artifact
 * @returns {string} each text once, below the crates that it is of. Throws where a crate has no text
 */
export function noticesOf(artifact) {
    // This project's own crates are under the LICENSE of the package.
    const crates = linkedCrates(artifact).filter(({ sha256 }) => sha256 !== undefined);
    const users = new Map();
    for (const crate of [...crates, STANDARD_LIBRARY]) {
        const source = crates.find(({ name }) => name === (TEXT_IN[crate.name] ?? crate.name));
        const texts = source === undefined ? [] : filesOf(source);
        for (const text of texts.length > 0 ? texts : [mitOf(crate)]) {
            users.set(text, [...(users.get(text) ?? []), crate]);
        }
    }
    const sections = [...users].map(([text, crates]) => [...crates.map(lineOf), "", text].join("\n"));
    const opening =
        "The compiled part of this package holds code of others. This file has their licences: each text once, below\n" +
        "the names of those that it is of. Where somebody leaves the choice, MIT is taken if it is one of them.";
    return `${[opening, ...sections].join(`\n\n${RULE}\n\n`)}\n`;
}

const lineOf = ({ name, version, licence }) => `- ${[name, version].filter(Boolean).join(" ")}: ${licence}`;

/** The texts in a crate's archive. Where it leaves the choice, the one of MIT, if that has a file of its own. */
function filesOf({ folder, licence }) {
    const names = readdirSync(folder, { withFileTypes: true })
        .filter(entry => entry.isFile() && LICENCE_FILE.test(entry.name))
        .map(({ name }) => name)
        .sort();
    const ofMit = offersMit(licence) ? names.filter(name => /mit/i.test(name)) : [];
    return (ofMit.length > 0 ? ofMit : names).map(name => readFileSync(join(folder, name), "utf8").trim());
}

function offersMit(licence) {
    return /\bMIT\b/.test(licence) && !licence.includes(" AND ");
}

/** For a crate under MIT without a file: the text of this project's own licence, by the crate's authors. */
function mitOf({ name, licence, authors }) {
    if (!offersMit(licence) || authors.length === 0) {
        throw new Error(
            `${name} has no file with its licence, ${licence}: name the crate that has it in TEXT_IN`
        );
    }
    const own = readFileSync(join(ROOT, "LICENSE"), "utf8");
    return own.replace(/^Copyright .*$/m, `Copyright (c) ${authors.join(", ")}`).trim();
}
