/**
 * The issuers of a validator with a function for issuers: the function is called when a token names an issuer, and old
 * issuers are forgotten.
 *
 * In: requests; the application's answers for names of issuers. Out: verdicts of the validator of the tenant that the
 * token names; refusals if there is none. Never: a grant of its own, an unlimited number of names.
 */

import type { IssuerHealth, IssuerLookupHealth, IssuerOptions, KeysMetrics } from "../../index.js";
import { tellOfLookup } from "../addon/keys-channel.js";
import type {
    NativeRefusal,
    NativeValidator,
    NativeVerdict,
    RequestParts,
    RuleBits
} from "../addon/native.js";
import { lookupTurn, type Warner } from "../addon/warnings.js";
import { hasOwn } from "../boundary/own.js";
import type { IssuerQuestions, IssuerWord, Occasion } from "./issuer-questions.js";
import { refusal, type Explain, type Judge, type JudgedExplanation } from "./judge.js";
import type { LookupBounds } from "./lookup-options.js";
import { messageOf, shown } from "./shown.js";

/** The validator of one issuer. */
export interface Tenant {
    readonly native: NativeValidator;
    readonly judge: Judge;
    readonly explain: Explain;
    readonly health: () => readonly IssuerHealth[];
    readonly keys: () => readonly KeysMetrics[];
}

/** An issuer's options after reading: their text shows whether they have changed. */
export interface TenantOptions {
    readonly text: string;
    /** Whether options with the same text are the same: functions in them have no text. */
    readonly functions: readonly unknown[];
    /** Throws if the options make no sense. */
    readonly make: () => Tenant;
}

interface Known extends Tenant, Pick<TenantOptions, "text" | "functions"> {
    /** When the application gave this answer. */
    readonly since: number;
}

/** A name without a tenant: it is unknown, or the call for it failed. */
interface Unknown {
    readonly until: number;
    readonly trouble: string | null;
}

/** Greatest number of requests that wait for answers of the application. */
const MAX_WAITING = 4096;
/** How long a failed call is not repeated. */
const TROUBLE_MS = 1000;
/** Greatest number of tenants that `health()` lists. */
const MAX_LISTED = 100;

export class Tenants implements Judge {
    readonly #base: Tenant;
    readonly #read: (options: IssuerOptions) => TenantOptions;
    readonly #questions: IssuerQuestions;
    readonly #bounds: LookupBounds;
    readonly #warner: Warner;
    /** The tenant with the latest request comes last. */
    readonly #known = new Map<string, Known>();
    readonly #unknown = new Map<string, Unknown>();
    readonly #asked = new Map<string, Promise<Known | Unknown>>();
    #waiting = 0;
    #lastError: string | null = null;

    /** `base` has no issuer: it refuses requests without an accepted issuer, with the challenges of the options. */
    constructor(
        base: Tenant,
        read: (options: IssuerOptions) => TenantOptions,
        questions: IssuerQuestions,
        bounds: LookupBounds,
        warner: Warner
    ) {
        this.#base = base;
        this.#read = read;
        this.#questions = questions;
        this.#bounds = bounds;
        this.#warner = warner;
    }

    request(
        now: number,
        rules: RuleBits,
        parts: RequestParts,
        scopes: string | null
    ): NativeVerdict | Promise<NativeVerdict> {
        const named = this.#named(now, parts);
        if (named === null) {
            return this.#base.judge.request(now, rules, parts, scopes);
        }
        const [iss, mayPass] = named;
        const found = this.#find(iss);
        if (found !== undefined) {
            return this.#answer(found, now, rules, parts, scopes);
        }
        if (!mayPass) {
            return this.#base.judge.request(now, rules, parts, scopes);
        }
        return this.#wait(iss).then(answer => this.#answer(answer, now, rules, parts, scopes));
    }

    /** Every check of a request, by the tenant that its token names. */
    async explain(now: number, rules: RuleBits, parts: RequestParts): Promise<JudgedExplanation> {
        const named = this.#named(now, parts);
        const found =
            named === null
                ? undefined
                : (this.#find(named[0]) ?? (named[1] ? await this.#wait(named[0]) : undefined));
        if (found !== undefined && isTenant(found)) {
            return found.explain(now, rules, parts);
        }
        const judged = await this.#base.explain(now, rules, parts);
        if (found === undefined || found.trouble === null) {
            return judged;
        }
        const { code, debugErrorMessage } = this.#trouble(found.trouble, now, rules, parts);
        return { ...judged, explanation: { ...judged.explanation, refusal: { code, debugErrorMessage } } };
    }

    /** Waits for the application's answer for a name. The number of waiting requests is limited. */
    async #wait(iss: string): Promise<Known | Unknown> {
        if (this.#waiting >= MAX_WAITING) {
            return { until: 0, trouble: `${MAX_WAITING} requests wait for the function issuers already` };
        }
        this.#waiting++;
        try {
            return await this.#ask(iss);
        } finally {
            this.#waiting--;
        }
    }

    requestNow(
        now: number,
        rules: RuleBits,
        parts: RequestParts,
        scopes: string | null
    ): NativeVerdict | null {
        const named = this.#named(now, parts);
        const found = named === null ? undefined : this.#find(named[0]);
        if (named === null || (found === undefined && !named[1])) {
            return this.#base.judge.requestNow(now, rules, parts, scopes);
        }
        if (found === undefined) {
            return null;
        }
        if (isTenant(found)) {
            return found.judge.requestNow(now, rules, parts, scopes);
        }
        return found.trouble === null
            ? this.#base.judge.requestNow(now, rules, parts, scopes)
            : this.#trouble(found.trouble, now, rules, parts);
    }

    /** Resolves when the keys of all known tenants are there. */
    async ready(timeoutMs: number, failFast: boolean): Promise<void> {
        await Promise.all(Array.from(this.#known.values(), ({ judge }) => judge.ready(timeoutMs, failFast)));
    }

    /**
     * Forgets the application's answers for this issuer under all its names, and ignores the answers under way, since
     * one of them may be for another name of it.
     */
    forget(iss: string): boolean {
        this.#asked.clear();
        let found = false;
        for (const name of [iss, iss.endsWith("/") ? iss.slice(0, -1) : `${iss}/`]) {
            found = this.#unknown.delete(name) || found;
        }
        for (const [name, { native }] of this.#known) {
            if (name === iss || native.acceptsIssuer(iss)) {
                found = this.#drop(name) || found;
            }
        }
        return found;
    }

    /** The health of the tenants with the latest requests, and the number of all tenants. */
    health(): { readonly issuers: IssuerHealth[]; readonly issuerLookup: IssuerLookupHealth } {
        const listed = this.#listed();
        return {
            issuers: listed.flatMap(({ health }) => health()),
            issuerLookup: {
                known: this.#known.size,
                unknown: this.#unknown.size,
                lastError: this.#lastError
            }
        };
    }

    /** What is counted of the keys of the tenants that were asked for last. */
    keys(): KeysMetrics[] {
        return this.#listed().flatMap(({ keys }) => keys());
    }

    #listed(): Known[] {
        return [...this.#known.values()].slice(-MAX_LISTED).reverse();
    }

    #named(now: number, parts: RequestParts): readonly [iss: string, mayPass: boolean] | null {
        const [flags, authorization, dpop = null] = parts;
        return authorization === null ? null : this.#base.native.namedIssuer(now, flags, authorization, dpop);
    }

    /**
     * The known answer for a name. For old options the function is called again, and they are used meanwhile, up to
     * twice their age. Older options are kept with their keys, in case the answer says that they have not changed.
     */
    #find(iss: string): Known | Unknown | undefined {
        const now = performance.now();
        const known = this.#known.get(iss);
        if (known !== undefined) {
            const age = now - known.since;
            const most = this.#bounds.ageSeconds * 1000;
            if (age > most && age <= 2 * most && !this.#isResting(iss, now)) {
                void this.#ask(iss);
            }
            this.#used(iss, known);
            if (age <= 2 * most) {
                return known;
            }
        }
        const unknown = this.#unknown.get(iss);
        if (unknown !== undefined && unknown.until < now) {
            this.#unknown.delete(iss);
            return undefined;
        }
        return unknown;
    }

    /** Whether the last call for a known tenant failed a moment ago. */
    #isResting(iss: string, now: number): boolean {
        const trouble = this.#unknown.get(iss);
        return trouble !== undefined && trouble.until >= now;
    }

    /** The order of use matters only if some must be removed. */
    #used(iss: string, known: Known): void {
        if (this.#known.size > this.#bounds.maxKnown / 2) {
            this.#known.delete(iss);
            this.#known.set(iss, known);
        }
    }

    #answer(
        found: Known | Unknown,
        now: number,
        rules: RuleBits,
        parts: RequestParts,
        scopes: string | null
    ): NativeVerdict | Promise<NativeVerdict> {
        if (isTenant(found)) {
            return found.judge.request(now, rules, parts, scopes);
        }
        return found.trouble === null
            ? this.#base.judge.request(now, rules, parts, scopes)
            : this.#trouble(found.trouble, now, rules, parts);
    }

    #trouble(trouble: string, now: number, rules: RuleBits, [, authorization]: RequestParts): NativeRefusal {
        const scheme = authorization !== null && /^\s*dpop\s/i.test(authorization) ? "DPoP" : "Bearer";
        const message = `Nobody can say whether the token's issuer is accepted: ${trouble}`;
        return refusal(this.#base.native, now, rules, "keys_unavailable", scheme, message);
    }

    /** One call for all requests that wait for the same name. */
    #ask(iss: string): Promise<Known | Unknown> {
        const asked = this.#asked.get(iss);
        if (asked !== undefined) {
            return asked;
        }
        const occasion: Occasion = this.#known.has(iss) ? "known" : "unknown";
        const word = this.#questions.ask(iss, occasion);
        if (hasOwn(word, "trouble")) {
            // No call was made; the next request may make it.
            return Promise.resolve({ until: 0, trouble: word.trouble });
        }
        const asking: Promise<Known | Unknown> = (word as Promise<IssuerWord>).then(word => {
            const isWanted = this.#asked.get(iss) === asking;
            const learned = this.#learned(iss, word, isWanted);
            if (isWanted) {
                this.#asked.delete(iss);
            }
            return learned;
        });
        this.#asked.set(iss, asking);
        return asking;
    }

    /** Interprets the application's answer. It is kept unless the name was forgotten meanwhile. */
    #learned(iss: string, word: IssuerWord, isWanted: boolean): Known | Unknown {
        const now = performance.now();
        let learned: Known | Unknown;
        if (hasOwn(word, "trouble")) {
            learned = this.#failed(iss, word.trouble, now);
        } else if (word.options === null) {
            learned = { until: now + this.#bounds.unknownAgeSeconds * 1000, trouble: null };
        } else {
            learned = this.#tenantOf(iss, word.options, now);
        }
        if (isTenant(learned) || learned.trouble === null) {
            this.#warner(lookupTurn(null));
        }
        if (!isWanted) {
            return learned;
        }
        if (isTenant(learned)) {
            this.#keep(iss, learned);
        } else {
            // If a call fails, the tenant is used until it is too old. If the answer is `null`, it is no longer used.
            if (learned.trouble === null) {
                this.#drop(iss);
            }
            this.#unknown.delete(iss);
            this.#unknown.set(iss, learned);
            trim(this.#unknown, this.#bounds.maxUnknown);
        }
        return learned;
    }

    #tenantOf(iss: string, options: IssuerOptions, now: number): Known | Unknown {
        try {
            const { text, functions, make } = this.#read(options);
            const before = this.#known.get(iss);
            if (before?.text === text && before.functions.every((each, i) => each === functions[i])) {
                return { ...before, since: now };
            }
            const tenant = make();
            if (!tenant.native.acceptsIssuer(iss)) {
                tenant.native.retire();
                return this.#failed(iss, "the function issuers returned the options of another issuer", now);
            }
            return { ...tenant, text, functions, since: now };
        } catch (error) {
            return this.#failed(
                iss,
                `the options that the function issuers returned: ${shown(messageOf(error))}`,
                now
            );
        }
    }

    #failed(iss: string, trouble: string, now: number): Unknown {
        this.#lastError = `"${shown(iss)}": ${trouble}`;
        tellOfLookup(this.#lastError);
        this.#warner(lookupTurn(this.#lastError));
        return { until: now + TROUBLE_MS, trouble };
    }

    #keep(iss: string, known: Known): void {
        const before = this.#known.get(iss);
        if (before !== undefined && before.native !== known.native) {
            before.native.retire();
        }
        this.#known.delete(iss);
        this.#known.set(iss, known);
        this.#unknown.delete(iss);
        for (const least of this.#known.keys()) {
            if (this.#known.size <= this.#bounds.maxKnown) {
                break;
            }
            this.#drop(least);
        }
    }

    #drop(iss: string): boolean {
        this.#known.get(iss)?.native.retire();
        return this.#known.delete(iss);
    }
}

const isTenant = (found: Known | Unknown): found is Known => hasOwn(found, "judge");

/** Removes the oldest. */
function trim(map: Map<string, unknown>, most: number): void {
    for (const oldest of map.keys()) {
        if (map.size <= most) {
            return;
        }
        map.delete(oldest);
    }
}
