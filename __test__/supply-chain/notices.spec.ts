// THIRD-PARTY-NOTICES.txt of each package: the licence of every crate that is linked, and only licences that deny.toml
// allows.

import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parse as parseToml } from "smol-toml";
import { beforeAll, describe, expect, test } from "vitest";
import { addonOf, type LinkedCrate, linkedCrates, MODULE } from "../../scripts/linked-crates.mjs";
import { noticesOf } from "../../scripts/notices.mjs";
import { root } from "../support/script.js";

type Licence =
    | { license: string; exception?: string }
    | { conjunction: "and" | "or"; left: Licence; right: Licence };

// It has no types of its own.
const parseLicence = createRequire(import.meta.url)("spdx-expression-parse") as (text: string) => Licence;
const oneLine = (text: string) => text.replaceAll(/\s+/g, " ").trim();

const platform = JSON.parse(await readFile(join(root, "npm/linux-x64-gnu/package.json"), "utf8"));

/** Whether a licence may be taken, where a choice needs one good side, and a sum both. */
function isAllowed(licence: Licence, allowed: readonly string[]): boolean {
    if ("conjunction" in licence) {
        const sides = [licence.left, licence.right].map(side => isAllowed(side, allowed));
        return licence.conjunction === "or" ? sides.includes(true) : !sides.includes(false);
    }
    return allowed.includes(
        licence.exception ? `${licence.license} WITH ${licence.exception}` : licence.license
    );
}

describe.each([
    {
        of: "the addon",
        artifact: addonOf(platform.name),
        atLeast: { crates: 100, copyrights: 20 },
        hasAwsLc: true
    },
    {
        of: "the WebAssembly module",
        artifact: MODULE,
        atLeast: { crates: 30, copyrights: 3 },
        hasAwsLc: false
    }
])("the notices of $of", ({ artifact, atLeast, hasAwsLc }) => {
    let crates: LinkedCrate[];
    let notices: string;

    beforeAll(() => {
        // One of this project takes the place of `idna`, under its name.
        crates = linkedCrates(artifact).filter(({ folder }) => !join(folder, "/").startsWith(root));
        notices = noticesOf(artifact);
    }, 120_000);

    test("every crate that is linked is named with its version", () => {
        expect(crates.length).toBeGreaterThan(atLeast.crates);
        const lines = new Set(notices.split("\n"));
        const named = ({ name, version, licence }: LinkedCrate) => `- ${name} ${version}: ${licence}`;
        expect(crates.map(named).filter(line => !lines.has(line))).toEqual([]);
        expect(lines).toContain("- the standard library of Rust: MIT OR Apache-2.0");
        expect(notices).not.toContain(root);
    });

    test("the texts are those of the crates: AWS-LC's whole, and every copyright of a crate with one licence", async () => {
        const whole = oneLine(notices);
        let checked = 0;
        let awsLc = false;
        for (const { id, folder, licence } of crates) {
            const files = (await readdir(folder)).filter(name =>
                /^(licen[sc]e|copying)(\.(md|txt))?$/i.test(name)
            );
            if (
                files.length !== 1 ||
                !/^(MIT|ISC|BSD-3-Clause|BSL-1\.0|Unicode-3\.0)$|AND MIT/.test(licence)
            ) {
                continue;
            }
            const text = await readFile(join(folder, files[0] as string), "utf8");
            if (id.startsWith("aws-lc-sys@")) {
                awsLc = true;
                expect(whole).toContain(oneLine(text));
            }
            for (const line of text.match(/^ *Copyright (\([cC]\)|©|\d{4}).*$/gm) ?? []) {
                expect(whole, id).toContain(oneLine(line));
                checked++;
            }
        }
        expect(checked).toBeGreaterThan(atLeast.copyrights);
        expect(awsLc).toBe(hasAwsLc);
    });

    test("every licence is one that deny.toml allows", async () => {
        const { licenses } = parseToml(await readFile(join(root, "deny.toml"), "utf8")) as {
            licenses: { allow: string[] };
        };
        const refused = crates.filter(({ licence }) => !isAllowed(parseLicence(licence), licenses.allow));
        expect(refused.map(({ id, licence }) => `${id}: ${licence}`)).toEqual([]);
        expect(isAllowed(parseLicence("MIT AND GPL-3.0-only"), licenses.allow)).toBe(false);
        expect(isAllowed(parseLicence("GPL-3.0-only OR MIT"), licenses.allow)).toBe(true);
    });
});
