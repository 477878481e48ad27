// The cases of a rehearsal: one way to install the package or to run it, and what must come of it.

import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../prepare.mjs";
import { node } from "./projects.mjs";

const MISSING = /It comes in the package "oidc-spa-native-/;

const TYPESCRIPT = {
    compilerOptions: {
        module: "nodenext",
        target: "es2022",
        lib: ["es2022"],
        types: [],
        strict: true,
        exactOptionalPropertyTypes: true
    },
    include: ["consumer.ts"]
};

const WORKERS = `import { Worker } from "node:worker_threads";
for (const file of ["./consumer.mjs", "./consumer.cjs"]) {
    new Worker(new URL(file, import.meta.url)).on("error", error => { throw error; });
}`;

/** @typedef {ReturnType<import("./projects.mjs").createProjects>} Lent */
/** @type {{ name: string, skip?: (lent: Lent) => string | undefined, use: (lent: Lent) => Promise<void> }[]} */
export const CASES = [
    {
        name: "npm, ECMAScript module and CommonJS",
        async use({ project, install, answers }) {
            const made = project("npm");
            await install(made);
            await answers("A module answers", node("consumer.mjs"), made);
            await answers("A CommonJS program answers", node("consumer.cjs"), made);
        }
    },
    {
        name: "npm, TypeScript",
        async use({ project, install, must, answers }) {
            const made = project("typescript", {
                manifest: { type: "module" },
                files: { "tsconfig.json": JSON.stringify(TYPESCRIPT) },
                consumers: ["consumer.ts"]
            });
            await install(made);
            const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
            await must("A strict TypeScript program compiles", node(compiler), made);
            await answers("and answers", node("consumer.js"), made);
        }
    },
    {
        name: "npm with --omit=optional",
        async use({ project, install, answersWithoutAddon }) {
            const made = project("omit-optional");
            await install(made, ["install", "--omit=optional"]);
            await answersWithoutAddon("Without the addon", node("consumer.cjs"), made, MISSING);
        }
    },
    {
        name: "npm, node_modules that another platform installed",
        async use({ project, install, answersWithoutAddon }) {
            const made = project("copied");
            await install(made, ["install", "--os=freebsd", "--cpu=ppc64"]);
            await answersWithoutAddon("With its node_modules", node("consumer.cjs"), made, MISSING);
        }
    },
    {
        name: "npm, a lock file that another platform wrote",
        async use({ project, install, answers }) {
            const made = project("foreign-lock");
            await install(made, ["install", "--os=freebsd", "--cpu=ppc64"]);
            rmSync(join(made, "node_modules"), { recursive: true });
            await install(made, ["ci"]);
            await answers("With the lock file of the other platform", node("consumer.mjs"), made);
        }
    },
    {
        name: "pnpm",
        async use({ project, must, tool, answers }) {
            const made = project("pnpm");
            const folders = ["--store-dir", join(made, "store"), "--cache-dir", join(made, "cache")];
            await must("pnpm install", tool("pnpm/bin/pnpm.cjs", ["install", ...folders]), made);
            await answers("With pnpm's node_modules", node("consumer.mjs"), made);
            await answers("and CommonJS", node("consumer.cjs"), made);
        }
    },
    {
        name: "yarn classic",
        async use({ project, must, tool, answers }) {
            const made = project("yarn-classic");
            const cache = ["--cache-folder", join(made, "cache")];
            await must("yarn install", tool("yarn-classic/bin/yarn.js", ["install", ...cache]), made);
            await answers("With yarn's node_modules", node("consumer.mjs"), made);
        }
    },
    ...["node-modules", "pnpm", "pnp"].map(linker => ({
        name: `yarn berry, ${linker}`,
        async use({ registry, project, must, tool, answers }) {
            const made = project(`yarn-${linker}`, {
                // Yarn writes its loader for modules where the project is one.
                manifest: { type: "module" },
                files: {
                    ".yarnrc.yml": [
                        `nodeLinker: ${linker}`,
                        `npmRegistryServer: "${registry}"`,
                        'unsafeHttpWhitelist: ["127.0.0.1"]',
                        // Yarn remembers what a registry has by its address without the port.
                        "globalFolder: ./yarn-of-this-project",
                        "enableGlobalCache: false",
                        "enableTelemetry: false",
                        "enableImmutableInstalls: false",
                        // The packages of a rehearsal are a second old.
                        "npmMinimalAgeGate: 0",
                        ""
                    ].join("\n"),
                    "yarn.lock": ""
                }
            });
            const yarn = args => tool("yarn-berry/bin/yarn.js", args);
            await must("yarn install", yarn(["install"]), made);
            await answers("A module answers", yarn(["node", "consumer.mjs"]), made);
            await answers("A CommonJS program answers", yarn(["node", "consumer.cjs"]), made);
        }
    })),
    ...["node20.3", "node22", "node24", "node26"].map(release => ({
        name: `npm, ${release}`,
        skip: ({ tools }) =>
            spawnSync(binaryOf(tools, release), ["--version"]).status === 0
                ? undefined
                : "its binary is for Linux x64 with glibc",
        async use({ tools, project, install, answers, answersWithoutAddon }) {
            const made = project(release);
            await install(made);
            const command = binaryOf(tools, release);
            await answers("A module answers", node("consumer.mjs", [], command), made);
            await answers("A CommonJS program answers", node("consumer.cjs", [], command), made);
            const permission = release === "node20.3" ? "--experimental-permission" : "--permission";
            const network = release === "node26" ? ["--allow-net"] : [];
            const flags = [permission, "--allow-fs-read=*", ...network];
            await answersWithoutAddon(
                `${permission} without --allow-addons`,
                node("consumer.cjs", flags, command),
                made,
                /--allow-addons/
            );
            // Node.js 20.3 has no such flag yet.
            if (release !== "node20.3") {
                const allowed = [...flags, "--allow-addons"];
                await answers("and with it", node("consumer.cjs", allowed, command), made);
            }
        }
    })),
    {
        name: "worker threads",
        async use({ project, install, answers }) {
            const made = project("workers", { files: { "workers.mjs": WORKERS } });
            await install(made);
            await answers("Two workers answer", node("workers.mjs"), made);
        }
    },
    {
        name: "an empty store of certificates",
        async use({ project, install, answers }) {
            const made = project("no-certificates");
            await install(made);
            const none = { SSL_CERT_FILE: join(made, "none.pem"), SSL_CERT_DIR: join(made, "none") };
            writeFileSync(none.SSL_CERT_FILE, "");
            await answers("Without certificates of authorities", node("consumer.mjs"), made, none);
        }
    },
    {
        name: "bun",
        async use({ registry, project, must, answers }) {
            const made = project("bun", {
                files: { "bunfig.toml": `[install]\nregistry = "${registry}"\n` }
            });
            const bun = args => ({ command: join(ROOT, "node_modules/.bin/bun"), args });
            await must("bun install", bun(["install", "--cache-dir", join(made, "cache")]), made);
            await answers("A module answers", bun(["consumer.mjs"]), made);
            await answers("A CommonJS program answers", bun(["consumer.cjs"]), made);
        }
    },
    {
        name: "deno",
        async use({ project, must, answers, registry }) {
            const made = project("deno");
            const settings = {
                DENO_DIR: join(made, "cache"),
                NPM_CONFIG_REGISTRY: registry,
                DENO_NO_UPDATE_CHECK: "1"
            };
            const deno = args => ({ command: join(ROOT, "node_modules/.bin/deno"), args });
            await must("deno install", deno(["install", "--minimum-dependency-age=0"]), made, settings);
            const permissions = ["--allow-ffi", "--allow-read", "--allow-env", "--allow-net", "--allow-sys"];
            await answers("A module answers", deno(["run", ...permissions, "consumer.mjs"]), made, settings);
        }
    }
];

function binaryOf(tools, release) {
    return join(tools, "node_modules", release, "bin", "node");
}
