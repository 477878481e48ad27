// Which engine the tests run: vitest.config.mjs sets it for each of its projects.

import { test } from "vitest";

export const IS_WASM = process.env["OIDC_SPA_NATIVE_ENGINE"] === "wasm";

/** A test of what only the addon has: threads, Redis, authorities, a proxy, its own word for what the network did. */
export const testOfAddon = test.skipIf(IS_WASM);
