import { defineConfig } from "vitest/config";

/**
 * Tests that the WebAssembly engine must pass as the addon does. The others test the addon itself, what only it has, or
 * nothing that depends on the engine.
 */
const OF_BOTH_ENGINES = [
    "vectors/vectors",
    "conformance/conformance",
    "validator/*",
    "keys/*",
    "drop-in/*",
    "replay/replay-store",
    "testing/*"
].map(name => `__test__/${name}.spec.ts`);

/** Authorities, proxies and addresses: with WebAssembly they are those of the run time's `fetch`. */
const OF_ADDON = ["addresses", "network", "trust"].map(name => `__test__/keys/keys-${name}.spec.ts`);

const OF_WEBASSEMBLY = "__test__/wasm/*.spec.ts";

/**
 * A build of the addon in the place of the usual one: `npm run sanitize`. With the variable of napi-rs itself, Vitest would
 * take it for its own addons too.
 */
const { TESTED_ADDON } = process.env;

export default defineConfig({
    test: {
        // On two cores Vitest would take one worker; most tests wait for servers and processes that they started.
        maxWorkers: "100%",
        // They end a test that hangs, and judge no speed: real keys, servers and processes are slow on a busy machine.
        testTimeout: 60_000,
        hookTimeout: 120_000,
        expect: { poll: { timeout: 20_000 } },
        server: {
            deps: {
                // The tests use the package as its users do: Node loads the compiled files, unchanged.
                external: [/\/dist\//, /\/binding\//]
            }
        },
        projects: [
            {
                extends: true,
                test: {
                    name: "native",
                    include: ["__test__/**/*.spec.ts"],
                    exclude: [OF_WEBASSEMBLY],
                    env: TESTED_ADDON === undefined ? {} : { NAPI_RS_NATIVE_LIBRARY_PATH: TESTED_ADDON }
                }
            },
            {
                extends: true,
                test: {
                    name: "wasm",
                    include: [...OF_BOTH_ENGINES, OF_WEBASSEMBLY],
                    exclude: OF_ADDON,
                    env: { OIDC_SPA_NATIVE_ENGINE: "wasm" }
                }
            }
        ]
    }
});
