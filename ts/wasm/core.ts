/**
 * One instance of the engine in WebAssembly: its memory, its imports, texts in and out.
 *
 * In: the compiled module, a seed. Out: the instance's functions, and the texts that they take and give. Never: a second
 * call after one that threw: the caller throws the instance away.
 */

import { hasOwn } from "../boundary/own.js";
import type { SignatureHost } from "./signature-host.js";

/** A compiled module. Only the loader knows where it comes from. */
export type CompiledModule = object;

interface Instance {
    readonly exports: Exports;
}

interface WebAssemblyNamespace {
    readonly Module: new (bytes: Uint8Array) => CompiledModule;
    readonly Instance: new (module: CompiledModule, imports: object) => Instance;
}

/** The types of `WebAssembly` belong to TypeScript's library for browsers. */
export const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyNamespace })
    .WebAssembly;

/** A text or bytes; nothing is null. */
export type Field = string | Uint8Array | null | undefined;

type Give = (...numbers: number[]) => number;

/** The functions of the engine: numbers in, a number out. */
export interface Exports {
    readonly memory: { readonly buffer: ArrayBuffer };
    readonly input: Give;
    readonly output: Give;
    readonly start: Give;
    readonly describe: Give;
    readonly validator_new: Give;
    readonly validator_free: Give;
    readonly settings: Give;
    readonly health: Give;
    readonly metrics: Give;
    readonly snapshot: Give;
    readonly retire: Give;
    readonly accepts_issuer: Give;
    readonly named_issuer: Give;
    readonly refuse: Give;
    readonly objection: Give;
    readonly keys_epoch: Give;
    readonly authorize_request: Give;
    readonly authorize_credentials: Give;
    readonly explain_request: Give;
    readonly explain_credentials: Give;
    readonly ready: Give;
    readonly wait_resume: Give;
    readonly wait_drop: Give;
    readonly settle: Give;
    readonly unsettled_drop: Give;
    readonly fetch_next: Give;
    readonly fetch_answered: Give;
    readonly fetch_failed: Give;
    readonly due: Give;
    readonly events: Give;
    readonly troubles_new: Give;
    readonly troubles_begin: Give;
    readonly troubles_end: Give;
    readonly extract_credentials: Give;
}

/** One row of the table of codes. */
export interface ErrorRow {
    readonly code: string;
    readonly description: string;
}

interface Description {
    readonly algorithms: readonly string[];
    readonly errorTable: readonly ErrorRow[];
}

/** Reads a text of this machine by its kind and name; `null` if there is none, `undefined` if there can be none. */
export type ReadText = (kind: "file" | "variable", name: string) => string | null | undefined;

const [THERE_IS_NONE, CANNOT_BE] = [-1, -2];
const [BAD, GOOD, NO_VERDICT_YET] = [0, 1, 2];

/** A verdict on a signature, as a number. */
const verdictOf = (isGood: boolean | undefined): number =>
    isGood === undefined ? NO_VERDICT_YET : isGood ? GOOD : BAD;

/**
 * Characters of the texts, and bytes, of one call. The memory of an instance never becomes smaller, and an instance that
 * gets no more of it fails: no text of a client may do that.
 */
const MOST_INPUT = 16 * 1024 * 1024;

/** The engine refused a question, and has not failed. */
export class Refused extends Error {
    readonly isRefused = true;
}

/** Whether this is the error, of any realm. Every other error means that the engine failed. */
export const isRefused = (error: unknown): boolean => hasOwn(Object(error) as object, "isRefused");

// A program may put another one in its place later.
const { URL } = globalThis;

/** The name of a host in ASCII, as URLs have it; or `null`. The caller has seen that it holds no mark of a URL. */
function asciiName(name: string): string | null {
    try {
        // This scheme has a host, and needs no path.
        return new URL(`wss://${name}`).hostname;
    } catch {
        return null;
    }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export class Core {
    readonly exports: Exports;
    readonly description: Description;
    readonly #signatures: SignatureHost;
    /** Views of the memory. They end when the memory grows. */
    #bytes = new Uint8Array(0);
    #view = new DataView(this.#bytes.buffer);

    constructor(module: CompiledModule, seed: Uint8Array, signatures: SignatureHost, readText: ReadText) {
        this.#signatures = signatures;
        const instance = new Instance(module, { host: this.#imports(readText) });
        this.exports = instance.exports;
        if (this.exports.start(this.put([seed])) !== 1) {
            throw new Error("the engine took no seed");
        }
        this.description = JSON.parse(this.text(this.exports.describe())) as Description;
    }

    /**
     * Writes fields, and returns their number: the last argument of the functions that read fields.
     *
     * Throws `Refused` for more than `MOST_INPUT`.
     */
    put(fields: readonly Field[]): number {
        const sum = fields.reduce((before, field) => before + (field?.length ?? 0), 0);
        if (sum > MOST_INPUT) {
            throw new Refused(
                `oidc-spa-native: the WebAssembly engine takes texts of ${MOST_INPUT} characters in all, and got ${sum}.`
            );
        }
        let joined = "";
        for (const field of fields) {
            if (typeof field === "string") {
                joined += field;
            } else if (field !== null && field !== undefined) {
                return this.#putEach(fields);
            }
        }
        const lengths = 4 * fields.length;
        const at = this.#room(lengths + joined.length);
        const begin = at + lengths;
        // Most requests are ASCII. Only then there is room for every character.
        const { read } = encoder.encodeInto(joined, this.#bytes.subarray(begin, begin + joined.length));
        if (read !== joined.length) {
            return this.#putEach(fields);
        }
        for (const [i, field] of fields.entries()) {
            this.#view.setInt32(at + 4 * i, typeof field === "string" ? field.length : -1, true);
        }
        return fields.length;
    }

    #putEach(fields: readonly Field[]): number {
        const parts = fields.map(field =>
            typeof field === "string" ? encoder.encode(field) : (field ?? null)
        );
        const sum = parts.reduce((bytes, part) => bytes + (part?.length ?? 0), 0);
        const at = this.#room(4 * parts.length + sum);
        let next = at + 4 * parts.length;
        for (const [i, part] of parts.entries()) {
            this.#view.setInt32(at + 4 * i, part === null ? -1 : part.length, true);
            // Bytes of the application may be detached by now; then their length is zero.
            if (part !== null && part.length > 0) {
                this.#bytes.set(part, next);
                next += part.length;
            }
        }
        return fields.length;
    }

    /** The text that a function gave: it returned its length. */
    text(length: number): string {
        const at = this.exports.output() >>> 0;
        this.#look();
        return decoder.decode(this.#bytes.subarray(at, at + (length >>> 0)));
    }

    /** The beginning of so much room for what goes in. */
    #room(bytes: number): number {
        const at = this.exports.input(bytes) >>> 0;
        this.#look();
        return at;
    }

    #look(): void {
        const { buffer } = this.exports.memory;
        if (this.#bytes.buffer !== buffer) {
            this.#bytes = new Uint8Array(buffer);
            this.#view = new DataView(buffer);
        }
    }

    /** What the engine asks of the run time. None of it throws. */
    #imports(readText: ReadText): object {
        const signatures = this.#signatures;
        const bytesAt = (at: number, length: number): Uint8Array => {
            this.#look();
            return this.#bytes.subarray(at >>> 0, (at >>> 0) + (length >>> 0));
        };
        const textAt = (at: number, length: number): string => decoder.decode(bytesAt(at, length));
        const answer = (text: string): number => {
            const bytes = encoder.encode(text);
            const at = this.#room(bytes.length);
            this.#bytes.set(bytes, at);
            return bytes.length;
        };
        const algorithmAt = (index: number): string => this.description.algorithms[index] ?? "";
        return {
            import_key: (at: number, length: number, algorithm: number) =>
                signatures.import(textAt(at, length), algorithmAt(algorithm)),
            verify: (
                key: number,
                _algorithm: number,
                message: number,
                messageLength: number,
                signature: number,
                signatureLength: number
            ) =>
                verdictOf(
                    signatures.verify(
                        key,
                        bytesAt(message, messageLength),
                        bytesAt(signature, signatureLength)
                    )
                ),
            forget: (key: number) => signatures.forget(key),
            jwk_of_der: (at: number, length: number) => {
                const jwk = signatures.jwkOfDer(bytesAt(at, length));
                return jwk === null ? THERE_IS_NONE : answer(jwk);
            },
            domain_to_ascii: (at: number, length: number) => {
                const name = asciiName(textAt(at, length));
                return name === null ? THERE_IS_NONE : answer(name);
            },
            read_text: (kind: number, at: number, length: number) => {
                const text = readText(kind === 0 ? "file" : "variable", textAt(at, length));
                return text === undefined ? CANNOT_BE : text === null ? THERE_IS_NONE : answer(text);
            }
        };
    }
}
