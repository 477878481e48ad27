/**
 * The engine's module out of a text that bundlers carry along like any code.
 *
 * In: `core.js`, in which `scripts/wasm.mjs` writes the module in base64. Out: the module, compiled. Never: a file that is read at run time.
 */

import { Module, type CompiledModule } from "./core.js";

/** Compiles the module. Throws where the text is not there, or the run time compiles no code. */
export function inlineModule(): CompiledModule {
    return new Module(Buffer.from(require("./core-module.js") as string, "base64"));
}
