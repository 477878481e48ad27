/**
 * The engine in a browser, for pages of this repository and for tests: `#engine` leads to it in their bundles alone.
 *
 * In: the module, as a text of the bundle. Out: an engine, and how a validator is made for it. Never: an engine of the package's
 * users: `package.json` names no condition that leads here.
 */

import type { Addon } from "../boundary/interface.js";
import { createWasmAddon } from "./addon.js";
import { Module, type CompiledModule } from "./core.js";
import { WebQuestions, WebSignatures } from "./web-crypto.js";

export { answeredFirst } from "./web-crypto.js";

let compiled: CompiledModule | undefined;

export function loadAddon(): Addon {
    if (crypto.subtle === undefined) {
        throw new Error("oidc-spa-native: a page has WebCrypto only on https or localhost.");
    }
    return createWasmAddon({
        compiled: () => {
            compiled ??= new Module(bytesOf(require("./core-module.js") as string));
            return compiled;
        },
        newSignatures: () => new WebSignatures(),
        newQuestions: () => new WebQuestions(),
        keepRunning: () => undefined,
        // They run, but they are numbers, which cannot let a process end.
        hasTimers: false,
        hasFiles: false
    });
}

/** The bytes of a text in base64. A browser has no `Buffer`. */
function bytesOf(base64: string): Uint8Array {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) {
        bytes[i] = text.charCodeAt(i);
    }
    return bytes;
}
