/**
 * One HTTP request of an engine, over `fetch` or the application's function in its place, within its limits.
 *
 * In: a request. Out: the answer's status, fields and body; or why there is none. Never: a redirect that is followed, a body
 * beyond its limit, a wait beyond the time limit, an exception, a secret of the request in a message.
 */

import type { FetchFunction } from "../../index.js";
import { fetchOfNumber } from "./functions.js";
import { hasOwn } from "./own.js";

/** What the engine wants to have fetched. */
export interface WantedRequest {
    readonly url: string;
    /** May hold secrets of the application. */
    readonly headers: readonly (readonly [name: string, value: string])[];
    readonly timeoutMs: number;
    /** In bytes, after decompression. */
    readonly bodyLimit: number;
    /** The number of the application's function that makes it; `null`: the run time's `fetch`. */
    readonly fetch: number | null;
}

export interface Answered {
    readonly status: number;
    readonly headers: readonly (readonly [name: string, value: string])[];
    readonly body: Uint8Array;
}

/** Why there is no answer, by the numbers that the engine has for it. */
export interface Unanswered {
    readonly kind: 0 | 1 | 2 | 3;
    readonly message: string;
}

const [NO_ANSWER, TIMED_OUT, TOO_LONG, NOT_DECODED] = [0, 1, 2, 3] as const;

const OK = 200;

/** Sends a request. Every status is an answer; its body is read only with status 200. */
export async function exchange(request: WantedRequest): Promise<Answered | Unanswered> {
    if (trustsAnybody() && !request.url.startsWith("http:")) {
        return { kind: NO_ANSWER, message: TRUSTS_ANYBODY };
    }
    const made = request.fetch === null ? fetch : fetchOfNumber(request.fetch);
    if (made === undefined) {
        return { kind: NO_ANSWER, message: "the function is gone, with the validators that had it" };
    }
    const signal = AbortSignal.timeout(request.timeoutMs);
    const progress = { hasBegun: false };
    try {
        return await within(signal, request, made, progress);
    } catch (error) {
        return signal.aborted
            ? { kind: TIMED_OUT, message: "" }
            : unanswered(error, request, progress.hasBegun);
    }
}

const TRUSTS_ANYBODY =
    "NODE_TLS_REJECT_UNAUTHORIZED=0 accepts every server's certificate, so keys are not fetched; remove it, and name the " +
    "authority in NODE_EXTRA_CA_CERTS";

/** Whether the `fetch` of Node.js, Bun or Deno verifies no certificate. Whoever is between here and the issuer could give keys. */
const trustsAnybody = (): boolean => process.env.NODE_TLS_REJECT_UNAUTHORIZED === "0";

async function within(
    signal: AbortSignal,
    { url, headers: sent, bodyLimit }: WantedRequest,
    made: FetchFunction,
    progress: { hasBegun: boolean }
): Promise<Answered | Unanswered> {
    // A function may ignore the signal.
    const over = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    // It may come when nobody waits for it any more.
    over.catch(() => undefined);
    const init = {
        headers: sent.map(([name, value]): [string, string] => [name, value]),
        redirect: "manual" as const,
        // Node.js has no cache, and its types do not know the option.
        cache: "no-store" as const,
        signal
    };
    const response = read(await before(over, made(url, init), late => drop(Object(late).body)));
    progress.hasBegun = true;
    if (hasOwn(response, "problem")) {
        void drop(response.body);
        return { kind: NO_ANSWER, message: response.problem };
    }
    const { status, headers, body } = response;
    if (status !== OK) {
        // The connection may have ended already, or never end.
        void drop(body);
        return { status, headers, body: new Uint8Array(0) };
    }
    const bytes = await bounded(body, bodyLimit, over);
    return bytes === undefined ? { kind: TOO_LONG, message: "" } : { status, headers, body: bytes };
}

/** This result, unless the time is over before. What comes later is dropped. */
async function before<Result>(
    over: Promise<never>,
    coming: PromiseLike<Result>,
    dropLate: (late: Result) => unknown = () => undefined
): Promise<Result> {
    const result = Promise.resolve(coming);
    try {
        return await Promise.race([result, over]);
    } catch (error) {
        void result.then(dropLate).catch(() => undefined);
        throw error;
    }
}

interface Reader {
    read(): PromiseLike<{ readonly done: boolean; readonly value?: unknown }>;
    cancel(): PromiseLike<unknown>;
}

interface Stream {
    getReader(): Reader;
    cancel(): PromiseLike<unknown>;
}

interface Read {
    readonly status: number;
    readonly headers: readonly (readonly [name: string, value: string])[];
    readonly body: Stream | null;
}

const [LEAST_STATUS, MOST_STATUS] = [200, 599] as const;

/** What a Response of any realm or library says. */
function read(given: unknown): Read | { readonly problem: string; readonly body: unknown } {
    const { status, headers, body, bodyUsed, redirected, type } = Object(given) as Record<string, unknown>;
    const problem = (problem: string) => ({ problem, body });
    if (status === 0 && type === "opaqueredirect") {
        return problem("this run time does not show where a redirect leads");
    }
    if (
        typeof status !== "number" ||
        !Number.isInteger(status) ||
        status < LEAST_STATUS ||
        status > MOST_STATUS ||
        typeof Object(headers).forEach !== "function" ||
        (body !== null && body !== undefined && typeof Object(body).getReader !== "function")
    ) {
        const what =
            given === null || given === undefined
                ? String(given)
                : type === "error"
                  ? "Response.error()"
                  : `a value of type ${typeof given} that is no Response`;
        return problem(`the function answered with ${what}`);
    }
    if (redirected === true) {
        return problem(
            "the function followed a redirect; it must pass on what it gets as its second argument"
        );
    }
    if (bodyUsed === true) {
        return problem("the function answered with a Response whose body was already read");
    }
    const fields: [string, string][] = [];
    (headers as Headers).forEach((value, name) => fields.push([String(name), String(value)]));
    return { status, headers: fields, body: (body ?? null) as Stream | null };
}

/** Lets go of a body that nobody reads. Never throws. */
async function drop(body: unknown): Promise<void> {
    try {
        await (body as Stream | null | undefined)?.cancel();
    } catch {
        // It has ended, or somebody reads it.
    }
}

/** The body, unless it is longer than this. */
async function bounded(
    body: Stream | null,
    limit: number,
    over: Promise<never>
): Promise<Uint8Array | undefined> {
    if (body === null) {
        return new Uint8Array(0);
    }
    const reader = body.getReader();
    const progress = { isOver: false };
    try {
        return await before(over, piecesOf(reader, limit, progress));
    } catch (error) {
        progress.isOver = true;
        void drop(reader);
        throw error;
    }
}

/** Pieces of a body. A stream of tiny or empty ones, which are there at once, would leave no timer a turn. */
const MAX_PIECES = 16_384;

async function piecesOf(
    reader: Reader,
    limit: number,
    progress: { readonly isOver: boolean }
): Promise<Uint8Array | undefined> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    for (let next = await reader.read(); !next.done && !progress.isOver; next = await reader.read()) {
        const { value } = next;
        if (!ArrayBuffer.isView(value)) {
            throw new TypeError("the body is a stream of something else than bytes");
        }
        length += value.byteLength;
        if (length > limit) {
            void drop(reader);
            return undefined;
        }
        if (pieces.length === MAX_PIECES) {
            throw new TypeError(`the body comes in more than ${MAX_PIECES} pieces`);
        }
        pieces.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    }
    return joined(pieces, length);
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
    const whole = new Uint8Array(length);
    let next = 0;
    for (const piece of pieces) {
        whole.set(piece, next);
        next += piece.length;
    }
    return whole;
}

function unanswered(error: unknown, request: WantedRequest, hasBegun: boolean): Unanswered {
    const causes = causesOf(error);
    // zlib's codes: the body is not what `Content-Encoding` says.
    const isOfCoding =
        hasBegun &&
        causes.some(({ code }) => typeof code === "string" && /^(Z|ERR__?ERROR|ERR_BROTLI)_/.test(code));
    const { message } = causes[causes.length - 1] ?? {};
    return {
        kind: isOfCoding ? NOT_DECODED : NO_ANSWER,
        message:
            typeof message === "string" && message !== "" ? withoutSecrets(message, request) : "no answer"
    };
}

/** Messages of an error may repeat the request. Its URL may hold a secret, and so may its header fields. */
function withoutSecrets(message: string, { url, headers }: WantedRequest): string {
    const fields = headers.filter(([, value]) => value !== "");
    return fields.reduce(
        (text, [name, value]) => text.replaceAll(value, `the value of ${name}`),
        message.replaceAll(url, "the URL")
    );
}

interface Cause {
    readonly code?: unknown;
    readonly message?: unknown;
}

const MAX_CAUSES = 10;

/** An error and its causes: the innermost one says what happened. Several attempts, to several addresses, are one cause. */
function causesOf(error: unknown): Cause[] {
    const causes: Cause[] = [];
    try {
        for (let next = error; typeof next === "object" && next !== null && causes.length < MAX_CAUSES; ) {
            const { code, message, cause, errors } = next as Cause & { cause?: unknown; errors?: unknown };
            causes.push({ code, message });
            next = Array.isArray(errors) && errors.length > 0 ? errors[0] : cause;
        }
    } catch {
        // A getter of the error throws.
    }
    return causes;
}
