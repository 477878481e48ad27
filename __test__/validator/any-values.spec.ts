// Values of every type that JavaScript has, where a request or a field of it is expected. A function that promises never
// throws before its Promise; nothing is granted; no message has a token; nothing holds what was passed.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { createValidator, type Validator } from "oidc-spa-native";
import * as express from "oidc-spa-native/express";
import * as fastify from "oidc-spa-native/fastify";
import * as fetching from "oidc-spa-native/fetch";
import * as hono from "oidc-spa-native/hono";
import * as koa from "oidc-spa-native/koa";
import * as nodeHttp from "oidc-spa-native/node-http";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa-native/server";
import { createTestIssuer } from "oidc-spa-native/testing";
import { expect, test } from "vitest";

/** FUZZ_SEED and FUZZ_RUNS choose another run. */
const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 400);

const issuer = createTestIssuer();
const validator: Validator = createValidator({ ...issuer.options, trustProxy: true });
const token = issuer.sign();
const good = `Bearer ${token}`;
const signature = token.slice(token.lastIndexOf(".") + 1);

class Trap extends Error {}

const trap = (): never => {
    throw new Trap("a trap of the test");
};

/** A Proxy of which every use throws. */
const trapped = (target: object): object => new Proxy(target, new Proxy({}, { get: () => trap }));

const nullPrototype = (members: object): object => Object.assign(Object.create(null), members);

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

/** Makes a value. fast-check looks into values, and some of these throw then: it has them as functions. */
type Make = () => any;

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

const objectOf = (
    members: Record<string, fc.Arbitrary<Make>>,
    requiredKeys: string[] = []
): fc.Arbitrary<Make> =>
    fc.record(members, { requiredKeys }).map(made => () => make(made as Record<string, Make>));

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

const listOf = (items: fc.Arbitrary<Make>): fc.Arbitrary<Make> =>
    fc.array(items, { maxLength: 4 }).map(made => () => made.map(one => one()));

const constant = (value: unknown): fc.Arbitrary<Make> => fc.constant(() => value);

/** What stands where a request is expected: anything, fields, or a request of a framework with odd members. */
const requests: fc.Arbitrary<Make> = fc.oneof(
    anything,
    record,
    listOf(anything),
    objectOf(
        {
            headers: fc.oneof(record, anything),
            method: fc.oneof(constant("GET"), anything),
            url: fc.oneof(constant("/"), anything),
            originalUrl: anything,
            rawHeaders: fc.oneof(listOf(fc.oneof(...NAMES.map(constant), anything)), anything),
            socket: anything,
            raw: anything,
            req: anything,
            request: anything
        },
        ["headers"]
    )
);

/** Calls what promises, which must not throw; the outcome, or the error of the Promise. */
async function outcomeOf<T>(call: () => Promise<T>): Promise<{ value?: T; error?: unknown }> {
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

function expectNoToken(told: unknown): void {
    const text = told instanceof Error ? `${told.message} ${told.stack}` : JSON.stringify(told);
    expect(text?.includes(signature) ?? false, text?.slice(0, 500)).toBe(false);
}

const property = (
    values: fc.Arbitrary<readonly Make[]>,
    check: (...values: any[]) => Promise<void>
): Promise<void> =>
    fc.assert(
        fc.asyncProperty(values, makes => check(...makes.map(make => make()))),
        { seed: SEED, numRuns: RUNS, endOnFailure: true }
    ) as Promise<void>;

test("validateRequest and explain", { timeout: 240_000 }, async () => {
    const targets = fc.oneof(
        { weight: 3, arbitrary: constant(undefined) },
        anything,
        objectOf({ method: anything, url: anything, clientCertificate: anything })
    );
    await property(fc.tuple(requests, targets), async (request, target) => {
        const verdict = await outcomeOf(() => validator.validateRequest(request, target));
        expect(verdict.value?.isSuccess ?? false).toBe(false);
        expectNoToken(verdict.value ?? verdict.error);
        const explained = await outcomeOf(() => validator.explain(request, target));
        expect(explained.value?.refusal ?? explained.error).not.toBeNull();
        expectNoToken(explained.value ?? explained.error);
    });
    // The twin: nothing of this has made the validator worse.
    expect((await validator.validateRequest({ authorization: good })).isSuccess).toBe(true);
});

test("good credentials that are no text are not credentials", async () => {
    for (const make of disguises) {
        for (const request of [{ authorization: make() }, { headers: { authorization: make() }, url: "/" }]) {
            const { value } = await outcomeOf(() => validator.validateRequest(request as any));
            expect(value?.isSuccess ?? false, String(make)).toBe(false);
        }
    }
});

test("an array that says it has four thousand million values costs no time", async () => {
    const long: any = new Array(2 ** 32 - 2);
    const inFields = await validator.validateRequest({ authorization: long });
    expect(inFields.code).toBe("credentials_malformed");
    await expect(validator.validateRequest(long)).rejects.toThrow("names and values by turns");
    const request: any = { headers: { authorization: good }, rawHeaders: long, method: "GET", url: "/" };
    expect((await validator.validateRequest(request)).code).toBe("credentials_repeated");
    request.rawHeaders = ["authorization", good];
    expect((await validator.validateRequest(request)).isSuccess).toBe(true);
});

test("adapters", { timeout: 240_000 }, async () => {
    const granted: string[] = [];
    const grant = (name: string) => (): any => {
        granted.push(name);
        return new Response();
    };
    const nextOf = (name: string) => (error?: unknown) => {
        if (error === undefined) {
            granted.push(name);
        }
    };
    const response = (): any => {
        const self: any = new Proxy(
            {},
            { get: (_, key) => (key === "then" || key === "headersSent" ? undefined : () => self) }
        );
        return self;
    };
    const rules = {};
    const calls: Record<string, (request: any) => unknown> = {
        express: request => express.protect(validator, rules)(request, response(), nextOf("express")),
        fastify: request =>
            (fastify.protect(validator, rules) as any)(request, response(), nextOf("fastify")),
        koa: request => koa.protect(validator, rules)(request, grant("koa") as any),
        hono: request => hono.protect(validator, rules)(request, grant("hono") as any),
        fetch: request => fetching.protect(validator, rules, grant("fetch"))(request),
        "node-http": request =>
            nodeHttp.protect(validator, rules, grant("node-http") as any)(request, response())
    };
    const names = fc.constantFrom(...Object.keys(calls)).map(name => () => name);
    await property(fc.tuple(names, requests), async (name: string, request) => {
        const { error } = await outcomeOf(async () => calls[name]?.(request));
        if (error !== undefined) {
            expectNoToken(error);
        }
        expect(granted).toEqual([]);
    });
    await calls["fetch"]?.(new Request("https://api.example", { headers: { authorization: good } }));
    expect(granted).toEqual(["fetch"]);
});

test("the drop-in", { timeout: 240_000 }, async () => {
    const listening = await issuer.listen();
    try {
        const utils = oidcSpa.createUtils();
        await utils.bootstrapAuth({
            implementation: "real",
            issuerUri: listening.issuerUri,
            expectedAudience: String([listening.options.expectedAudience].flat()[0])
        });
        const validate = utils.validateAndDecodeAccessToken as (params: any) => Promise<any>;
        const params = objectOf({
            scheme: fc.oneof(constant("Bearer"), constant("DPoP"), anything),
            // Of the issuer by another name: never good here.
            accessToken: fc.oneof(anything, constant(token)),
            dpopProof: anything,
            expectedHtm: anything,
            expectedHtu: anything,
            rejectIfAccessTokenDPoPBound: anything
        });
        await property(fc.tuple(fc.oneof(anything, params)), async odd => {
            const { value, error } = await outcomeOf(() => validate(odd));
            expect(value?.isSuccess ?? false).toBe(false);
            expectNoToken(value ?? error);
        });
        await property(fc.tuple(requests, anything), async (request, trustProxy) => {
            // It promises nothing: as in oidc-spa/server, it throws where there is no request.
            const { value, error } = await outcomeOf(async () =>
                extractRequestAuthContext({ request, trustProxy })
            );
            if (error !== undefined) {
                expectNoToken(error);
            }
            if (value?.isWellFormed === true) {
                expect(typeof value.accessTokenAndMetadata.accessToken).toBe("string");
            }
        });
        const accessToken = listening.sign();
        const good = { scheme: "Bearer", accessToken, rejectIfAccessTokenDPoPBound: true };
        expect((await validate(good)).isSuccess).toBe(true);
    } finally {
        await listening.close();
    }
});

test("the error for a value of a wrong type does not show the value", async () => {
    // A text in the place of the request that a framework wraps.
    const request: any = { headers: { authorization: good }, method: "GET", url: "/", raw: good };
    const { error } = await outcomeOf(async () =>
        nodeHttp.protect(validator, {}, () => undefined)(request, {} as any)
    );
    expectNoToken(error ?? "");
    const listening = await issuer.listen();
    try {
        const utils = oidcSpa.createUtils();
        const { issuerUri } = listening;
        await utils.bootstrapAuth({ implementation: "real", issuerUri, expectedAudience: undefined });
        // An object in the place of a text, beside a scheme that there is not.
        const value = { 0: good };
        for (const params of [
            { scheme: value, accessToken: "x", expectedHtm: value },
            { scheme: "Token", accessToken: "x", expectedHtu: value },
            { scheme: value, accessToken: value }
        ]) {
            const { value: result, error } = await outcomeOf(() =>
                utils.validateAndDecodeAccessToken(params as any)
            );
            expect(error).toBeUndefined();
            expect(result?.isSuccess).toBe(false);
            expectNoToken(result);
        }
    } finally {
        await listening.close();
    }
});

test("nothing holds the requests", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const requests: WeakRef<object>[] = [];
    const judge = async (make: Make): Promise<void> => {
        const request: any = { headers: { authorization: make(), dpop: make() }, method: "GET", url: "/" };
        requests.push(new WeakRef(request));
        await outcomeOf(() => validator.validateRequest(request));
        await outcomeOf(() => validator.explain(request));
    };
    for (const make of [...oddities, ...disguises]) {
        await judge(make);
    }
    for (let i = 0; i < 5; i++) {
        await new Promise(resolve => setImmediate(resolve));
        collect();
    }
    const held = requests.filter(request => request.deref() !== undefined).length;
    expect(requests.length).toBeGreaterThan(50);
    // The last one may still be on the stack.
    expect(held).toBeLessThanOrEqual(1);
});
