// The validator's `onRejected` and the name of a refusal: who is told, how often, in which order.

import { createValidator, type RefusedError, type Refused, type ValidatorOptions } from "oidc-spa-native";
import { allScopes } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/fetch";
import { mockValidator } from "oidc-spa-native/testing";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { ID } from "../support/refusals.js";

let fixtures: Fixtures;
let options: ValidatorOptions;
let told: [string, Refused, unknown][];

beforeAll(async () => {
    fixtures = await createFixtures();
    options = {
        issuerUri: fixtures.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        onRejected: (refusal, request) => void told.push(["validator", refusal, request])
    };
});
beforeEach(() => {
    told = [];
});
afterAll(() => fixtures.issuer.close());

const withToken = (authorization?: string) =>
    new Request(ITEMS, authorization === undefined ? {} : { headers: { authorization } });
const good = () => withToken(`Bearer ${fixtures.token(nowInSeconds())}`);
const handler = () => new Response("in");
const idOf = async (response: Response) => ((await response.json()) as Refused).refusalId;

test("a guard tells once a refusal, the route's listener first, with the request and the name that the client gets", async () => {
    const validator = createValidator(options);
    const onRejected = (refusal: Refused, request: Request) => void told.push(["route", refusal, request]);
    const guarded = protect(validator, { onRejected }, handler);
    const request = withToken("Bearer x");
    const response = await guarded(request);
    const id = await idOf(response);
    expect(told.map(([who]) => who)).toEqual(["route", "validator"]);
    for (const [, refusal, about] of told) {
        expect(refusal.refusalId).toBe(id);
        expect(about).toBe(request);
    }
    expect(id).toMatch(ID);
    expect(await idOf(await guarded(withToken("Bearer x")))).not.toBe(id);
    told = [];
    expect((await guarded(good())).status).toBe(200);
    expect(told).toEqual([]);
});

test("what a route lets pass is no refusal, and what it asks for beyond is one", async () => {
    const validator = createValidator(options);
    const optional = protect(validator, { optional: true }, handler);
    expect((await optional(withToken())).status).toBe(200);
    expect(told).toEqual([]);
    const scoped = protect(validator, { require: allScopes(["admin"]) }, handler);
    expect((await scoped(good())).status).toBe(403);
    expect(told.map(([, { code }]) => code)).toEqual(["scope_insufficient"]);
    told = [];
    // The challenge is made anew, with the scopes: it is the same refusal.
    const anonymous = withToken();
    const [plain, named] = await Promise.all([protect(validator, {}, handler)(anonymous), scoped(anonymous)]);
    expect([plain.status, named.status]).toEqual([401, 401]);
    expect(named.headers.get("www-authenticate")).toContain('scope="admin"');
});

test("two guards that share a verdict tell the validator's listener once", async () => {
    const validator = createValidator(options);
    const guards = [protect(validator, {}, handler), protect(validator, {}, handler)];
    const request = withToken("Bearer x");
    const ids = await Promise.all(guards.map(async guard => idOf(await guard(request))));
    expect(new Set(ids).size).toBe(1);
    expect(told.map(([, { refusalId }]) => refusalId)).toEqual([ids[0]]);
});

test("asked by hand each door tells, with what it was given; authorize and explain do not", async () => {
    const validator = createValidator(options);
    await validator.ready();
    const headers = { authorization: "Bearer x" };
    const verdict = await validator.validateRequest(headers);
    const error = (await validator.validateRequestOrThrow(headers).catch(error => error)) as RefusedError;
    const atOnce = validator.validateRequestSync(headers);
    expect(told.map(([, refusal]) => refusal)).toEqual([verdict, error.refusal, atOnce]);
    expect(error.refusalId).toBe(error.refusal.refusalId);
    for (const [, , about] of told) {
        expect(about).toBe(headers);
    }
    told = [];
    await validator.explain(headers);
    const granted = await validator.validateRequest(good());
    expect(validator.authorize(granted, allScopes(["admin"])).isSuccess).toBe(false);
    expect(validator.authorize(verdict, allScopes(["admin"]))).toBe(verdict);
    expect(told).toEqual([]);
    const without = await validator.validateRequest({});
    const named = validator.authorize(without, allScopes(["admin"]));
    expect(named.headers["WWW-Authenticate"]).toContain('scope="admin"');
    expect((named as Refused).refusalId).toBe((without as Refused).refusalId);
});

test("a listener that throws, rejects or hangs changes no response and is warned of once", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const failing = [
        () => {
            throw new Error("full");
        },
        async () => Promise.reject(new Error("full")),
        () => new Promise<void>(() => undefined)
    ];
    for (const onRejected of failing) {
        const guarded = protect({ ...options, onRejected }, {}, handler);
        for (let i = 0; i < 3; i++) {
            expect((await guarded(withToken("Bearer x"))).status).toBe(401);
        }
    }
    await new Promise(setImmediate);
    expect(warn.mock.calls.map(([message]) => message)).toEqual([
        "onRejected failed: full",
        "onRejected failed: full"
    ]);
    warn.mockRestore();
});

test("a mock of the same options tells too, once", async () => {
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const validator = mockValidator(options, { behavior: "decode only" });
    expect((await protect(validator, {}, handler)(withToken("Bearer x"))).status).toBe(401);
    expect(told).toHaveLength(1);
    await validator.validateRequest({});
    await validator.validateRequest({ authorization: "Bearer x" });
    expect(told).toHaveLength(3);
    vi.restoreAllMocks();
});

test.each([["yes"], [true], [null], [{}]])("onRejected: %j is an error", onRejected => {
    const bad = { ...options, onRejected } as unknown as ValidatorOptions;
    expect(() => createValidator(bad)).toThrow(/the option "onRejected": expected a function/);
    expect(() => createValidator({ ...options, onRejected: undefined })).not.toThrow();
    expect(() =>
        createValidator({ ...options, onRejcted: () => undefined } as object as ValidatorOptions)
    ).toThrow(/unknown member "onRejcted".*did you mean "onRejected"/);
});
