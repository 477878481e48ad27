/**
 * One HTTP request of the engine, over `fetch`, within its limits.
 *
 * In: a request. Out: the answer's status, fields and body; or why there is none. Never: a redirect that is followed, a body
 * beyond its limit, a wait beyond the time limit, an exception.
 */

/** What the engine wants to have fetched. */
export interface WantedRequest {
    readonly url: string;
    /** May hold secrets of the application. */
    readonly headers: readonly (readonly [name: string, value: string])[];
    readonly timeoutMs: number;
    /** In bytes, after decompression. */
    readonly bodyLimit: number;
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
    let response: Response | undefined;
    try {
        // Node.js has no cache, and its types do not know the option.
        const init = {
            headers: request.headers.map(([name, value]): [string, string] => [name, value]),
            redirect: "manual" as const,
            cache: "no-store" as const,
            signal: AbortSignal.timeout(request.timeoutMs)
        };
        response = await fetch(request.url, init);
        const { status, headers } = response;
        if (status === 0) {
            return { kind: NO_ANSWER, message: "this run time does not show where a redirect leads" };
        }
        const body = status === OK ? await bounded(response, request.bodyLimit) : await dropped(response);
        return body === undefined
            ? { kind: TOO_LONG, message: "" }
            : { status, headers: Array.from(headers), body };
    } catch (error) {
        return unanswered(error, request.url, response !== undefined);
    }
}

const TRUSTS_ANYBODY =
    "NODE_TLS_REJECT_UNAUTHORIZED=0 accepts every server's certificate, so keys are not fetched; remove it, and name the " +
    "authority in NODE_EXTRA_CA_CERTS";

/** Whether the `fetch` of Node.js, Bun or Deno verifies no certificate. Whoever is between here and the issuer could give keys. */
const trustsAnybody = (): boolean => process.env.NODE_TLS_REJECT_UNAUTHORIZED === "0";

async function dropped({ body }: Response): Promise<Uint8Array> {
    // The connection may have ended already.
    await body?.cancel().catch(() => undefined);
    return new Uint8Array(0);
}

/** The body, unless it is longer than this. */
async function bounded({ body }: Response, limit: number): Promise<Uint8Array | undefined> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const reader = body?.getReader();
    for (;;) {
        const next = await reader?.read();
        if (next === undefined || next.done) {
            break;
        }
        const chunk = next.value as Uint8Array;
        length += chunk.length;
        if (length > limit) {
            await reader?.cancel().catch(() => undefined);
            return undefined;
        }
        chunks.push(chunk);
    }
    return chunks.length === 1 ? chunks[0] : joined(chunks, length);
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
    const whole = new Uint8Array(length);
    let next = 0;
    for (const chunk of chunks) {
        whole.set(chunk, next);
        next += chunk.length;
    }
    return whole;
}

function unanswered(error: unknown, url: string, hasBegun: boolean): Unanswered {
    const causes = causesOf(error);
    if (causes.some(({ name }) => name === "TimeoutError" || name === "AbortError")) {
        return { kind: TIMED_OUT, message: "" };
    }
    // zlib's codes: the body is not what `Content-Encoding` says.
    const isOfCoding =
        hasBegun &&
        causes.some(({ code }) => typeof code === "string" && /^(Z|ERR__?ERROR|ERR_BROTLI)_/.test(code));
    const { message } = causes[causes.length - 1] ?? {};
    return {
        kind: isOfCoding ? NOT_DECODED : NO_ANSWER,
        message: withoutUrl(String(message ?? "no answer"), url)
    };
}

/** A URL may hold a secret, and some messages repeat it. */
const withoutUrl = (message: string, url: string): string => message.replaceAll(url, "the URL");

interface Cause {
    readonly name?: unknown;
    readonly code?: unknown;
    readonly message?: unknown;
}

const MAX_CAUSES = 10;

/** An error and its causes: the innermost one says what happened. Several attempts, to several addresses, are one cause. */
function causesOf(error: unknown): Cause[] {
    const causes: Cause[] = [];
    for (let next = error; typeof next === "object" && next !== null && causes.length < MAX_CAUSES; ) {
        const { name, code, message, cause, errors } = next as Cause & { cause?: unknown; errors?: unknown };
        causes.push({ name, code, message });
        next = Array.isArray(errors) && errors.length > 0 ? errors[0] : cause;
    }
    return causes;
}
