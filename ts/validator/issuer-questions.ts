/**
 * Calls the application's function for names of issuers: a limited number of calls at a time and in a second, and one
 * call for all requests that wait.
 *
 * In: names from unverified tokens. Out: the application's answer. Never: a call without a time limit, an exception for
 * a fault of the function, a rejection that ends the process.
 */

import type { IssuerFunction, IssuerOptions } from "../../index.js";
import { apart } from "../boundary/apart.js";
import type { LookupBounds } from "./lookup-options.js";
import { kindOf } from "./members.js";
import { messageOf, shown } from "./shown.js";

/**
 * The application's answer for a name: the options of the issuer, `null` if it knows none, or why there is no answer.
 */
export type IssuerWord =
    | { readonly options: IssuerOptions | null }
    | { readonly trouble: string; readonly wasAsked: boolean };

/** Whether a call is for an unknown name, or for a tenant whose options are old. */
export type Occasion = "unknown" | "known";

/** The calls of one validator. */
export class IssuerQuestions {
    readonly #issuerOf: IssuerFunction;
    readonly #bounds: LookupBounds;
    /** How many calls for unknown names are allowed now, and since when. */
    #left: number;
    #countedAt = performance.now();
    readonly #underWay: Record<Occasion, number> = { unknown: 0, known: 0 };

    constructor(issuerOf: IssuerFunction, bounds: LookupBounds) {
        this.#issuerOf = issuerOf;
        this.#bounds = bounds;
        this.#left = bounds.maxPerSecond;
    }

    /** Calls at once, or says why not. */
    ask(iss: string, occasion: Occasion): Promise<IssuerWord> | IssuerWord {
        const { maxAtOnce, maxPerSecond } = this.#bounds;
        // Each kind has its own limit, so an attacker with invented names cannot use up the calls for known tenants.
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

/** It neither throws nor rejects, also if the answer comes late. */
async function wordOf(issuerOf: IssuerFunction, iss: string): Promise<IssuerWord> {
    let answer: unknown;
    try {
        // One answer serves many requests, so the call is made outside of the async context of any request.
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
