import { defineConfig } from "vitest/config";

export default defineConfig({
    test: {
        include: ["__test__/**/*.spec.ts"],
        // Real keys, real signatures and a real issuer: slower than a unit test on a busy machine.
        testTimeout: 20_000,
        hookTimeout: 30_000,
        server: {
            deps: {
                // The tests use the package as its users do: Node loads the compiled files, unchanged.
                external: [/\/dist\//, /\/binding\//]
            }
        }
    }
});
