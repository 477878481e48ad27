// What `npm run pack:check -- bundlers` tries: each tool as a newcomer uses it, with no option about this package. What
// comes out runs in a folder of its own, without node_modules. It is no part of the other checks, since installing all
// of the tools takes minutes.

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./step.mjs";

/** @typedef {"answers" | "failed"} Outcome - what comes of it: by WebAssembly, since no bundle holds the addon */

const PACKAGES = [
    "esbuild",
    "webpack",
    "webpack-cli",
    "rollup",
    "@rollup/plugin-commonjs",
    "@rollup/plugin-json",
    "@rollup/plugin-node-resolve",
    "rolldown",
    "vite",
    "@vercel/ncc",
    "bun"
];

/** In a module there is no `require`, and a CommonJS package that needs a module of Node.js calls it. */
const REQUIRE =
    'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

function esbuild(name, { entry, format, banner }) {
    const output = `out/${name}/main.${format === "esm" ? "mjs" : "cjs"}`;
    const options = { bundle: true, platform: "node", format, entryPoints: [entry], outfile: output, banner };
    return {
        files: { [`${name}.cjs`]: `require("esbuild").buildSync(${JSON.stringify(options)});` },
        command: `../${name}.cjs`,
        output
    };
}

/** @type {Record<string, { command: string, args?: string[], files?: Record<string, string>, output: string, run?: "itself", expected: Outcome }>} */
const TOOLS = {
    "esbuild, CommonJS": {
        ...esbuild("esbuild-cjs", { entry: "consumer.cjs", format: "cjs" }),
        expected: "answers"
    },
    "esbuild, ECMAScript module": {
        ...esbuild("esbuild-esm", { entry: "consumer.mjs", format: "esm" }),
        expected: "failed"
    },
    "esbuild, ECMAScript module, with a banner that makes a require": {
        ...esbuild("esbuild-banner", { entry: "consumer.mjs", format: "esm", banner: { js: REQUIRE } }),
        expected: "answers"
    },
    webpack: {
        command: "webpack-cli/bin/cli.js",
        args: [
            "--mode",
            "production",
            "--target",
            "node20",
            "--entry",
            "./consumer.cjs",
            "-o",
            "out/webpack"
        ],
        output: "out/webpack/main.js",
        expected: "answers"
    },
    "rollup with its plug-ins for packages": {
        command: "rollup/dist/bin/rollup",
        args: [
            "consumer.mjs",
            ...["node-resolve", "commonjs", "json"].flatMap(name => ["--plugin", name]),
            "--file",
            "out/rollup/main.mjs"
        ],
        output: "out/rollup/main.mjs",
        expected: "answers"
    },
    rolldown: {
        command: "rolldown/bin/cli.mjs",
        args: ["consumer.mjs", "--platform", "node", "--dir", "out/rolldown"],
        output: "out/rolldown/consumer.js",
        expected: "answers"
    },
    "Vite for a server, with ssr.noExternal": {
        files: { "vite.config.mjs": "export default { ssr: { noExternal: true } };" },
        command: "vite/bin/vite.js",
        args: ["build", "--ssr", "consumer.mjs", "--outDir", "out/vite", "--logLevel", "error"],
        output: "out/vite/consumer.mjs",
        expected: "answers"
    },
    ncc: {
        command: "@vercel/ncc/dist/ncc/cli.js",
        args: ["build", "consumer.cjs", "--out", "out/ncc"],
        output: "out/ncc/index.cjs",
        expected: "answers"
    },
    "bun build": {
        command: "bun/bin/bun.exe",
        args: ["build", "consumer.mjs", "--target", "node", "--outdir", "out/bun"],
        output: "out/bun/consumer.js",
        expected: "answers"
    },
    "bun build --compile": {
        command: "bun/bin/bun.exe",
        args: ["build", "consumer.mjs", "--compile", "--outfile", "out/bun-compile/main"],
        output: "out/bun-compile/main",
        run: "itself",
        expected: "answers"
    }
};

/**
 * @param {import("./bundle-check.mjs").Checks & { environment: () => Promise<Record<string, string>> }} checks
 * @returns {Promise<string[]>} what came otherwise than expected
 */
export async function useWholeBundles({ freshProject, copyConsumer, environment }) {
    const project = await freshProject("whole-bundlers", { type: "commonjs" }, PACKAGES);
    copyConsumer("consumer.cjs", project);
    copyConsumer("consumer.mjs", project);
    const faults = [];
    for (const [name, tool] of Object.entries(TOOLS)) {
        for (const [file, text] of Object.entries(tool.files ?? {})) {
            writeFileSync(join(project, file), text);
        }
        const outcome = await outcomeOf(name, tool, project, environment);
        console.log(`  ${name}: ${outcome}`);
        if (outcome !== tool.expected) {
            faults.push(`${name}: ${outcome}, expected: ${tool.expected}`);
        }
    }
    return faults;
}

async function outcomeOf(name, tool, project, environment) {
    const file = join(project, "node_modules", tool.command);
    const args = tool.args ?? [];
    const build = await run({
        title: `Bundling with ${name}, no option set`,
        ...(file.endsWith(".exe")
            ? { command: file, args }
            : { command: process.execPath, args: [file, ...args] }),
        cwd: project,
        quiet: true
    });
    if (!build.ok) {
        return "failed";
    }
    // Beside the package it would find what the bundle lacks.
    const [, folder, main] = /^out\/([^/]+)\/(.+)$/.exec(tool.output);
    const alone = join(project, "..", `alone-${folder}`);
    mkdirSync(alone);
    cpSync(join(project, "out", folder), alone, { recursive: true });
    const program = join(alone, main);
    const { ok } = await run({
        title: `Running what ${name} made`,
        ...(tool.run === "itself"
            ? { command: program, args: [] }
            : { command: process.execPath, args: [program] }),
        env: await environment(),
        cwd: alone,
        quiet: true
    });
    return ok ? "answers" : "failed";
}
