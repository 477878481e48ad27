// What `npm run pack:check -- frameworks` tries: servers that frameworks build with no option about this package. Each
// answers requests without a token, with one, with a proof, and with the same proof again. It is no part of the other
// checks, since installing and building takes minutes. Next.js with its option is in `bundle-check.mjs`.

import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answers, addressOfServer } from "./bundle-check.mjs";
import { ROOT } from "./prepare.mjs";
import { run } from "./step.mjs";

const NEXT = ["next@16", "react@19", "react-dom@19"];

/** @type {{ name: string, from: string, packages: string[], build: string[], server: string, standsAlone: boolean }[]} */
const FRAMEWORKS = [
    {
        name: "Nitro",
        from: "frameworks/nitro",
        packages: ["nitro@3"],
        build: ["nitro/dist/cli/index.mjs", "build"],
        server: ".output/server/index.mjs",
        standsAlone: true
    },
    {
        name: "SvelteKit with adapter-node",
        from: "frameworks/sveltekit",
        packages: [
            "@sveltejs/kit@2",
            "@sveltejs/adapter-node@5",
            "@sveltejs/vite-plugin-svelte@6",
            "svelte@5",
            "vite@7"
        ],
        build: ["vite/bin/vite.js", "build"],
        server: "build/index.js",
        standsAlone: false
    },
    ...["--turbopack", "--webpack"].map(bundler => ({
        name: `Next.js, ${bundler}`,
        from: "next",
        packages: NEXT,
        build: ["next/dist/bin/next", "build", bundler],
        server: ".next/standalone/server.js",
        standsAlone: true
    }))
];

/**
 * @param {import("./bundle-check.mjs").Checks} checks
 * @returns {Promise<string[]>} what is wrong
 */
export async function useInFrameworks({ freshProject, issuer }) {
    const faults = [];
    for (const [index, framework] of FRAMEWORKS.entries()) {
        const project = await freshProject(`framework-${index}`, { type: "module" }, framework.packages);
        cpSync(join(ROOT, "scripts/consumers", framework.from), project, { recursive: true });
        if (framework.from === "next") {
            writeFileSync(join(project, "next.config.mjs"), 'export default { output: "standalone" };\n');
        }
        const env = await addressOfServer(issuer);
        const [file, ...args] = framework.build;
        const { ok } = await run({
            title: `Building with ${framework.name}, no option set`,
            command: process.execPath,
            args: [join(project, "node_modules", file), ...args],
            env,
            cwd: project,
            quiet: true
        });
        if (!ok) {
            faults.push(`${framework.name}: the build failed`);
            continue;
        }
        if (framework.standsAlone) {
            rmSync(join(project, "node_modules"), { recursive: true });
        }
        const server = [join(project, framework.server)];
        const hasProxy = framework.from === "next";
        const title = `the server of ${framework.name}`;
        faults.push(...(await answers(title, server, env, project, issuer, { hasProxy })));
    }
    return faults;
}
