/**
 * Verifies signatures by WebCrypto, where a run time has nothing else. Its answers come later, so a request is judged again until the
 * engine asks nothing new.
 *
 * In: public keys, signed bytes, signatures. Out: yes, no, or "not known yet". Never: an answer for another key or other bytes than
 * were asked about, an answer that is kept after the request, a yes by an algorithm that has not first answered rightly for a
 * known signature.
 */

import type { webcrypto } from "node:crypto";
import { clearTimeout, setTimeout, steady, type Questions } from "./host.js";
import { KNOWN_MESSAGE, KNOWN_SIGNATURES, type KnownSignature } from "./known-signatures.js";
import { NO_KEY, NO_KEY_YET, type SignatureHost } from "./signature-host.js";

type CryptoKey = webcrypto.CryptoKey;
type KeyParameters = Parameters<webcrypto.SubtleCrypto["importKey"]>[2];
type SignatureParameters = Parameters<webcrypto.SubtleCrypto["verify"]>[0];

/** Bytes that no other thread changes. */
type Bytes = Uint8Array<ArrayBuffer>;

/** A key of an engine, and how its signatures are verified. */
interface HeldKey {
    readonly key: CryptoKey;
    readonly by: SignatureParameters;
}

/** A question about a signature, and its answer once it is there. */
interface AskedSignature {
    readonly key: CryptoKey;
    readonly message: Bytes;
    readonly signature: Bytes;
    isGood: boolean | undefined;
}

/** How long one request waits for all its answers, in milliseconds. */
const ANSWERS_MS = 10_000;
/** Questions of one request. A JWK Set has at most 100 keys, each for at most six algorithms. */
const MOST_OF_REQUEST = 1000;
/** Questions of all requests that WebCrypto works on at a time. One that it never answers stays among them. */
const MOST_AT_ONCE = 4096;
let atWork = 0;

/** The questions of the call that is under way. A call of the engine is synchronous. */
let present: WebQuestions | undefined;

/** The questions of one request, with their answers. */
export class WebQuestions implements Questions {
    /** `null`: it is no key. `undefined`: not known yet. */
    readonly #keys = new Map<string, CryptoKey | null | undefined>();
    readonly #signatures: AskedSignature[] = [];
    #open: (() => Promise<void>)[] = [];
    #isBeyond = false;
    #until: number | undefined;

    during<Result>(call: () => Result): Result {
        const before = present;
        present = this;
        try {
            return call();
        } finally {
            present = before;
        }
    }

    /** Whether a question has no answer. */
    get areOpen(): boolean {
        return this.#open.length > 0 || this.#isBeyond;
    }

    /** The key, `null` if it is none, `undefined` if that is not known yet. */
    keyOf(jwk: string, algorithm: string): CryptoKey | null | undefined {
        const name = `${algorithm} ${jwk}`;
        if (!this.#keys.has(name) && this.#hasRoom()) {
            this.#keys.set(name, undefined);
            this.#open.push(async () => {
                this.#keys.set(name, await imported(jwk, algorithm));
            });
        }
        return this.#keys.get(name);
    }

    /** Whether exactly these bytes are the signature of exactly that message by this key; `undefined` if it is not known yet. */
    isGood({ key, by }: HeldKey, message: Uint8Array, signature: Uint8Array): boolean | undefined {
        const known = this.#signatures.find(
            asked => asked.key === key && same(asked.message, message) && same(asked.signature, signature)
        );
        if (known === undefined && this.#hasRoom()) {
            // Copies: the memory of the engine changes before the answer comes.
            const asked: AskedSignature = {
                key,
                message: new Uint8Array(message),
                signature: new Uint8Array(signature),
                isGood: undefined
            };
            this.#signatures.push(asked);
            this.#open.push(async () => {
                asked.isGood = await verified(by, asked);
            });
        }
        return known?.isGood;
    }

    #hasRoom(): boolean {
        this.#isBeyond ||= this.#keys.size + this.#signatures.length >= MOST_OF_REQUEST;
        return !this.#isBeyond;
    }

    async answered(): Promise<boolean> {
        const asked = this.#open;
        this.#open = [];
        if (this.#isBeyond || atWork + asked.length > MOST_AT_ONCE) {
            return false;
        }
        this.#until ??= steady() + ANSWERS_MS;
        atWork += asked.length;
        const all = asked.map(async ask => {
            await ask();
            atWork -= 1;
        });
        let timer: NodeJS.Timeout | undefined;
        const over = new Promise<false>(resolve => {
            timer = setTimeout(() => resolve(false), Math.max((this.#until ?? 0) - steady(), 0));
        });
        const hasAll = await Promise.race([Promise.all(all).then(() => true), over]);
        clearTimeout(timer);
        return hasAll;
    }
}

/**
 * Makes a validator whose options hold keys, as often as it takes until it is known which of them are keys. Throws what `make`
 * throws.
 */
export async function answeredFirst<Made>(make: () => Made): Promise<Made> {
    const questions = new WebQuestions();
    for (;;) {
        let made: { readonly result: Made } | undefined;
        try {
            made = { result: questions.during(make) };
        } catch (error) {
            if (!questions.areOpen) {
                throw error;
            }
        }
        if (made !== undefined && !questions.areOpen) {
            return made.result;
        }
        if (!(await questions.answered())) {
            throw new Error(
                "oidc-spa-native: WebCrypto gave no answer about the keys of the options in time."
            );
        }
    }
}

/** The keys of one engine, by their numbers. */
export class WebSignatures implements SignatureHost {
    /** The first place stays empty, since `NO_KEY` is no number of a key. */
    readonly #keys: (HeldKey | undefined)[] = [undefined];
    readonly #free: number[] = [];

    import(jwk: string, algorithm: string): number {
        const way = wayOf(algorithm);
        if (way === undefined) {
            return NO_KEY;
        }
        const key = present?.keyOf(jwk, algorithm);
        if (key === undefined || key === null) {
            return key === null ? NO_KEY : NO_KEY_YET;
        }
        const number = this.#free.pop() ?? this.#keys.length;
        this.#keys[number] = { key, by: way.signature };
        return number;
    }

    verify(number: number, message: Uint8Array, signature: Uint8Array): boolean | undefined {
        const held = this.#keys[number];
        return held === undefined ? false : present?.isGood(held, message, signature);
    }

    forget(number: number): void {
        if (this.#keys[number] !== undefined) {
            this.#keys[number] = undefined;
            this.#free.push(number);
        }
    }

    /** WebCrypto takes a key in DER only with its algorithm, which the DER does not name. */
    jwkOfDer(): null {
        return null;
    }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
    return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** How WebCrypto is asked for an algorithm. */
interface Way {
    readonly key: KeyParameters;
    readonly signature: SignatureParameters;
}

const CURVES: { readonly [bits: number]: string } = { 256: "P-256", 384: "P-384", 512: "P-521" };

function wayOf(algorithm: string): Way | undefined {
    if (knownFor(algorithm) === undefined) {
        return undefined;
    }
    const bits = Number(algorithm.slice(2));
    const hash = `SHA-${bits}`;
    switch (algorithm.slice(0, 2)) {
        case "RS":
            return way({ name: "RSASSA-PKCS1-v1_5", hash }, {});
        case "PS":
            return way({ name: "RSA-PSS", hash }, { saltLength: bits / 8 });
        case "ES":
            return way({ name: "ECDSA", namedCurve: CURVES[bits] as string }, { hash });
        default:
            return way({ name: "Ed25519" }, {});
    }
}

const way = (key: { readonly name: string; readonly [name: string]: unknown }, more: object): Way => ({
    key: key as unknown as KeyParameters,
    signature: { name: key.name, ...more } as SignatureParameters
});

/** `Ed25519` (RFC 9864) is `EdDSA` (RFC 8037) with its only curve here. */
const knownFor = (algorithm: string): KnownSignature | undefined =>
    Object.hasOwn(KNOWN_SIGNATURES, algorithm)
        ? KNOWN_SIGNATURES[algorithm]
        : algorithm === "Ed25519"
          ? KNOWN_SIGNATURES["EdDSA"]
          : undefined;

/** The algorithms that were tried, and whether WebCrypto answered rightly. */
const tried = new Map<string, Promise<boolean>>();

/** The key, or `null`. Never rejects. */
async function imported(jwk: string, algorithm: string): Promise<CryptoKey | null> {
    const [way, known] = [wayOf(algorithm), knownFor(algorithm)];
    if (way === undefined || known === undefined) {
        return null;
    }
    const isRight = tried.get(algorithm) ?? answersRightly(way, known);
    tried.set(algorithm, isRight);
    return (await isRight) ? importedAs(way, JSON.parse(jwk) as webcrypto.JsonWebKey) : null;
}

async function importedAs({ key }: Way, jwk: webcrypto.JsonWebKey): Promise<CryptoKey | null> {
    try {
        return await crypto.subtle.importKey("jwk", jwk, key, false, ["verify"]);
    } catch {
        return null;
    }
}

/** Whether the signature is good. Never rejects. */
async function verified(
    by: SignatureParameters,
    { key, message, signature }: Pick<AskedSignature, "key" | "message" | "signature">
): Promise<boolean> {
    try {
        return (await crypto.subtle.verify(by, key, signature, message)) === true;
    } catch {
        return false;
    }
}

/** Whether it says yes to a good signature, and no to bad ones: an implementation may ignore a parameter in silence. */
async function answersRightly(way: Way, { jwk, good, bad }: KnownSignature): Promise<boolean> {
    const key = await importedAs(way, jwk as webcrypto.JsonWebKey);
    if (key === null) {
        return false;
    }
    const verifies = (text: string, signature: Bytes): Promise<boolean> =>
        verified(way.signature, { key, message: new TextEncoder().encode(text), signature });
    const signature = bytesOf(good);
    const changed = signature.map((byte, i) => (i === signature.length - 1 ? byte ^ 1 : byte));
    const wrong = await Promise.all([
        verifies(`${KNOWN_MESSAGE}!`, signature),
        verifies(KNOWN_MESSAGE, changed),
        verifies(KNOWN_MESSAGE, new Uint8Array(signature.length)),
        ...(bad === undefined ? [] : [verifies(KNOWN_MESSAGE, bytesOf(bad))])
    ]);
    return (await verifies(KNOWN_MESSAGE, signature)) && !wrong.includes(true);
}

/** The bytes of a text in base64url. A browser has no `Buffer`. */
const bytesOf = (text: string): Bytes =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), character =>
        character.charCodeAt(0)
    );
