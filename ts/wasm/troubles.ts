/**
 * Decides by the WebAssembly engine which troubles are reported.
 *
 * In: the beginnings and ends of troubles. Out: whether to report them. Never: a warning itself.
 */

import type { NativeTroubles } from "../boundary/interface.js";
import type { Engine, Running } from "./engine.js";
import { steady } from "./host.js";

const YES = 1;

export class WasmTroubles implements NativeTroubles {
    readonly #engine: Engine;
    readonly #isOfProcess: boolean;
    /** Its number in the engine of a generation. */
    #place = { generation: -1, number: 0 };

    constructor(engine: Engine, isOfProcess: boolean) {
        this.#engine = engine;
        this.#isOfProcess = isOfProcess;
    }

    begin(thing: string): 0 | 1 | 2 {
        return this.#engine.ask(running => {
            const { exports } = running.core;
            return exports.troubles_begin(this.#numberIn(running), steady(), running.core.put([thing]));
        }) as 0 | 1 | 2;
    }

    end(thing: string): boolean {
        return this.#engine.ask(running => {
            const { exports } = running.core;
            return exports.troubles_end(this.#numberIn(running), running.core.put([thing])) === YES;
        });
    }

    #numberIn({ core, generation }: Running): number {
        if (this.#place.generation !== generation) {
            const number = core.exports.troubles_new(this.#isOfProcess ? YES : 0);
            this.#place = { generation, number };
        }
        return this.#place.number;
    }
}
