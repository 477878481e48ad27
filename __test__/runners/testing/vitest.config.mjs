import { defineConfig } from "vitest/config";

// The results of the last run stay out of this folder.
export default defineConfig({
    cacheDir: "../../../node_modules/.vite/testing",
    test: { include: ["*.test.mjs", "time.vitest.mjs"], exclude: ["playwright.test.mjs"], globals: true }
});
