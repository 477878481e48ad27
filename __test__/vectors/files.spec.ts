// The files of `vectors/`: of the schema, as the program that makes them writes them, each refusal beside its twin; and
// docs/conformance.md, in which each requirement has something that shows it.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { citedIn, conformancePage, evidence } from "../../scripts/vectors/conformance.mjs";
import { makeVectors } from "../../scripts/vectors/make.mjs";
import { root } from "../support/script.js";
import { folder, paths, readJson, vectors } from "./vectors.js";

const made = makeVectors() as Map<string, string>;

test("npm run vectors writes these files, to the byte, and no others", () => {
    expect([...made.keys()].filter(path => path.includes("/")).sort()).toEqual(paths);
    const changed = [...made].filter(([path, text]) => readFileSync(join(folder, path), "utf8") !== text);
    expect(changed.map(([path]) => path)).toEqual([]);
});

test("each file is of the schema", () => {
    const validate = new Ajv2020({ allErrors: true, strictTypes: false, strictTuples: false }).compile(
        readJson("schema.json") as object
    );
    const complaints = paths.filter(path => !validate(readJson(path)));
    expect(complaints).toEqual([]);
    const [first] = paths;
    const file = readJson(first as string) as { vectors: Record<string, unknown>[] };
    expect(validate(file)).toBe(true);
    delete file.vectors[0]?.["clause"];
    expect(validate(file)).toBe(false);
});

test("each id is of one vector, and says where it stands", () => {
    expect(new Set(vectors.map(({ id }) => id)).size).toBe(vectors.length);
    const misplaced = paths.flatMap(path =>
        (readJson(path) as { vectors: { id: string }[] }).vectors
            .filter(({ id }) => !id.startsWith(`${path.slice(0, -".json".length)}/`))
            .map(({ id }) => id)
    );
    expect(misplaced).toEqual([]);
});

test("each refusal has a twin that is granted, and is another request", () => {
    const byId = new Map(vectors.map(vector => [vector.id, vector]));
    const complaints = vectors
        .filter(({ steps }) => steps.at(-1)?.expected.verdict === "refused")
        .filter(vector => {
            const twin = byId.get(vector.twin ?? "");
            const asked = (of: typeof vector) =>
                JSON.stringify([
                    of.configuration,
                    of.steps.map(({ request, rules, time }) => [request, rules, time])
                ]);
            return twin?.steps.at(-1)?.expected.verdict !== "granted" || asked(twin) === asked(vector);
        });
    expect(complaints.map(({ id }) => id)).toEqual([]);
});

test("what oidc-spa says is written where it differs, and only there", () => {
    const complaints = vectors.filter(
        ({ oidcSpa, steps }) => oidcSpa?.verdict === steps.at(-1)?.expected.verdict
    );
    expect(complaints.map(({ id }) => id)).toEqual([]);
});

test("each requirement has a vector, or a test that cites it", () => {
    const bare = evidence(made).filter(({ vectors, test }) => vectors.length === 0 && test === undefined);
    expect(bare.map(({ id }) => id)).toEqual([]);
    const known = new Set(evidence(made).map(({ id }) => id));
    const unknown = vectors.flatMap(({ requirements }) =>
        requirements.filter(id => /^B\d+\./.test(id) && !known.has(id))
    );
    expect(unknown, "cited by a vector, and not in scripts/vectors/requirements.mjs").toEqual([]);
});

test("a test cites a requirement by its name or by its text", () => {
    expect([...citedIn("fn b2_24_h03_x() { /* J02, x5t#S256 */ }")].sort()).toEqual(["B2.24", "H03", "J02"]);
});

test("docs/conformance.md is what npm run vectors writes", () => {
    expect(readFileSync(join(root, "docs/conformance.md"), "utf8")).toBe(conformancePage(made));
});

test("the package of the vectors holds each file, and is not to be published yet", () => {
    const manifest = readJson("package.json") as { private: boolean };
    expect(manifest.private).toBe(true);
    const [{ files }] = JSON.parse(
        execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts", "--loglevel=error"], {
            cwd: folder,
            encoding: "utf8"
        })
    ) as [{ files: readonly { path: string }[] }];
    const packed = files.map(({ path }) => path).sort();
    const others = ["LICENSE", "README.md", "key-sets.json", "keys.json", "package.json", "schema.json"];
    expect(packed).toEqual([...paths, ...others].sort());
});
