// The types, as applications compile them: TypeScript from 5.0 on, strict or not.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let folder: string;

beforeAll(() => {
    // Beside the programs, so that they find the package by its name.
    folder = mkdtempSync(`${ROOT}/__test__/compilers/.run-`);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What the compiler says: nothing, if all is well. */
async function compile(
    compiler: string,
    program: string,
    settings: Record<string, unknown>
): Promise<string> {
    const config = `${folder}/${compiler}-${program}-${Object.values(settings).join("-")}.json`;
    const compilerOptions = {
        noEmit: true,
        target: "es2022",
        module: "node16",
        moduleResolution: "node16",
        lib: ["es2022", "dom", "dom.iterable"],
        types: ["node"],
        typeRoots: [`${ROOT}/node_modules/@types`],
        // Those of the frameworks need newer compilers, some of them.
        skipLibCheck: true,
        ...settings
    };
    writeFileSync(config, JSON.stringify({ compilerOptions, files: [`../${program}.ts`] }));
    const child = spawn(process.execPath, [`${ROOT}/node_modules/${compiler}/bin/tsc`, "-p", config]);
    const [said] = await Promise.all([text(child.stdout), once(child, "close")]);
    return said;
}

const STRICT = { strict: true, exactOptionalPropertyTypes: true };
const LOOSE = { strict: false };

test.each([
    ["typescript50", "program", LOOSE],
    ["typescript50", "program", { strict: true }],
    ["typescript50", "nest", LOOSE],
    ["typescript50", "nest", { strict: true }],
    ["typescript54", "program", STRICT],
    ["typescript54", "nest", LOOSE],
    ["typescript59", "program", LOOSE],
    ["typescript59", "nest", STRICT],
    ["typescript", "program", LOOSE],
    ["typescript", "program", STRICT],
    ["typescript", "nest", LOOSE]
] as const)(
    "%s compiles %s.ts with %j",
    async (compiler, program, settings) => {
        expect(await compile(compiler, program, settings)).toBe("");
    },
    120_000
);
