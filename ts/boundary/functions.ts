/**
 * The functions of the application that make requests for keys (`network.fetch`), under the numbers by which engines name them.
 *
 * In: functions. Out: their numbers, and the functions again. Never: the only reference to a function: the caller must keep one.
 */

import type { FetchFunction } from "../../index.js";

/** A function under its number. */
export interface NumberedFetch {
    readonly number: number;
    readonly fetch: FetchFunction;
}

const numbered = new WeakMap<FetchFunction, NumberedFetch>();
const byNumber = new Map<number, WeakRef<NumberedFetch>>();

const FIRST_SWEEP = 64;
let sweepAt = FIRST_SWEEP;

/** A function under its number. The same function has the same number each time, so that its validators share keys. */
export function numberedFetch(fetch: FetchFunction, newNumber: () => number): NumberedFetch {
    const known = numbered.get(fetch);
    if (known !== undefined) {
        return known;
    }
    const made = { number: newNumber(), fetch };
    numbered.set(fetch, made);
    sweep();
    byNumber.set(made.number, new WeakRef(made));
    return made;
}

/** The function with this number; `undefined`: no validator has it any more. */
export function fetchOfNumber(number: number): FetchFunction | undefined {
    return byNumber.get(number)?.deref()?.fetch;
}

/** Forgets the numbers of functions that are gone. The work is spread over as many new ones as there are. */
function sweep(): void {
    if (byNumber.size < sweepAt) {
        return;
    }
    for (const [number, held] of byNumber) {
        held.deref() === undefined && byNumber.delete(number);
    }
    sweepAt = Math.max(FIRST_SWEEP, 2 * byNumber.size);
}
