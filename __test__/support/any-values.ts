// Values of every type that JavaScript has, some of which hold good credentials and are no text.

import fc from "fast-check";
import { expect } from "vitest";

/** FUZZ_SEED and FUZZ_RUNS choose another run. */
const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 400);

class Trap extends Error {}

const trap = (): never => {
    throw new Trap("a trap of the test");
};

/** A Proxy of which every use throws. */
const trapped = (target: object): object => new Proxy(target, new Proxy({}, { get: () => trap }));

const nullPrototype = (members: object): object => Object.assign(Object.create(null), members);

/** Makes a value. fast-check looks into values, and some of these throw then: it has them as functions. */
export type Make = () => any;

const NAMES = [
    "authorization",
    "dpop",
    "host",
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-for",
    "client-cert"
];

const make = (members: Readonly<Record<string, Make>>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(members).map(([name, member]) => [name, member()]));

export const objectOf = (
    members: Record<string, fc.Arbitrary<Make>>,
    requiredKeys: string[] = []
): fc.Arbitrary<Make> =>
    fc.record(members, { requiredKeys }).map(made => () => make(made as Record<string, Make>));

const listOf = (items: fc.Arbitrary<Make>): fc.Arbitrary<Make> =>
    fc.array(items, { maxLength: 4 }).map(made => () => made.map(one => one()));

export const constant = (value: unknown): fc.Arbitrary<Make> => fc.constant(() => value);

/** What a test passes where a request is expected. */
export interface OddValues {
    readonly oddities: readonly Make[];
    /** Each says good credentials if it is made text. */
    readonly disguises: readonly Make[];
    readonly anything: fc.Arbitrary<Make>;
    /** Requests of Node.js or a framework, whose header fields are odd. */
    readonly messages: fc.Arbitrary<Make>;
    /** Anything, fields, or a request of a framework with odd members. */
    readonly requests: fc.Arbitrary<Make>;
}

/** The values, with this good token in some. */
export function oddValuesWith(token: string): OddValues {
    const good = `Bearer ${token}`;

    /** Values that hold good credentials, and are no text. Each says them if it is made text. */
    const disguises: readonly (() => unknown)[] = [
        () => new String(good),
        () => ({ toString: () => good }),
        () => ({ [Symbol.toPrimitive]: () => good }),
        () => nullPrototype({ toString: () => good, valueOf: () => good }),
        () => [[good]],
        () => new Set([good]),
        () => Promise.resolve(good),
        () => Buffer.from(good),
        () => new TextEncoder().encode(good),
        // Without `get`: with it, it is `Headers` with good credentials.
        () => new Proxy({}, { get: (_, name) => (name === "get" ? undefined : () => good) }),
        () => Object.assign(() => good, { toString: () => good }),
        () => new URL(`data:${good}`),
        () => ({ value: good, length: 1, 0: good }),
        () => ({
            *[Symbol.iterator]() {
                yield good;
            }
        })
    ];

    const oddities: readonly (() => unknown)[] = [
        () => undefined,
        () => null,
        () => Number.NaN,
        () => -0,
        () => 10n ** 400n,
        () => Symbol("a symbol"),
        () => Symbol.iterator,
        () => trap,
        () => class {},
        () => trapped({}),
        () => trapped([]),
        () => trapped(trap),
        () => Proxy.revocable({}, {}).proxy,
        () => {
            const { proxy, revoke } = Proxy.revocable({}, {});
            revoke();
            return proxy;
        },
        () => ({
            get authorization() {
                return trap();
            }
        }),
        () => Object.defineProperty([], 0, { get: trap, enumerable: true }),
        () => ({ toString: trap, valueOf: trap, [Symbol.toPrimitive]: trap }),
        () => ({ toString: () => ({}), valueOf: () => ({}) }),
        () => nullPrototype({}),
        () => ({ then: trap }),
        () => ({ __proto__: null, length: 2 ** 32 }),
        () => new Array(5),
        () => new Array(2 ** 32 - 1),
        () => "x".repeat(1 << 20),
        () => "\u0000\ud800\udfff\uffff",
        () => `Bearer ${"\ud800"}`,
        () => `Bearer ${"é".repeat(100)}`,
        () => "Bearer ",
        () => `DPoP ${token}`,
        () => new Headers({ dpop: "x" }),
        () => new Map<unknown, unknown>([[Symbol("a"), trapped({})]]),
        () => new WeakMap(),
        () => new Set([1]),
        () => new Uint8Array(1 << 16),
        () => new BigUint64Array(2),
        () => new ArrayBuffer(8),
        () => new SharedArrayBuffer(8),
        () => new DataView(new ArrayBuffer(8)),
        () => new Date(Number.NaN),
        () => /x/g,
        () => new Error("an error"),
        () => new AggregateError([trapped({})]),
        () => new URL("https://api.example"),
        () => new Request("https://api.example"),
        () => new Response(),
        () => new AbortController().signal,
        () => globalThis,
        () => process,
        () => Math,
        () => (function* () {})(),
        () => Object.freeze({}),
        () => Object(1n)
    ];

    const anything: fc.Arbitrary<Make> = fc.oneof(
        fc.constantFrom<Make>(...oddities, ...disguises),
        fc
            .anything({
                withBigInt: true,
                withBoxedValues: true,
                withDate: true,
                withMap: true,
                withNullPrototype: true,
                withSet: true,
                withSparseArray: true,
                withTypedArray: true
            })
            .map(value => () => value),
        fc.string({ unit: "binary", maxLength: 200 }).map(value => () => value)
    );

    /** A record of fields, some of them odd. */
    const record: fc.Arbitrary<Make> = fc
        .tuple(
            fc.boolean(),
            fc.dictionary(fc.constantFrom(...NAMES, "constructor", "x"), anything, {
                maxKeys: 4,
                noNullPrototype: true
            })
        )
        .map(
            ([hasPrototype, made]) =>
                () =>
                    hasPrototype ? make(made) : nullPrototype(make(made))
        );

    const members = {
        method: fc.oneof(constant("GET"), anything),
        url: fc.oneof(constant("/"), anything),
        originalUrl: anything,
        rawHeaders: fc.oneof(listOf(fc.oneof(...NAMES.map(constant), anything)), anything),
        socket: anything,
        raw: anything,
        req: anything,
        request: anything
    };
    const headers = fc.oneof(record, anything);
    const requests = fc.oneof(
        anything,
        record,
        listOf(anything),
        objectOf({ headers, ...members }, ["headers"])
    );
    const { rawHeaders, socket } = members;
    const whole = { method: constant("GET"), url: constant("/"), headers };
    const messages = objectOf({ ...whole, rawHeaders, socket }, Object.keys(whole));
    return { oddities, disguises, anything, messages, requests };
}

/** Calls what promises, which must not throw; the outcome, or the error of the Promise. */
export async function outcomeOf<T>(call: () => Promise<T>): Promise<{ value?: T; error?: unknown }> {
    let promise: Promise<T>;
    try {
        promise = call();
    } catch (error) {
        throw new Error("it threw, and promises", { cause: error });
    }
    expect(typeof promise?.then).toBe("function");
    try {
        return { value: await promise };
    } catch (error) {
        return { error };
    }
}

/** Neither a verdict nor an error shows the token. */
export function expectNoToken(token: string, told: unknown): void {
    const signature = token.slice(token.lastIndexOf(".") + 1);
    const text = told instanceof Error ? `${told.message} ${told.stack}` : JSON.stringify(told);
    expect(text?.includes(signature) ?? false, text?.slice(0, 500)).toBe(false);
}

export const property = (
    values: fc.Arbitrary<readonly Make[]>,
    check: (...values: any[]) => Promise<void>
): Promise<void> =>
    fc.assert(
        fc.asyncProperty(values, makes => check(...makes.map(make => make()))),
        { seed: SEED, numRuns: RUNS, endOnFailure: true }
    ) as Promise<void>;
