/**
 * Verifies the signatures that the engine asks about, by the `node:crypto` of this run time.
 *
 * In: public keys, signed bytes, signatures. Out: numbers of keys; yes or no. Never: an exception, a rule about tokens or keys, a
 * yes by a call that this run time has not first answered rightly for a known signature.
 */

import {
    constants,
    createPublicKey,
    createVerify,
    verify as verifyAtOnce,
    type JsonWebKey,
    type KeyObject,
    type VerifyPublicKeyInput
} from "node:crypto";
import { steady } from "./host.js";
import { KNOWN_MESSAGE, KNOWN_SIGNATURES, type KnownSignature } from "./known-signatures.js";
import { NO_KEY, type SignatureHost } from "./signature-host.js";

/** Verifies one signature; throws or returns `false` if it is not good. */
type Verify = (message: Uint8Array, signature: Uint8Array) => boolean;

/** A way to ask for one algorithm. Run times differ in the ways that they answer. */
type Way = (key: KeyObject) => Verify;

/** The keys of one engine, by their numbers. */
export class Signatures implements SignatureHost {
    /** The first place stays empty, since `NO_KEY` is no number of a key. */
    readonly #keys: (Verify | undefined)[] = [undefined];
    /** Numbers to use again: a DPoP proof has a key of its own, so there are as many keys as requests. */
    readonly #free: number[] = [];
    readonly #ways: Ways;

    constructor(from: Ways = ways) {
        this.#ways = from;
    }

    import(jwk: string, algorithm: string): number {
        const way = this.#ways.of(algorithm);
        if (way === undefined) {
            return NO_KEY;
        }
        let verify: Verify;
        try {
            verify = way(createPublicKey({ key: JSON.parse(jwk) as JsonWebKey, format: "jwk" }));
        } catch {
            return NO_KEY;
        }
        const number = this.#free.pop() ?? this.#keys.length;
        this.#keys[number] = verify;
        return number;
    }

    verify(number: number, message: Uint8Array, signature: Uint8Array): boolean {
        const verify = this.#keys[number];
        return verify !== undefined && isGood(verify, message, signature);
    }

    forget(number: number): void {
        if (this.#keys[number] !== undefined) {
            this.#keys[number] = undefined;
            this.#free.push(number);
        }
    }

    jwkOfDer(der: Uint8Array): string | null {
        try {
            // A copy: not every run time reads the memory of WebAssembly here.
            const key = createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
            // workerd names an algorithm, which the DER does not.
            return JSON.stringify({ ...key.export({ format: "jwk" }), alg: undefined });
        } catch {
            return null;
        }
    }
}

function isGood(verify: Verify, message: Uint8Array, signature: Uint8Array): boolean {
    try {
        return verify(message, signature) === true;
    } catch {
        return false;
    }
}

/** With the key alone: PKCS #1 v1.5 and EdDSA have no parameters. */
const plain =
    (hash: string | null): Way =>
    key =>
    (message, signature) =>
        verifyAtOnce(hash, message, key, signature);

/** With parameters, as Node.js, Bun and Deno take them. */
const withParameters =
    (hash: string, parameters: Parameters): Way =>
    key => {
        const options = { key, ...parameters };
        return (message, signature) => verifyAtOnce(hash, message, options, signature);
    };

/** workerd takes no parameters with an imported key, but with the key's text. */
const withText =
    (hash: string, parameters: Parameters): Way =>
    key => {
        const options = { key: key.export({ type: "spki", format: "pem" }), ...parameters };
        return (message, signature) => verifyAtOnce(hash, message, options, signature);
    };

/** workerd's `verify` ignores the parameters of PSS, and says no to every signature; its `createVerify` reads them. */
const inSteps =
    (hash: string, parameters: Parameters): Way =>
    key => {
        const options = { key: key.export({ type: "spki", format: "pem" }), ...parameters };
        return (message, signature) => createVerify(hash).update(message).verify(options, signature);
    };

type Parameters = Pick<VerifyPublicKeyInput, "padding" | "saltLength" | "dsaEncoding">;

/** The ways to ask for an algorithm, the cheapest first. */
function waysOf(algorithm: string): readonly Way[] {
    const bits = Number(algorithm.slice(2));
    const hash = `sha${bits}`;
    // Read only here: this file also loads where `node:crypto` is a stand-in and nobody calls it, in the playground's page.
    const pss: Parameters = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: bits / 8 };
    const ecdsa: Parameters = { dsaEncoding: "ieee-p1363" };
    switch (algorithm.slice(0, 2)) {
        case "RS":
            return [plain(hash)];
        case "PS":
            return [withParameters(hash, pss), inSteps(hash, pss)];
        case "ES":
            return [withParameters(hash, ecdsa), withText(hash, ecdsa)];
        default:
            return [plain(null)];
    }
}

/** After no way answered rightly, the ways are tried again at least so much later, in milliseconds: a client may ask often. */
const AGAIN_MS = 1000;

/** The way of this run time for each algorithm that was asked for. */
export class Ways {
    readonly #steady: () => number;
    readonly #found = new Map<string, Way>();
    /** When no way was found. A run time may also fail for a while: for want of memory, say. */
    readonly #missedAt = new Map<string, number>();

    constructor(steady: () => number) {
        this.#steady = steady;
    }

    /** `undefined` if none of the ways answers rightly. */
    of(algorithm: string): Way | undefined {
        const found = this.#found.get(algorithm);
        if (found !== undefined) {
            return found;
        }
        const now = this.#steady();
        const missedAt = this.#missedAt.get(algorithm);
        if (missedAt !== undefined && now - missedAt < AGAIN_MS) {
            return undefined;
        }
        // `Ed25519` (RFC 9864) is `EdDSA` (RFC 8037) with its only curve here.
        const known = KNOWN_SIGNATURES[algorithm === "Ed25519" ? "EdDSA" : algorithm];
        const way = known && waysOf(algorithm).find(way => answersRightly(way, known));
        if (way === undefined) {
            this.#missedAt.set(algorithm, now);
        } else {
            this.#found.set(algorithm, way);
        }
        return way;
    }
}

/** The ways of a run time are the same for all engines. */
const ways = new Ways(steady);

/** Whether this way says yes to a good signature, and no to bad ones: a run time may ignore a parameter in silence. */
export function answersRightly(way: Way, { jwk, good, bad }: KnownSignature): boolean {
    let verify: Verify;
    try {
        verify = way(createPublicKey({ key: jwk as JsonWebKey, format: "jwk" }));
    } catch {
        return false;
    }
    const [message, other] = [bytesOf(KNOWN_MESSAGE), bytesOf(`${KNOWN_MESSAGE}!`)];
    const signature = Buffer.from(good, "base64url");
    const changed = Uint8Array.from(signature, (byte, i) => (i === signature.length - 1 ? byte ^ 1 : byte));
    const wrong: readonly (readonly [message: Uint8Array, signature: Uint8Array])[] = [
        [other, signature],
        [message, changed],
        [message, new Uint8Array(signature.length)],
        ...(bad === undefined ? [] : [[message, Buffer.from(bad, "base64url")] as const])
    ];
    return isGood(verify, message, signature) && wrong.every(([of, by]) => !isGood(verify, of, by));
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
