/**
 * The engine on workerd, the run time of Cloudflare Workers: there is no other engine, and code is compiled only in advance.
 *
 * In: the module, as the bundler hands it over. Out: an engine. Never: a fetch without the request that keeps it running.
 */

import * as workers from "cloudflare:workers";
import type { Addon } from "../boundary/interface.js";
import { createWasmAddon } from "./addon.js";
import module from "./core.wasm?module";
import { Signatures } from "./signatures.js";

export function loadAddon(): Addon {
    return createWasmAddon({
        compiled: () => module,
        newSignatures: () => new Signatures(),
        newQuestions: null,
        // workerd ends what a request has begun, once that has its response.
        keepRunning: promise => workers.waitUntil?.(promise),
        hasTimers: false,
        hasFiles: false
    });
}
