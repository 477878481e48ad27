/**
 * Remembers which bearer credentials were granted what, so that a token that comes again is not verified again.
 *
 * In: grants, with the time in which and the keys with which the addon would grant them again. Out: the same grant for
 * the very same credentials under the same rules. May use: native's types. Never: a token that is bound to a key or a certificate (the addon
 * gives it no time), a refusal, a claims object that two requests share.
 */

import type { DpopMode } from "../index.js";
import type { NativeGrant, NativeValidator } from "./native.js";

/** What an entry takes beside its strings, in bytes. */
const ENTRY_BYTES = 400;

/** Characters at the end of the credentials that an entry stands under: those of a signature, which are all different. */
const KEY_CHARACTERS = 43;

interface Entry {
    readonly credentials: string;
    readonly grant: NativeGrant;
    readonly bytes: number;
}

/** A memory of one validator in one JavaScript thread. It is bounded by bytes, and forgets what came first. */
export class VerifiedTokens {
    readonly #entries = new Map<string, Entry>();
    readonly #native: NativeValidator;
    readonly #maxBytes: number;
    #bytes = 0;

    constructor(native: NativeValidator, maxBytes: number) {
        this.#native = native;
        this.#maxBytes = maxBytes;
    }

    /** The grant for these credentials, if it still stands: in its time, and with the keys that verified it. */
    get(credentials: string, mode: DpopMode | null, now: number): NativeGrant | undefined {
        const key = keyOf(credentials, mode);
        const entry = this.#entries.get(key);
        if (entry === undefined || entry.credentials !== credentials) {
            return undefined;
        }
        const { grant } = entry;
        if (now >= grant.from && now < grant.until && this.#native.keysEpoch(grant.issuer) === grant.epoch) {
            return grant;
        }
        this.#forget(key, entry);
        return undefined;
    }

    /** Remembers a grant, if the addon says that it may be. */
    set(credentials: string, mode: DpopMode | null, grant: NativeGrant): void {
        if (grant.until <= grant.from || grant.dpopNonce !== null) {
            return;
        }
        const bytes = ENTRY_BYTES + 2 * credentials.length + 2 * grant.claims.length;
        if (bytes > this.#maxBytes) {
            // It would push out all others, and then itself.
            return;
        }
        const key = keyOf(credentials, mode);
        const before = this.#entries.get(key);
        if (before !== undefined) {
            this.#forget(key, before);
        }
        this.#entries.set(key, { credentials, grant, bytes });
        this.#bytes += bytes;
        for (const [oldest, entry] of this.#entries) {
            if (this.#bytes <= this.#maxBytes) {
                break;
            }
            this.#forget(oldest, entry);
        }
    }

    #forget(key: string, entry: Entry): void {
        this.#entries.delete(key);
        this.#bytes -= entry.bytes;
    }
}

/**
 * Where an entry stands. The whole text decides, not this: a Map would read all of a new string to hash it. What a route
 * with a DPoP mode of its own was granted, another route may have to refuse.
 */
function keyOf(credentials: string, mode: DpopMode | null): string {
    const end = credentials.slice(-KEY_CHARACTERS);
    return mode === null ? end : `${mode} ${end}`;
}
