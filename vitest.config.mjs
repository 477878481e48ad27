import { defineConfig } from "vitest/config";

export default defineConfig({
    test: {
        include: ["__test__/**/*.spec.ts"],
        // They end a test that hangs, and judge no speed: real keys, servers and processes are slow on a busy machine.
        testTimeout: 60_000,
        hookTimeout: 120_000,
        expect: { poll: { timeout: 20_000 } },
        server: {
            deps: {
                // The tests use the package as its users do: Node loads the compiled files, unchanged.
                external: [/\/dist\//, /\/binding\//]
            }
        }
    }
});
