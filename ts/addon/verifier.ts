/**
 * Asks the addon for verdicts on the cheapest path: from memory, on this thread, or on other threads.
 *
 * In: arguments of the addon. Out: its answers. Never: a rule about tokens, a path with another verdict than the
 * others.
 */

import { availableParallelism } from "node:os";
import { inTheEnd, soon, theInbox, waitingForThreads } from "./inbox.js";
import {
    AUTHORIZATION_REPEATED,
    type CredentialParts,
    type NativeAnswer,
    type NativeDoors,
    type NativeExplanation,
    type NativeValidator,
    type NativeVerdict,
    type RequestParts,
    type RuleBits,
    type Settings,
    type VerdictText,
    type KnownClaims
} from "./native.js";
import { isVerdictText, readExplanation, readReadiness, readVerdict } from "./verdict-text.js";
import { requestsAtOnce } from "./backlog.js";
import type { Conclude } from "./replay-store.js";
import { VerifiedTokens } from "./verified-tokens.js";

/** With this many requests at once, other threads are worth their cost; `npm run bench` measures it. */
const BUSY = 3;
/** A verification that takes longer than this goes to another thread, even a single one. In milliseconds. */
const DEAR_MS = 0.1;
const STEP_MS = 0.01;
/** One of this many verifications is timed; one of this many slow ones is tried on this thread again. */
const TIMED = 8;
const RETRIED = 64;
/** Greatest number of requests that wait for other threads. Further ones are verified on this thread. */
const MAX_WAITING = 4096;

/** The drop-in has no rules for a route. */
const NO_RULES: RuleBits = 0;

/** Where verdicts came from. Plain numbers: a request pays an addition. */
export class PathCounts {
    /** Bearer credentials that this thread had verified before. */
    memory = 0;
    /** Judged by this thread, and handed to other threads. */
    inline = 0;
    threads = 0;
    /** Bound tokens whose signature and claims the addon had verified before; their proofs are verified all the same. */
    recalledTokens = 0;
}

/** The verdicts of one validator. */
export class Verifier {
    readonly #doors: NativeDoors;
    readonly #conclude: Conclude;
    readonly #issuerUris: readonly string[];
    readonly #memory: VerifiedTokens | null;
    readonly #verification: Settings["verification"];
    readonly #counts: PathCounts;
    /**
     * Verifications on this thread since the last timed one, and on other threads since the last trial on this thread.
     */
    #untimed = 0;
    #elsewhere = 0;
    /** About the median time of a verification on this thread. */
    #inlineMs = 0;

    constructor(native: NativeValidator, conclude: Conclude, settings: Settings, counts = new PathCounts()) {
        this.#doors = native.doors(theInbox());
        this.#conclude = conclude;
        this.#counts = counts;
        this.#issuerUris = settings.issuerUris;
        const bytes = settings.verifiedTokenBytes;
        this.#memory = bytes === 0 ? null : new VerifiedTokens(this.#doors, bytes);
        this.#verification = settings.verification;
    }

    /** The verdict on a request, with the rules of the route and the scopes that it requires. */
    request(
        now: number,
        rules: RuleBits,
        parts: RequestParts,
        scopes: string | null = null
    ): NativeVerdict | Promise<NativeVerdict> {
        const [flags, authorization] = parts;
        const credentials = (flags & AUTHORIZATION_REPEATED) === 0 ? authorization : null;
        const hasProof = parts.length > 2 && parts[2] !== null;
        const granted = hasProof ? undefined : this.#recall(credentials, rules, now);
        if (granted !== undefined) {
            return granted;
        }
        const asked = this.#asked(credentials, rules, hasProof);
        // Without credentials there is no signature to verify.
        if (credentials !== null && !this.#isBestHere()) {
            return this.#later(asked, ticket =>
                this.#doors.submitRequest(ticket, now, rules, scopes, numberOf(asked), ...parts)
            );
        }
        return this.#here(asked, () =>
            this.#doors.authorizeRequest(now, rules, scopes, numberOf(asked), ...parts)
        );
    }

    /**
     * The verdict on a request if no wait is needed; `null` if it must wait for keys or a store. Nothing is written
     * then, so the request may be judged again.
     */
    requestNow(
        now: number,
        rules: RuleBits,
        parts: RequestParts,
        scopes: string | null = null
    ): NativeVerdict | null {
        const [flags, authorization] = parts;
        const credentials = (flags & AUTHORIZATION_REPEATED) === 0 ? authorization : null;
        const hasProof = parts.length > 2 && parts[2] !== null;
        const granted = hasProof ? undefined : this.#recall(credentials, rules, now);
        if (granted !== undefined) {
            return granted;
        }
        const asked = this.#asked(credentials, rules, hasProof);
        this.#counts.inline += 1;
        const answer = this.#doors.authorizeRequest(now, rules, scopes, numberOf(asked), ...parts);
        return isVerdictText(answer) ? this.#read(answer, asked) : null;
    }

    /** The verdict on credentials from the drop-in. */
    credentials(now: number, parts: CredentialParts): NativeVerdict | Promise<NativeVerdict> {
        const [scheme, accessToken] = parts;
        const hasProof = scheme === "DPoP";
        const granted = hasProof ? undefined : this.#recall(accessToken, NO_RULES, now);
        if (granted !== undefined) {
            return granted;
        }
        const asked = this.#asked(accessToken, NO_RULES, hasProof);
        if (!this.#isBestHere()) {
            return this.#later(asked, ticket =>
                this.#doors.submitCredentials(ticket, now, numberOf(asked), ...parts)
            );
        }
        return this.#here(asked, () => this.#doors.authorizeCredentials(now, numberOf(asked), ...parts));
    }

    /**
     * Every check of a request, with the same keys as a verdict, after the same wait. Nothing is granted or remembered.
     */
    explain(now: number, rules: RuleBits, parts: RequestParts): Promise<NativeExplanation> {
        return explained(ticket => this.#doors.explainRequest(ticket, now, rules, null, 0, ...parts));
    }

    /** The same for credentials from the drop-in. */
    explainCredentials(now: number, parts: CredentialParts): Promise<NativeExplanation> {
        return explained(ticket => this.#doors.explainCredentials(ticket, now, 0, ...parts));
    }

    /** Resolves when every issuer has keys; rejects at the first failure if `failFast`, else when the time is over. */
    async ready(timeoutMs: number, failFast: boolean): Promise<void> {
        // What comes under this ticket is no question to a store.
        readReadiness(
            (await inTheEnd(ticket => this.#doors.ready(ticket, timeoutMs, failFast))) as VerdictText
        );
    }

    #asked(credentials: string | null, rules: RuleBits, hasProof: boolean): Asked {
        const isWorthALook = hasProof && credentials !== null;
        return {
            credentials,
            rules,
            known: isWorthALook ? this.#memory?.knownClaims(credentials, rules) : undefined
        };
    }

    #recall(credentials: string | null, rules: RuleBits, now: number): NativeVerdict | undefined {
        const granted = credentials === null ? undefined : this.#memory?.get(credentials, rules, now);
        if (granted !== undefined) {
            this.#counts.memory += 1;
        }
        return granted;
    }

    #isBestHere(): boolean {
        if (this.#verification !== "auto") {
            return this.#verification === "inline";
        }
        const waiting = waitingForThreads();
        if (requestsAtOnce() >= BUSY || waiting > 0) {
            return !HAS_OTHER_CORES || waiting >= MAX_WAITING;
        }
        if (this.#inlineMs <= DEAR_MS || !HAS_OTHER_CORES) {
            return true;
        }
        this.#elsewhere += 1;
        if (this.#elsewhere < RETRIED) {
            return false;
        }
        this.#elsewhere = 0;
        this.#untimed = TIMED;
        return true;
    }

    #here(asked: Asked, ask: () => NativeAnswer): NativeVerdict | Promise<NativeVerdict> {
        this.#counts.inline += 1;
        this.#untimed += 1;
        const isTimed = this.#untimed >= TIMED;
        const begun = isTimed ? performance.now() : 0;
        const answer = ask();
        if (isTimed) {
            this.#untimed = 0;
            // One step up or down, independent of the difference, so that a cold start or a pause of the process has
            // little effect.
            this.#inlineMs += performance.now() - begun > this.#inlineMs ? STEP_MS : -STEP_MS;
        }
        const text = this.#conclude(answer);
        return typeof text === "string"
            ? this.#read(text, asked)
            : text.then(text => this.#read(text, asked));
    }

    #later(asked: Asked, submit: (ticket: number) => void): Promise<NativeVerdict> {
        this.#counts.threads += 1;
        return soon(submit)
            .then(this.#conclude)
            .then(text => this.#read(text, asked));
    }

    #read(text: VerdictText, { credentials, rules, known }: Asked): NativeVerdict {
        const verdict = readVerdict(text, credentials, this.#issuerUris, known);
        if (verdict.isGranted && verdict.number !== 0) {
            this.#counts.recalledTokens += 1;
        }
        if (verdict.isGranted && credentials !== null && verdict.number !== known?.number) {
            this.#memory?.set(credentials, rules, verdict);
        }
        return verdict;
    }
}

/** What comes under this ticket is no question to a store. */
const explained = async (ask: (ticket: number) => void): Promise<NativeExplanation> =>
    readExplanation((await inTheEnd(ask)) as VerdictText);

/** The credentials, and their claims that this thread has. */
interface Asked {
    readonly credentials: string | null;
    readonly rules: RuleBits;
    readonly known: KnownClaims | undefined;
}

function numberOf({ known }: Asked): number {
    return known === undefined ? 0 : known.number;
}

const HAS_OTHER_CORES = availableParallelism() > 1;
