// Every block of TypeScript in the pages compiles as it stands, beside what its page has said before.

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { root } from "../support/script.js";

const run = promisify(execFile);

/** What a reader supplies to a block that names it without saying what it is. */
const SUPPLIED: Record<string, string> = {
    createValidator: 'import { createValidator } from "oidc-spa-native";',
    AccessTokenClaims: 'import type { AccessTokenClaims } from "oidc-spa-native";',
    ErrorCode: 'import type { ErrorCode } from "oidc-spa-native";',
    ErrorCause: 'import type { ErrorCause } from "oidc-spa-native";',
    validator: 'declare const validator: import("oidc-spa-native").Validator;',
    options: 'declare const options: import("oidc-spa-native").ValidatorOptions;',
    app: 'declare const app: import("express").Express;'
};

/** Programs that need other types than Node.js has: their own tests compile them, and `programs.spec.ts` compares. */
const COMPILED_ELSEWHERE = /^<!-- examples\/workers\/\S+ -->\n```ts\n.*?^```$/gms;

/** The block as a module of its own. What is supplied stands behind it, so that line numbers are the page's. */
function moduleOf(block: string): string {
    const supplied = Object.entries(SUPPLIED).filter(
        ([name]) =>
            new RegExp(`\\b${name}\\b`).test(block) &&
            !new RegExp(`(const|type|import( type)?) [^;=]*\\b${name}\\b`).test(block)
    );
    return [block, ...supplied.map(([, line]) => line), "export {};"].join("\n");
}

test("blocks of TypeScript in README.md and docs/", { timeout: 60_000 }, async () => {
    const pages = [
        "README.md",
        ...(await readdir(join(root, "docs")))
            .filter(name => name.endsWith(".md"))
            .map(name => `docs/${name}`)
    ];
    // Inside the package, where its name resolves to it; a name with a dot, so that nothing else compiles it.
    const folder = await mkdtemp(join(root, "__test__/.docs-"));
    try {
        let count = 0;
        for (const page of pages) {
            const whole = await readFile(join(root, page), "utf8");
            // The lines stay, so that an error names the page's line.
            const text = whole.replace(COMPILED_ELSEWHERE, block => block.replace(/[^\n]/g, ""));
            for (const { 1: block = "", index } of text.matchAll(/^```ts\n(.*?)^```$/gms)) {
                const line = text.slice(0, index).split("\n").length;
                // As many lines above as in the page: an error names the page's line.
                await writeFile(
                    join(folder, `${page.replace(/\W/g, "-")}-${line}.ts`),
                    "\n".repeat(line) + moduleOf(block)
                );
                count++;
            }
        }
        expect(count).toBeGreaterThan(5);
        await writeFile(
            join(folder, "tsconfig.json"),
            JSON.stringify({
                extends: "../tsconfig.json",
                compilerOptions: { noUnusedLocals: false, experimentalDecorators: true },
                include: ["*.ts"]
            })
        );
        const { stdout } = await run(process.execPath, [
            join(root, "node_modules/typescript/bin/tsc"),
            "--project",
            folder
        ]).catch((error: { stdout: string }) => error);
        expect(stdout).toBe("");
    } finally {
        await rm(folder, { recursive: true });
    }
});

test("links between the pages lead somewhere", async () => {
    for (const [page, folder] of [
        ["README.md", root],
        ...(await readdir(join(root, "docs")))
            .filter(name => name.endsWith(".md"))
            .map(name => [`docs/${name}`, join(root, "docs")])
    ] as [string, string][]) {
        const text = await readFile(join(root, page), "utf8");
        for (const [, target = ""] of text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
            await expect(readFile(join(folder, target)), `${page}: ${target}`).resolves.toBeDefined();
        }
    }
});
