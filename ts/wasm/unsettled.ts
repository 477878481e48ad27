/**
 * A request that passed every check except that of the application's own replay store.
 *
 * In: the engine's step, the store's answer. Out: the verdict. Never: claims before the answer, a second answer, an engine other than the one
 * that made the step.
 */

import type { NativeUnsettled, VerdictText } from "../boundary/interface.js";
import { Refused } from "./core.js";
import type { Engine, Running } from "./engine.js";

const [NEW, SEEN, NO_ANSWER] = [1, 0, -1];

/** A grant that waits for the answer of the application's own replay store. Its content stays in the engine until then. */
export class Unsettled implements NativeUnsettled {
    readonly #engine: Engine;
    readonly #running: Running;
    readonly #number: number;
    readonly #key: string;
    readonly expiresAt: number;
    #isTaken = false;
    #isSettled = false;

    constructor(engine: Engine, text: string, running: Running) {
        const { unsettled, key, expiresAt } = JSON.parse(text) as {
            readonly unsettled: number;
            readonly key: string;
            readonly expiresAt: number;
        };
        this.#engine = engine;
        this.#running = running;
        this.#number = unsettled;
        this.#key = key;
        this.expiresAt = expiresAt;
    }

    get key(): string {
        this.#isTaken = true;
        return this.#key;
    }

    settle(isNew: boolean | null, trouble: string | null): VerdictText {
        this.#isTaken = true;
        if (this.#isSettled) {
            throw new Error("internal error: this request was settled before");
        }
        this.#isSettled = true;
        return this.#engine.judge(({ core, generation }) => {
            if (generation !== this.#running.generation) {
                throw new Refused("oidc-spa-native: internal error: the WebAssembly engine was replaced");
            }
            const word = isNew === null ? NO_ANSWER : isNew ? NEW : SEEN;
            return core.text(core.exports.settle(this.#number, word, core.put([trouble])));
        });
    }

    /** The same; a caller that does not ask the store does not take it. */
    orDropped(): this {
        queueMicrotask(() => {
            if (!this.#isTaken) {
                this.#isSettled = true;
                this.#engine.giveUp(this.#running.generation, core =>
                    core.exports.unsettled_drop(this.#number)
                );
            }
        });
        return this;
    }
}
