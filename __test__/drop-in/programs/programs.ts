// The guides as programs, twice each: as they are written, and with the one import changed. Both are compiled, and
// started in processes of their own on free ports.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { NO_NETWORK_VARIABLES, root } from "../../support/script.js";

export const LIBRARIES = ["oidc-spa", "oidc-spa-native"] as const;
export type Library = (typeof LIBRARIES)[number];

/** The files of the folder `guides`. */
export const GUIDES = [
    "express",
    "express-mounted",
    "hono",
    "fastify",
    "koa",
    "nest",
    "trpc-express",
    "trpc-standalone",
    "node-http",
    "bun",
    "deno",
    "websocket-ws",
    "websocket-hono"
] as const;

export interface Running {
    readonly baseUrl: string;
    /** What the program has written, for messages. */
    output(): string;
    /** Ends the program; rejects if it ended before, or otherwise than by the signal. */
    stop(): Promise<void>;
}

export interface Programs {
    /** The guides that were found in the folder. */
    readonly names: readonly string[];
    start(library: Library, name: string, env: Record<string, string>): Promise<Running>;
    remove(): Promise<void>;
}

const guides = join(root, "__test__/drop-in/programs/guides");
const modules = join(root, "node_modules");

/** The permissions are all that a program with a native addon needs. */
const DENO_OPTIONS = [
    "--cached-only",
    "--no-lock",
    "--no-prompt",
    "--allow-net",
    "--allow-env",
    "--allow-read",
    "--allow-ffi"
];

/** Bun and Deno run the TypeScript itself, Node.js what the compiler made of it. */
const commandOf = (file: string, name: string): readonly [string, ...string[]] => {
    switch (name) {
        case "bun":
            return [join(modules, "bun/bin/bun.exe"), "run", `${file}.ts`];
        case "deno":
            return [join(modules, "deno/deno"), "run", ...DENO_OPTIONS, `${file}.ts`];
        default:
            return [process.execPath, `${file}.js`];
    }
};

/** Rejects with the compiler's own words where a program does not compile. */
export async function buildPrograms(): Promise<Programs> {
    const parent = join(root, "target");
    await mkdir(parent, { recursive: true });
    const directory = await mkdtemp(join(parent, "drop-in-programs-"));
    const names: string[] = [];
    for (const library of LIBRARIES) {
        await mkdir(join(directory, library));
    }
    for (const entry of await readdir(guides)) {
        if (entry.endsWith(".json") || entry.endsWith(".d.ts")) {
            await cp(join(guides, entry), join(directory, entry));
            continue;
        }
        names.push(entry.replace(/\.ts$/, ""));
        const source = await readFile(join(guides, entry), "utf8");
        for (const library of LIBRARIES) {
            await writeFile(join(directory, library, entry), withImportOf(library, source, entry));
        }
    }
    // The package lies beside the other dependencies, as it does when it is installed.
    await mkdir(join(directory, "node_modules"));
    await symlink(root, join(directory, "node_modules", "oidc-spa-native"), "dir");
    await compile(directory);
    return {
        names,
        start: (library, name, env) => start(join(directory, library, name), name, env),
        remove: () => rm(directory, { recursive: true, force: true })
    };
}

function withImportOf(library: Library, source: string, file: string): string {
    const parts = source.split('"oidc-spa/server"');
    if (parts.length !== 2) {
        throw new Error(
            `${file} imports oidc-spa/server ${parts.length - 1} times, where one change of an import is to be shown`
        );
    }
    return parts.join(`"${library}/server"`);
}

async function compile(directory: string): Promise<void> {
    const tsc = join(modules, "typescript/bin/tsc");
    try {
        await promisify(execFile)(process.execPath, [tsc, "--project", directory]);
    } catch (error) {
        throw new Error(`The programs do not compile:\n${(error as { stdout: string }).stdout}`, {
            cause: error
        });
    }
}

function start(file: string, name: string, env: Record<string, string>): Promise<Running> {
    return startProgram(commandOf(file, name), join(file, ".."), env);
}

/** Starts a program that says where it listens, on a free port. */
export async function startProgram(
    [command, ...args]: readonly [string, ...string[]],
    cwd: string,
    env: Record<string, string>
): Promise<Running> {
    const file = args.at(-1);
    const child = spawn(command, args, {
        cwd,
        stdio: ["ignore", "pipe", "pipe"],
        env: {
            ...process.env,
            ...NO_NETWORK_VARIABLES,
            NODE_ENV: "production",
            PORT: "0",
            DENO_NO_UPDATE_CHECK: "1",
            ...env
        }
    });
    const lines: string[] = [];
    const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
    const baseUrl = await new Promise<string>((resolve, reject) => {
        for (const stream of [child.stdout, child.stderr]) {
            createInterface(stream).on("line", line => {
                lines.push(line);
                const [, url] = /^Listening on (http:\S+)$/.exec(line) ?? [];
                if (url !== undefined) {
                    resolve(url);
                }
            });
        }
        child.once("error", reject);
        child.once("close", code => reject(new Error(`${file} ended with ${code}:\n${lines.join("\n")}`)));
    });
    return {
        baseUrl,
        output: () => lines.join("\n"),
        stop: async () => {
            const hadEnded = hasEnded();
            if (!hadEnded) {
                child.kill();
                await once(child, "close");
            }
            if (hadEnded || child.signalCode !== "SIGTERM") {
                throw new Error(
                    `${file} ended by itself, or badly (${child.signalCode ?? child.exitCode}):\n${lines.join("\n")}`
                );
            }
        }
    };
}
