/**
 * The WebAssembly engine, behind the interface of the addon.
 *
 * In: the host of this run time. Out: what the addon exports. Never: a rule about tokens.
 */

import type { Addon, Internals, NativeExtraction, RequestParts } from "../boundary/interface.js";
import { Engine } from "./engine.js";
import type { Host } from "./host.js";
import { WasmInbox } from "./inbox.js";
import { WasmTroubles } from "./troubles.js";
import { WasmValidator } from "./validator.js";

/** The engine on this host. It is made at the first question. */
export function createWasmAddon(host: Host): Addon {
    const engine = new Engine(host);
    let wasAsked = false;
    let lastFetch = 0;
    return {
        engine: "wasm",
        keepsAlive: true,
        NativeValidator: class extends WasmValidator {
            constructor(options: string, internals: Internals) {
                super(engine, options, internals);
            }
        },
        NativeInbox: WasmInbox,
        NativeFetches: undefined,
        newFetchNumber: () => (lastFetch += 1),
        NativeTroubles: class extends WasmTroubles {
            constructor(isOfProcess: boolean) {
                super(engine, isOfProcess);
            }
        },
        extraction: () => ({
            extractCredentials: (trustProxy: boolean, flags: number, ...parts: Rest) =>
                JSON.parse(
                    engine.ask(({ core }) =>
                        core.text(
                            core.exports.extract_credentials(trustProxy ? 1 : 0, flags, core.put(parts))
                        )
                    )
                ) as NativeExtraction | null
        }),
        onKeysEvent: listener => engine.listen(listener),
        errorTable: () => engine.ask(({ core }) => core.description.errorTable),
        isFirstToAsk: () => {
            const isFirst = !wasAsked;
            wasAsked = true;
            return isFirst;
        },
        // `fetch` has the run time's own.
        lacksAuthorities: () => false,
        trustAuthorities: () => undefined
    };
}

/** The parts of a request without its flags. */
type Rest = RequestParts extends infer Parts
    ? Parts extends readonly [number, ...infer Others]
        ? Others
        : never
    : never;
