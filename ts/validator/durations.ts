/**
 * How long verdicts took, in classes. The first reader starts it: before, no clock is read.
 *
 * In: a beginning, a verdict. Out: counts by class, outcome and scheme. Never: a label that a request chose.
 */

import type { DurationMetrics } from "../../index.js";

/** Upper bounds of the classes, in seconds: from a memory's answer to the wait for an issuer. */
export const BOUNDS: readonly number[] = [
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
    0.5, 1, 5
];

type Kind = Pick<DurationMetrics, "outcome" | "scheme">;

interface Row extends Kind {
    /** How many of each class; the last has no bound. */
    readonly classes: number[];
    seconds: number;
}

export class Durations {
    readonly #rows: Row[] = [];

    note({ outcome, scheme }: Kind, seconds: number): void {
        let row = this.#rows.find(row => row.outcome === outcome && row.scheme === scheme);
        if (row === undefined) {
            row = { outcome, scheme, classes: new Array<number>(BOUNDS.length + 1).fill(0), seconds: 0 };
            this.#rows.push(row);
        }
        const bound = BOUNDS.findIndex(bound => seconds <= bound);
        const at = bound < 0 ? BOUNDS.length : bound;
        row.classes[at] = (row.classes[at] ?? 0) + 1;
        row.seconds += seconds;
    }

    read(): DurationMetrics[] {
        return this.#rows.map(({ classes, ...row }) => {
            let count = 0;
            const buckets = BOUNDS.map((upTo, i) => {
                count += classes[i] ?? 0;
                return { upToSeconds: upTo, count };
            });
            return { ...row, count: count + (classes[BOUNDS.length] ?? 0), buckets };
        });
    }
}
