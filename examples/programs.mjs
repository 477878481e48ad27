// The examples as programs: where they are, how they start, and the programs on oidc-spa/server that they stand beside.

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

/** Name of the example to that of the same program on oidc-spa/server, in `__test__/drop-in/programs/guides`. */
export const EXAMPLES = {
    express: "express",
    fastify: "fastify",
    fetch: "bun",
    hono: "hono",
    koa: "koa",
    nestjs: "nest",
    "node-http": "node-http",
    trpc: "trpc-standalone",
    websocket: "websocket-ws"
};

/** Those whose answers are not those of a plain API of HTTP. */
export const BEYOND_REST = ["trpc", "websocket"];

/** Compiles every example. Throws with the compiler's own words. */
export async function compile() {
    try {
        await run(process.execPath, [
            join(root, "node_modules/typescript/bin/tsc"),
            "--project",
            join(root, "examples")
        ]);
    } catch (error) {
        throw new Error(`The examples do not compile:\n${error.stdout}`, { cause: error });
    }
}

/** The command that runs a compiled example. */
export function commandOf(name) {
    const runtime = name === "fetch" ? join(root, "node_modules/bun/bin/bun.exe") : process.execPath;
    return [runtime, join(root, "target/examples", name, "server.mjs")];
}

/** Where the difference from the program on oidc-spa/server is kept. */
export const diffPath = name => join(root, "examples", name, "from-oidc-spa.diff");

/** The difference, as `diff -u` writes it. */
export async function diffOf(name) {
    const before = `__test__/drop-in/programs/guides/${EXAMPLES[name]}.ts`;
    const after = `examples/${name}/server.mts`;
    const args = [
        "-u",
        "--label",
        `${EXAMPLES[name]}.ts on oidc-spa/server`,
        "--label",
        after,
        before,
        after
    ];
    // It ends with 1 where there are differences.
    const { stdout } = await run("diff", args, { cwd: root }).catch(error => {
        if (error.code !== 1) {
            throw error;
        }
        return error;
    });
    return stdout;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    for (const name of Object.keys(EXAMPLES)) {
        await writeFile(diffPath(name), await diffOf(name));
    }
    console.log("Wrote the examples' diffs.");
}
