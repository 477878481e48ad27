// Workers: bundled by wrangler, as their authors do, and run by workerd on this machine.

import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Miniflare } from "miniflare";
import { root } from "./script.js";

/** The flags and the date that docs/deploying.md names. */
const SETTINGS = { compatibility_date: "2026-04-01", compatibility_flags: ["nodejs_compat"] };

interface WorkerRequest {
    readonly method?: string;
    readonly headers?: Record<string, string>;
    readonly body?: string;
    readonly signal?: AbortSignal;
}

export interface Worker {
    fetch(path: string, init?: WorkerRequest): Promise<Response>;
    close(): Promise<void>;
}

/** Bundles and starts a Worker of these files, `worker.mjs` first among them. It finds this package as one that is installed. */
export async function startWorker(files: Record<string, string>): Promise<Worker> {
    const bundle = await bundleWorker(async folder => {
        for (const [name, text] of Object.entries(files)) {
            await writeFile(join(folder, name), text);
        }
        await writeFile(
            join(folder, "wrangler.json"),
            JSON.stringify({ name: "test", main: "worker.mjs", ...SETTINGS, send_metrics: false })
        );
    });
    const miniflare = new Miniflare({
        // It would be asked of a server of Cloudflare.
        cf: false,
        ...bundle.worker
    });
    return {
        fetch: (path, init) =>
            miniflare.dispatchFetch(
                `https://api.example${path}`,
                init as Parameters<Miniflare["dispatchFetch"]>[1]
            ) as unknown as Promise<Response>,
        close: async () => {
            await miniflare.dispose();
            await bundle.remove();
        }
    };
}

/** What wrangler makes of a folder: a Worker as Miniflare takes it. */
export interface Bundle {
    readonly folder: string;
    readonly worker: {
        readonly compatibilityDate: string;
        readonly compatibilityFlags: string[];
        readonly modulesRoot: string;
        readonly modules: ReturnType<typeof modulesIn>;
    };
    remove(): Promise<void>;
}

/** Has wrangler bundle the folder that `fill` has filled, this package installed in it. */
export async function bundleWorker(
    fill: (folder: string) => Promise<void>,
    ...flags: readonly string[]
): Promise<Bundle> {
    await mkdir(join(root, "target"), { recursive: true });
    const folder = await mkdtemp(join(root, "target/workers-"));
    await mkdir(join(folder, "node_modules"));
    await symlink(root, join(folder, "node_modules/oidc-spa-native"));
    await fill(folder);
    const bundle = join(folder, "bundle");
    await wrangler(folder, "deploy", "--dry-run", "--outdir", bundle, ...flags);
    return {
        folder,
        worker: {
            compatibilityDate: SETTINGS.compatibility_date,
            compatibilityFlags: SETTINGS.compatibility_flags,
            modulesRoot: bundle,
            modules: modulesIn(bundle)
        },
        remove: () => rm(folder, { recursive: true })
    };
}

/** Runs a command of wrangler in this folder. */
export async function wrangler(folder: string, ...args: readonly string[]): Promise<void> {
    await promisify(execFile)(
        process.execPath,
        [join(root, "node_modules/wrangler/bin/wrangler.js"), ...args],
        {
            cwd: folder,
            env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true", WRANGLER_LOG_PATH: folder }
        }
    );
}

/** The modules of a bundle; the Worker itself, the only `.js`, is the first one. */
function modulesIn(bundle: string) {
    const names = readdirSync(bundle).filter(name => /\.(js|wasm)(\?module)?$/.test(name));
    const path = (name: string): string => join(bundle, name);
    return names
        .sort((a, b) => Number(b.endsWith(".js")) - Number(a.endsWith(".js")))
        .map(name =>
            name.endsWith(".js")
                ? { type: "ESModule" as const, path: path(name), contents: readFileSync(path(name), "utf8") }
                : { type: "CompiledWasm" as const, path: path(name), contents: readFileSync(path(name)) }
        );
}
