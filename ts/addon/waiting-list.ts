/**
 * The callbacks that wait for an answer under a number.
 *
 * In: callbacks. Out: a number for each, and for a number its callback, once. Never: one number for two callbacks, a
 * reference to a callback that was called.
 */

type Resolve<Answer> = (answer: Answer) => void;

const FIRST_PLACES = 64;

/**
 * A Map would be enough, except for V8's garbage collector: as a Map grows and shrinks, its old tables stay linked to
 * the new ones with all their entries. Once one of them is in the old space, each young collection keeps every answer
 * since then, until a full collection comes.
 */
export class WaitingList<Answer> {
    /**
     * The places; their number is a power of two, and at most half of them are used. The last bits of a number give its
     * place.
     */
    #places: (Resolve<Answer> | undefined)[] = emptyPlaces(FIRST_PLACES);
    /** The whole numbers, at the same places. */
    #numbers = new Uint32Array(FIRST_PLACES);
    #next = 0;
    #size = 0;

    get size(): number {
        return this.#size;
    }

    /** A new number. It is used again only after 2³² numbers. */
    newNumber(): number {
        while (this.#places[this.#placeOf(this.#next)] !== undefined) {
            this.#next = (this.#next + 1) >>> 0;
        }
        const number = this.#next;
        this.#next = (number + 1) >>> 0;
        return number;
    }

    /** Adds `resolve` under a number that was new when the last one was added. */
    add(number: number, resolve: Resolve<Answer>): void {
        this.#put(number, resolve);
        this.#size += 1;
        if (2 * this.#size > this.#places.length) {
            this.#grow();
        }
    }

    /** Takes out the callback of this number, if there is one. */
    take(number: number): Resolve<Answer> | undefined {
        const place = this.#placeOf(number);
        const resolve = this.#places[place];
        if (resolve === undefined || this.#numbers[place] !== number) {
            return undefined;
        }
        this.#places[place] = undefined;
        this.#size -= 1;
        return resolve;
    }

    #placeOf(number: number): number {
        return number & (this.#places.length - 1);
    }

    #put(number: number, resolve: Resolve<Answer>): void {
        const place = this.#placeOf(number);
        this.#places[place] = resolve;
        this.#numbers[place] = number;
    }

    /** Callbacks with different places have different places in a larger list too. */
    #grow(): void {
        const [places, numbers] = [this.#places, this.#numbers];
        this.#places = emptyPlaces(2 * places.length);
        this.#numbers = new Uint32Array(2 * places.length);
        for (const [place, resolve] of places.entries()) {
            if (resolve !== undefined) {
                this.#put(numbers[place] as number, resolve);
            }
        }
        // The old list may be in the old space, too.
        places.fill(undefined);
    }
}

function emptyPlaces<Answer>(count: number): (Resolve<Answer> | undefined)[] {
    return new Array<Resolve<Answer> | undefined>(count).fill(undefined);
}
