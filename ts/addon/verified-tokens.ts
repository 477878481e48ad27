/**
 * Remembers grants by their credentials. Bearer credentials that come again are not verified again. The addon judges a
 * bound token with each proof, but need not send its claims again.
 *
 * In: grants, with the time and the keys for which the addon would grant them again. Out: the same grant for exactly
 * the same credentials under the same rules; claims under the number that the addon gave them. Never: a grant for a
 * token that is bound to a key or a certificate (the addon gives it no time), a refusal, a claims object that two
 * requests share.
 */

import { copyOf } from "./claims.js";
import type { NativeDoors, NativeGrant, RuleBits, KnownClaims } from "./native.js";

/** Fixed size of an entry in bytes. */
const ENTRY_BYTES = 400;
/** Bytes of an entry for each character of the credentials: for the credentials and for their claims. */
const CHARACTER_BYTES = 4;

/** Characters at the end of the credentials that make the key of an entry: 72 bits of a signature. */
const TELLING_CHARACTERS = 12;

/** Remembered tokens that came once; a power of two. */
const SEEN_SLOTS = 16_384;

/** No request gets these claims themselves: each gets a copy. */
interface Entry {
    readonly credentials: string;
    readonly rules: RuleBits;
    /** The grant of bearer credentials. */
    readonly grant: NativeGrant | null;
    /** The claims of a bound token that this thread has. */
    readonly known: KnownClaims | null;
    readonly bytes: number;
}

/**
 * A memory of one validator in one JavaScript thread, limited in bytes. Two generations, each half the size. When the
 * young one is full it replaces the old one. Single entries are not removed: a Map finds its oldest entry only by
 * passing all entries that were deleted before it.
 */
export class VerifiedTokens {
    readonly #keysEpoch: NativeDoors["keysEpoch"];
    /** Bytes of a generation. */
    readonly #maxBytes: number;
    #young = new Map<number, Entry>();
    #old = new Map<number, Entry>();
    /** Fingerprints of credentials that came once. The fingerprint gives the slot. */
    readonly #seen = new Int32Array(SEEN_SLOTS);
    #youngBytes = 0;

    constructor({ keysEpoch }: Pick<NativeDoors, "keysEpoch">, maxBytes: number) {
        this.#keysEpoch = keysEpoch;
        this.#maxBytes = maxBytes / 2;
    }

    /** The grant for these credentials, if it is still valid: in its time, and with the keys that verified it. */
    get(credentials: string, rules: RuleBits, now: number): NativeGrant | undefined {
        const key = fingerprintOf(credentials, rules);
        const grant = this.#find(key, credentials, rules)?.grant;
        if (grant === null || grant === undefined) {
            return undefined;
        }
        if (now >= grant.from && now < grant.until && this.#keysEpoch(grant.issuer) === grant.epoch) {
            return withClaimsOfItsOwn(grant);
        }
        this.#forget(key);
        return undefined;
    }

    /**
     * The remembered claims of the bound token in these credentials. The addon decides whether they belong to the
     * current token.
     */
    knownClaims(credentials: string, rules: RuleBits): KnownClaims | undefined {
        return this.#find(fingerprintOf(credentials, rules), credentials, rules)?.known ?? undefined;
    }

    /** Remembers a grant if the addon allows it, or the claims of a bound token that came before. */
    set(credentials: string, rules: RuleBits, grant: NativeGrant): void {
        const isRepeatable = grant.until > grant.from && grant.headers === null;
        if (!isRepeatable && grant.number === 0) {
            return;
        }
        const bytes = ENTRY_BYTES + CHARACTER_BYTES * credentials.length;
        if (bytes > this.#maxBytes) {
            // Such an entry would remove all others, and then itself.
            return;
        }
        const key = fingerprintOf(credentials, rules);
        // Once half of the memory is full, a token must come twice: a token that never comes again would remove others
        // for nothing.
        if (this.#old.size > 0 && !this.#cameBefore(key)) {
            return;
        }
        this.#forget(key);
        const { number } = grant;
        this.#keep(
            key,
            isRepeatable
                ? { credentials, rules, grant: withClaimsOfItsOwn(grant), known: null, bytes }
                : { credentials, rules, grant: null, known: { number, claims: copyOf(grant.claims) }, bytes }
        );
    }

    /** The entry of these credentials. It moves to the young generation. */
    #find(key: number, credentials: string, rules: RuleBits): Entry | undefined {
        const young = this.#young.get(key);
        const entry = young ?? this.#old.get(key);
        if (entry === undefined || entry.rules !== rules || entry.credentials !== credentials) {
            return undefined;
        }
        if (young === undefined) {
            this.#keep(key, entry);
        }
        return entry;
    }

    #cameBefore(fingerprint: number): boolean {
        const slot = fingerprint & (SEEN_SLOTS - 1);
        const came = this.#seen[slot] === fingerprint;
        this.#seen[slot] = fingerprint;
        return came;
    }

    #keep(key: number, entry: Entry): void {
        if (this.#youngBytes + entry.bytes > this.#maxBytes) {
            this.#old = this.#young;
            this.#young = new Map();
            this.#youngBytes = 0;
        }
        this.#young.set(key, entry);
        this.#youngBytes += entry.bytes;
    }

    #forget(key: number): void {
        this.#youngBytes -= this.#young.get(key)?.bytes ?? 0;
        this.#young.delete(key);
        this.#old.delete(key);
    }
}

function withClaimsOfItsOwn(grant: NativeGrant): NativeGrant {
    return { ...grant, claims: copyOf(grant.claims) };
}

/**
 * The key of an entry. The whole text is compared later; a Map with the text as its key would read all of a new string
 * to hash it. The rules are a part of the key: a grant of one route may be a refusal on another route.
 */
function fingerprintOf(credentials: string, rules: RuleBits): number {
    let fingerprint = rules + 1;
    // A text of its own: of one that a program joined of two parts, V8 reads each character by a slow call.
    const end = credentials.slice(-TELLING_CHARACTERS);
    for (let i = 0; i < end.length; i += 1) {
        fingerprint = (Math.imul(fingerprint, 31) + end.charCodeAt(i)) | 0;
    }
    return fingerprint;
}
