/**
 * Asks the application which issuer a name stands for: few questions at a time and a second, one for all who wait.
 *
 * In: names that unverified tokens hold. Out: the application's word. Never: a question without a bound, an exception for
 * what the function does, a Promise that ends the process.
 */

import type { IssuerFunction, IssuerOptions } from "../../index.js";
import { apart } from "../addon/apart.js";
import type { LookupBounds } from "./lookup-options.js";
import { kindOf } from "./members.js";
import { messageOf, shown } from "./shown.js";

/** What the application says of a name: its options, `null` where it knows none, or why nobody can say. */
export type IssuerWord =
    | { readonly options: IssuerOptions | null }
    | { readonly trouble: string; readonly wasAsked: boolean };

/** Whether a question is for a name that nobody knows, or for a tenant whose options are old. */
export type Occasion = "unknown" | "known";

/** The questions of one validator. */
export class IssuerQuestions {
    readonly #issuerOf: IssuerFunction;
    readonly #bounds: LookupBounds;
    /** Questions that may be asked now about names that nobody knows, and since when that is so. */
    #left: number;
    #countedAt = performance.now();
    readonly #underWay: Record<Occasion, number> = { unknown: 0, known: 0 };

    constructor(issuerOf: IssuerFunction, bounds: LookupBounds) {
        this.#issuerOf = issuerOf;
        this.#bounds = bounds;
        this.#left = bounds.maxPerSecond;
    }

    /** Asks at once, or says why not. */
    ask(iss: string, occasion: Occasion): Promise<IssuerWord> | IssuerWord {
        const { maxAtOnce, maxPerSecond } = this.#bounds;
        // Whoever invents names cannot use up the questions about tenants that are known: each kind has its own.
        if (this.#underWay[occasion] >= maxAtOnce) {
            return unasked(
                `${maxAtOnce} questions to the function issuers are under way already (issuerLookup.maxAtOnce)`
            );
        }
        if (occasion === "unknown" && !this.#take()) {
            return unasked(
                `the function issuers was asked ${maxPerSecond} times within a second already (issuerLookup.maxPerSecond)`
            );
        }
        this.#underWay[occasion]++;
        return this.#answer(iss).finally(() => {
            this.#underWay[occasion]--;
        });
    }

    #take(): boolean {
        const { maxPerSecond } = this.#bounds;
        const now = performance.now();
        this.#left = Math.min(maxPerSecond, this.#left + ((now - this.#countedAt) / 1000) * maxPerSecond);
        this.#countedAt = now;
        if (this.#left < 1) {
            return false;
        }
        this.#left -= 1;
        return true;
    }

    async #answer(iss: string): Promise<IssuerWord> {
        const { timeoutMs } = this.#bounds;
        let timer: NodeJS.Timeout | undefined;
        const elapsed = new Promise<IssuerWord>(resolve => {
            const trouble = `the function issuers gave no answer within ${timeoutMs} ms`;
            timer = setTimeout(resolve, timeoutMs, { trouble, wasAsked: true });
        });
        try {
            return await Promise.race([wordOf(this.#issuerOf, iss), elapsed]);
        } finally {
            clearTimeout(timer);
        }
    }
}

const unasked = (trouble: string): IssuerWord => ({ trouble, wasAsked: false });

/** It neither throws nor rejects, however late. */
async function wordOf(issuerOf: IssuerFunction, iss: string): Promise<IssuerWord> {
    let answer: unknown;
    try {
        // One answer serves many requests: it is asked for outside of any of them.
        answer = await apart(() => issuerOf(iss));
    } catch (thrown) {
        return { trouble: `the function issuers failed: ${shown(messageOf(thrown))}`, wasAsked: true };
    }
    if (answer === null || (typeof answer === "object" && !Array.isArray(answer))) {
        return { options: answer as IssuerOptions | null };
    }
    const trouble = `the function issuers returned ${kindOf(answer)} where an issuer's options or null is expected`;
    return { trouble, wasAsked: true };
}
