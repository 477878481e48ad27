// Bundles the page, with the engine for browsers in the place of the addon.

import { fileURLToPath } from "node:url";
import { build } from "vite";

const at = path => fileURLToPath(new URL(path, import.meta.url));
const dist = path => at(`../../dist/${path}`);

/**
 * The files of the page, by their paths. `/engine.js` is the engine alone.
 *
 * @returns {Promise<Map<string, string | Uint8Array>>}
 */
export async function bundlePage() {
    const bundle = await build({
        root: at("page"),
        configFile: false,
        logLevel: "error",
        resolve: {
            alias: [
                { find: "#engine", replacement: dist("wasm/browser.js") },
                { find: /^oidc-spa-native$/, replacement: dist("index.js") },
                { find: "oidc-spa-native/authorization", replacement: dist("authorization.js") },
                { find: /^node:.*/, replacement: at("page/node.mjs") }
            ]
        },
        build: {
            write: false,
            target: "esnext",
            modulePreload: false,
            chunkSizeWarningLimit: 2000,
            rolldownOptions: {
                input: { page: at("page/index.html"), engine: at("page/engine.mjs") },
                preserveEntrySignatures: "strict",
                output: { entryFileNames: "[name].js" }
            }
        }
    });
    return new Map(bundle.output.map(file => [`/${file.fileName}`, file.code ?? file.source]));
}
