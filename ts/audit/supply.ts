/**
 * The vectors of a run, made anew before they are old or used up.
 *
 * In: where a run takes place. Out: vectors as of now. Never: a request.
 */

import { randomUUID } from "node:crypto";
import { makeVectors, type Made, type Occasion, type WireVector } from "./wire.js";

/** Vectors are made anew when they are older: a proof is good for seconds. */
const FRESH_MS = 15_000;

/** The vectors of a run, as of now. */
export class Supply {
    readonly #occasion: Occasion;
    #made: Made | undefined;
    #madeAt = 0;
    nonce: string | undefined;
    #nonceMade: string | undefined;

    constructor(occasion: Occasion) {
        this.#occasion = occasion;
    }

    async all(): Promise<Made> {
        if (
            this.#made === undefined ||
            performance.now() - this.#madeAt > FRESH_MS ||
            this.nonce !== this.#nonceMade
        ) {
            this.#nonceMade = this.nonce;
            this.#madeAt = performance.now();
            // Proofs of one making are known to the server after it.
            this.#made = await makeVectors({ ...this.#occasion, run: `${randomUUID()}/` }, this.nonce);
        }
        return this.#made;
    }

    async one(id: string): Promise<WireVector> {
        const { vectors } = await this.all();
        const found = vectors.find(vector => vector.id === id);
        if (found === undefined) {
            throw new Error(`there is no vector ${id}`);
        }
        return found;
    }

    /** What was made is used up: a proof is good once. */
    spend(): void {
        this.#made = undefined;
    }
}
