/**
 * The requests that wait for keys.
 *
 * In: what each waits for, and how long. Out: a Promise for each, which the end of a fetch or its time resolves. Never: a wait without
 * an end, a trace of one whose request is gone.
 */

import { clearTimeout, MAX_TIMER_MS, setTimeout, steady } from "./host.js";

/** A wait of an engine: for the end of a fetch of one of these plans, and until then at the latest, on the steady clock. */
export interface Waiting {
    readonly wait: number;
    readonly generation: number;
    readonly plans: readonly number[];
    readonly until: number;
    /** Called if the request turns out to be gone, so that nothing is kept for it. */
    readonly onLost: () => void;
}

interface Sleeper extends Waiting {
    readonly wake: () => void;
}

/** So long after its time, in milliseconds, a wait that is still here has lost its request. */
const GRACE_MS = 1000;
const FIRST_SWEEP = 64;

export class Sleepers {
    readonly #byPlan = new Map<number, Set<Sleeper>>();
    readonly #all = new Set<Sleeper>();
    readonly #drop: (waiting: Waiting) => void;
    readonly #losesRequests: boolean;
    #sweepAt = FIRST_SWEEP;

    /**
     * `drop` gives up a wait of the engine. `losesRequests`: this run time may end a request with its timer. Where it does
     * not, a wait that is late belongs to a thread that was busy or frozen, and its timer still comes.
     */
    constructor(drop: (waiting: Waiting) => void, losesRequests: boolean) {
        this.#drop = drop;
        this.#losesRequests = losesRequests;
    }

    /**
     * Resolves when the wait is over, or may be.
     *
     * Each request sleeps by its own timer and goes on in its own context: where a run time ends everything that a request
     * began, such as workerd, the others still wake.
     */
    async sleep(waiting: Waiting): Promise<void> {
        this.#sweep();
        let timer: NodeJS.Timeout | undefined;
        let sleeper: Sleeper | undefined;
        await new Promise<void>(wake => {
            timer = setTimeout(wake, Math.min(Math.max(waiting.until - steady(), 0), MAX_TIMER_MS));
            sleeper = { ...waiting, wake };
            this.#add(sleeper);
        });
        clearTimeout(timer);
        this.#remove(sleeper as unknown as Sleeper);
    }

    /** A fetch of this plan has ended. */
    wake(plan: number): void {
        for (const { wake } of this.#byPlan.get(plan) ?? []) {
            wake();
        }
    }

    wakeAll(): void {
        for (const { wake } of this.#all) {
            wake();
        }
    }

    #add(sleeper: Sleeper): void {
        this.#all.add(sleeper);
        for (const plan of sleeper.plans) {
            const those = this.#byPlan.get(plan) ?? new Set();
            this.#byPlan.set(plan, those.add(sleeper));
        }
    }

    #remove(sleeper: Sleeper): void {
        this.#all.delete(sleeper);
        for (const plan of sleeper.plans) {
            const those = this.#byPlan.get(plan);
            those?.delete(sleeper);
            those?.size === 0 && this.#byPlan.delete(plan);
        }
    }

    /** Removes those whose request is gone. The work is spread over as many new ones as there are. */
    #sweep(): void {
        if (!this.#losesRequests || this.#all.size < this.#sweepAt) {
            return;
        }
        const now = steady();
        for (const sleeper of this.#all) {
            if (sleeper.until + GRACE_MS < now) {
                this.#remove(sleeper);
                this.#drop(sleeper);
                sleeper.onLost();
            }
        }
        this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#all.size);
    }
}
