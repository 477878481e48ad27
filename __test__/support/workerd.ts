// Workers: bundled by wrangler, as their authors do, and run by workerd on this machine.

import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Miniflare } from "miniflare";
import { root } from "./script.js";

/** The flags and the date that docs/workers.md names. */
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
    await mkdir(join(root, "target"), { recursive: true });
    const folder = await mkdtemp(join(root, "target/workers-"));
    await mkdir(join(folder, "node_modules"));
    await symlink(root, join(folder, "node_modules/oidc-spa-native"));
    for (const [name, text] of Object.entries(files)) {
        await writeFile(join(folder, name), text);
    }
    await writeFile(
        join(folder, "wrangler.json"),
        JSON.stringify({ name: "test", main: "worker.mjs", ...SETTINGS, send_metrics: false })
    );
    const bundle = join(folder, "bundle");
    await promisify(execFile)(
        process.execPath,
        [join(root, "node_modules/wrangler/bin/wrangler.js"), "deploy", "--dry-run", "--outdir", bundle],
        {
            cwd: folder,
            env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true", WRANGLER_LOG_PATH: folder }
        }
    );
    const miniflare = new Miniflare({
        compatibilityDate: SETTINGS.compatibility_date,
        compatibilityFlags: SETTINGS.compatibility_flags,
        // It would be asked of a server of Cloudflare.
        cf: false,
        modulesRoot: bundle,
        modules: modulesIn(bundle)
    });
    return {
        fetch: (path, init) =>
            miniflare.dispatchFetch(
                `https://api.example${path}`,
                init as Parameters<Miniflare["dispatchFetch"]>[1]
            ) as unknown as Promise<Response>,
        close: async () => {
            await miniflare.dispose();
            await rm(folder, { recursive: true });
        }
    };
}

/** The modules of a bundle; the Worker itself is the first one. */
function modulesIn(bundle: string) {
    const names = readdirSync(bundle).filter(name => /\.(js|wasm)(\?module)?$/.test(name));
    const path = (name: string): string => join(bundle, name);
    return names
        .sort((a, b) => Number(b === "worker.js") - Number(a === "worker.js"))
        .map(name =>
            name.endsWith(".js")
                ? { type: "ESModule" as const, path: path(name), contents: readFileSync(path(name), "utf8") }
                : { type: "CompiledWasm" as const, path: path(name), contents: readFileSync(path(name)) }
        );
}
