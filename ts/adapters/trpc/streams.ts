/**
 * Streams of a procedure: they end at the expiry of the token of their call.
 *
 * In: the result of a procedure, a signal of the token's end. Out: the same result, which ends with an error at that
 * time. Never: a rule, a clock.
 */

import { isObservable, observable } from "@trpc/server/observable";
import type { ExpirySignal } from "../../../index.js";
import { isThenable } from "../../validator/synchronous.js";

/** A signal of the token's end, which is released when the other one aborts; and the error to end with. */
export interface End {
    readonly signal: (ended: AbortSignal) => ExpirySignal;
    readonly error: () => Promise<unknown>;
}

/**
 * The same result with streams that end: subscriptions, iterables and promises, the values inside these, and the
 * members of an object, as `httpBatchStreamLink` sends them. Any other value is already complete.
 */
export function endingWith(result: unknown, end: End): unknown {
    if (isThenable(result)) {
        return endingPromise(result, end);
    }
    if (typeof result !== "object" || result === null) {
        return result;
    }
    if (isIterable(result)) {
        return endingIterable(result, end);
    }
    if (isObservable(result)) {
        return endingObservable(result as Subscribable, end);
    }
    if (Array.isArray(result) || !Object.values(result).some(comesLater)) {
        return result;
    }
    return Object.fromEntries(
        Object.entries(result).map(([name, value]) => [
            name,
            comesLater(value) ? endingWith(value, end) : value
        ])
    );
}

const comesLater = (value: unknown): boolean => isIterable(value) || isThenable(value);

const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
    typeof value === "object" && value !== null && Symbol.asyncIterator in value;

/** A promise resolves before the expiry, or rejects. */
function endingPromise(inner: PromiseLike<unknown>, end: End): Promise<unknown> {
    const ended = new AbortController();
    const expiry = end.signal(ended.signal);
    const promise = new Promise((resolve, reject) => {
        const refuse = () => void (ended.signal.aborted || end.error().then(reject, reject));
        expiry.aborted ? refuse() : expiry.addEventListener("abort", refuse, { once: true });
        inner.then(value => expiry.aborted || resolve(endingWith(value, end)), reject);
    });
    const stop = () => ended.abort();
    // If tRPC does not stream it, no code waits for it. Its rejection must not end the process.
    promise.then(stop, stop);
    return promise;
}

function endingIterable(inner: AsyncIterable<unknown>, end: End): object {
    const begin = () => endingIterator(inner[Symbol.asyncIterator](), end);
    if (!("next" in inner)) {
        return { [Symbol.asyncIterator]: begin };
    }
    // A generator is its own iterator, which server code may call. The wait for the expiry starts only then.
    let begun: Required<AsyncIterator<unknown>> | undefined;
    const own = () => {
        begun ??= begin();
        return begun;
    };
    return {
        [Symbol.asyncIterator]: own,
        next: () => own().next(),
        return: (value: unknown) => own().return(value),
        throw: (reason: unknown) => own().throw(reason)
    };
}

function endingIterator(inner: AsyncIterator<unknown>, end: End): Required<AsyncIterator<unknown>> {
    const { signal, error } = end;
    const ended = new AbortController();
    const expiry = signal(ended.signal);
    // Each step has its own promise: on a shared promise each step would leave a reaction.
    const pending = new Set<(reason: unknown) => void>();
    let isExpired = false;
    const refuse = (reject: (reason: unknown) => void) => void error().then(reject, reject);
    const expire = () => {
        if (ended.signal.aborted) {
            return;
        }
        isExpired = true;
        pending.forEach(refuse);
        pending.clear();
        // A waiting generator ends when it goes on; its result is dropped then.
        Promise.resolve(inner.return?.()).catch(() => undefined);
    };
    expiry.aborted ? expire() : expiry.addEventListener("abort", expire, { once: true });
    const close = async (closing: Promise<IteratorResult<unknown>> | undefined, value: unknown) => {
        ended.abort();
        return (await closing) ?? { done: true as const, value };
    };
    return {
        next: () =>
            new Promise((resolve, reject) => {
                if (isExpired) {
                    refuse(reject);
                    return;
                }
                pending.add(reject);
                inner.next().then(
                    step => {
                        if (pending.delete(reject)) {
                            step.done === true && ended.abort();
                            resolve({ ...step, value: endingWith(step.value, end) });
                        }
                    },
                    (reason: unknown) => {
                        if (pending.delete(reject)) {
                            ended.abort();
                            reject(reason);
                        }
                    }
                );
            }),
        return: value => close(inner.return?.(value), value),
        throw: (reason: unknown) => close(inner.throw?.(reason) ?? Promise.reject(reason), undefined)
    };
}

interface Subscribable {
    subscribe(observer: { next(value: unknown): void; error(reason: unknown): void; complete(): void }): {
        unsubscribe(): void;
    };
}

function endingObservable(inner: Subscribable, { signal, error }: End): Subscribable {
    return observable<unknown, unknown>(observer => {
        const ended = new AbortController();
        const expiry = signal(ended.signal);
        const subscription = inner.subscribe({
            next: value => expiry.aborted || observer.next(value),
            error: reason => observer.error(reason),
            complete: () => observer.complete()
        });
        const tell = (reason: unknown) => observer.error(reason);
        const expire = () => {
            if (!ended.signal.aborted) {
                subscription.unsubscribe();
                error().then(tell, tell);
            }
        };
        expiry.aborted ? expire() : expiry.addEventListener("abort", expire, { once: true });
        return () => {
            ended.abort();
            subscription.unsubscribe();
        };
    });
}
