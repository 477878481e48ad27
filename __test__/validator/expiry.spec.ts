// When a grant ends: by the validator's clock, whatever timers say, with one timer for all that wait.

import { EventEmitter, getEventListeners } from "node:events";
import { createValidator, type Granted, type Validator, type ValidatorOptions } from "oidc-spa-native";
import { closeAtExpiry } from "oidc-spa-native/websocket";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

const LIFETIME_MS = 600_000;

let fixtures: Fixtures;
let validator: Validator;
let granted: Granted;

const validatorWith = (options: Partial<ValidatorOptions> = {}) =>
    createValidator({
        issuerUri: fixtures.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        ...options
    } as ValidatorOptions);

async function grantOf(by: Validator, claims: Record<string, unknown> = {}): Promise<Granted> {
    const token = fixtures.token(nowInSeconds(), { exp: nowInSeconds() + LIFETIME_MS / 1000, ...claims });
    const verdict = await by.validateRequest({ authorization: `Bearer ${token}` });
    if (!verdict.isSuccess) {
        throw new Error(verdict.debugErrorMessage);
    }
    return verdict;
}

beforeAll(async () => {
    fixtures = await createFixtures();
});
afterAll(() => fixtures.issuer.close());

beforeEach(async () => {
    validator = validatorWith();
    granted = await grantOf(validator);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
});

const expiry = () => granted.rawClaims.exp * 1000;

test("at the token's expiry, and not a moment before", async () => {
    const signal = validator.untilExpiry(granted);
    vi.advanceTimersByTime(expiry() - Date.now() - 1);
    expect([signal.aborted, validator.hasExpired(granted)]).toEqual([false, false]);
    vi.advanceTimersByTime(1);
    expect([signal.aborted, validator.hasExpired(granted)]).toEqual([true, true]);
    expect(signal.reason).toMatchObject({ code: "token_expired", message: "The access token expired" });
    // From now on at once, and who listens at once hears it.
    const heard = vi.fn();
    const late = validator.untilExpiry(granted);
    late.addEventListener("abort", heard);
    await Promise.resolve();
    expect([late.aborted, heard.mock.calls.length]).toEqual([true, 1]);
    expect(vi.getTimerCount()).toBe(0);
});

test("with the leeway that the validator gives", async () => {
    vi.useRealTimers();
    const lenient = validatorWith({ leewaySeconds: 60 });
    const grant = await grantOf(lenient);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const signal = lenient.untilExpiry(grant);
    vi.advanceTimersByTime(LIFETIME_MS + 58_000);
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(3_000);
    expect(signal.aborted).toBe(true);
});

test("one timer for all, and none once nobody waits", async () => {
    const ends = Array.from({ length: 1000 }, () => new AbortController());
    const signals = ends.map(({ signal }) => validator.untilExpiry(granted, signal));
    expect(vi.getTimerCount()).toBe(1);
    ends.slice(1).forEach(end => end.abort());
    expect(vi.getTimerCount()).toBe(1);
    expect(signals.filter(({ aborted }) => aborted)).toHaveLength(999);
    ends[0]?.abort();
    expect(vi.getTimerCount()).toBe(0);
    expect(signals.every(({ reason }) => reason.code !== "token_expired")).toBe(true);
});

const endingIn = (seconds: number): Granted => ({
    ...granted,
    rawClaims: { ...granted.rawClaims, exp: Math.ceil(Date.now() / 1000) + seconds }
});

test("of several tokens, each at its own expiry", () => {
    const sooner = validator.untilExpiry(endingIn(5));
    const later = validator.untilExpiry(endingIn(20));
    vi.advanceTimersByTime(6_000);
    expect([sooner.aborted, later.aborted]).toEqual([true, false]);
    vi.advanceTimersByTime(15_000);
    expect(later.aborted).toBe(true);
});

test("after another that ended before its expiry", () => {
    const end = new AbortController();
    validator.untilExpiry(endingIn(5), end.signal);
    end.abort();
    const later = validator.untilExpiry(endingIn(20));
    vi.advanceTimersByTime(21_000);
    expect(later.aborted).toBe(true);
});

test("a token that grows too old before it expires", async () => {
    const young = validatorWith({ maxTokenAgeSeconds: 120, leewaySeconds: 5 });
    const issued = nowInSeconds() - 30;
    const last = (issued + 125) * 1000;
    vi.useRealTimers();
    const old = await grantOf(young, { iat: issued });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const [signal, later] = [young.untilExpiry(old), validator.untilExpiry(old)];
    vi.advanceTimersByTime(last - Date.now() - 1);
    expect([signal.aborted, young.hasExpired(old)]).toEqual([false, false]);
    vi.advanceTimersByTime(1);
    expect([signal.aborted, young.hasExpired(old)]).toEqual([true, true]);
    expect([later.aborted, validator.hasExpired(old)], "without the option").toEqual([false, false]);
});

test("a machine that slept past the expiry: the clock is looked at within 30 seconds", () => {
    const signal = validator.untilExpiry(granted);
    // A timer of the machine stood still meanwhile.
    vi.setSystemTime(expiry() + 3_600_000);
    expect([signal.aborted, validator.hasExpired(granted)]).toEqual([false, true]);
    vi.advanceTimersByTime(30_000);
    expect(signal.aborted).toBe(true);
});

test("a clock that is set back: the token holds as long as the validator accepts it", () => {
    const signal = validator.untilExpiry(granted);
    vi.setSystemTime(Date.now() - 3_600_000);
    vi.advanceTimersByTime(LIFETIME_MS + 60_000);
    expect([signal.aborted, validator.hasExpired(granted)]).toEqual([false, false]);
    // Who comes later and ends sooner is not kept waiting.
    const sooner = validator.untilExpiry(endingIn(5));
    vi.advanceTimersByTime(6_000);
    expect([signal.aborted, sooner.aborted]).toEqual([false, true]);
    vi.advanceTimersByTime(3_600_000);
    expect(signal.aborted).toBe(true);
});

test("the validator's own clock counts, not the machine's", async () => {
    vi.useRealTimers();
    let now = Date.now();
    const own = validatorWith({ clock: () => now });
    const grant = await grantOf(own);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const signal = own.untilExpiry(grant);
    vi.advanceTimersByTime(10 * LIFETIME_MS);
    expect([signal.aborted, own.hasExpired(grant)]).toEqual([false, false]);
    now = grant.rawClaims.exp * 1000;
    expect(own.hasExpired(grant)).toBe(true);
    vi.advanceTimersByTime(30_000);
    expect(signal.aborted).toBe(true);
});

test("where the clock fails, everything ends, and the process goes on", async () => {
    vi.useRealTimers();
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    let isBroken = false;
    const broken = validatorWith({ clock: () => (isBroken ? Number.NaN : Date.now()) });
    const grant = await grantOf(broken);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const signal = broken.untilExpiry(grant);
    vi.advanceTimersByTime(60_000);
    expect(signal.aborted).toBe(false);
    isBroken = true;
    vi.advanceTimersByTime(30_000);
    expect(signal.aborted).toBe(true);
    expect(String(warn.mock.calls[0]?.[0])).toContain("clock returned NaN");
    expect(() => broken.hasExpired(grant)).toThrow(/NaN/);
});

test("what ends with the token may fail, and keeps nobody else", () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const close = vi.fn();
    const failing = () => {
        throw new Error("gone");
    };
    const uncaught: unknown[] = [];
    const hear = (error: unknown) => uncaught.push(error);
    process.on("uncaughtException", hear);
    try {
        for (const act of [close, failing, close]) {
            closeAtExpiry(validator, { close: act }, granted);
        }
        vi.advanceTimersByTime(LIFETIME_MS + 1_000);
        expect(close).toHaveBeenCalledTimes(2);
        expect(String(warn.mock.calls[0]?.[0])).toContain("gone");
        expect(uncaught).toEqual([]);
    } finally {
        process.off("uncaughtException", hear);
    }
});

test("an expiry beyond what one timer can wait for, and a socket that closes before it", () => {
    const DAY_MS = 86_400_000;
    const socket = Object.assign(new EventEmitter(), { close: vi.fn() });
    const exp = Math.ceil(Date.now() / 1000) + (60 * DAY_MS) / 1000;
    const far = { ...granted, rawClaims: { ...granted.rawClaims, exp } };
    closeAtExpiry(validator, socket, far);
    vi.advanceTimersByTime(59 * DAY_MS);
    expect(socket.close).not.toHaveBeenCalled();
    vi.advanceTimersByTime(DAY_MS + 2000);
    expect(socket.close).toHaveBeenCalledExactlyOnceWith(4401, "The access token expired");
    vi.runAllTimers();

    closeAtExpiry(validator, socket, { ...far, rawClaims: { ...far.rawClaims, exp: exp + 86_400 } });
    expect(vi.getTimerCount()).toBe(1);
    socket.emit("close");
    expect(vi.getTimerCount()).toBe(0);
    const web = Object.assign(new EventTarget(), { close: vi.fn() });
    closeAtExpiry(validator, web, { ...far, rawClaims: { ...far.rawClaims, exp: exp + 86_400 } });
    web.dispatchEvent(new Event("close"));
    expect(vi.getTimerCount()).toBe(0);
    closeAtExpiry(validator, socket, null);
    expect(vi.getTimerCount()).toBe(0);
});

test("what ends it earlier, and what has ended already", async () => {
    const response = Object.assign(new EventEmitter(), { destroyed: false });
    const signal = validator.untilExpiry(granted, response);
    expect(signal.aborted).toBe(false);
    response.emit("close");
    expect(signal.aborted).toBe(true);
    expect(signal.reason.code).not.toBe("token_expired");
    for (const ended of [{ once: () => undefined, destroyed: true }, AbortSignal.abort()]) {
        const heard = vi.fn();
        validator.untilExpiry(granted, ended).addEventListener("abort", heard);
        await Promise.resolve();
        expect(heard).toHaveBeenCalledOnce();
    }
    // Nobody's token: only what is given ends it.
    const end = new AbortController();
    const anonymous = validator.untilExpiry(null, end.signal);
    expect([anonymous.aborted, validator.hasExpired(null)]).toEqual([false, false]);
    end.abort();
    expect(anonymous.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
});

test("a signal that outlives many tokens keeps none of them", () => {
    const { signal } = new AbortController();
    validator.untilExpiry(granted, signal);
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    vi.advanceTimersByTime(LIFETIME_MS + 1_000);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

test("a connection that outlives many tokens keeps none of them", () => {
    const connection = new EventEmitter();
    validator.untilExpiry(granted, connection);
    expect(connection.listenerCount("close")).toBe(1);
    vi.advanceTimersByTime(LIFETIME_MS + 1_000);
    expect(connection.listenerCount("close")).toBe(0);
});

test("a socket whose client sends new tokens keeps only the last one", () => {
    const socket = Object.assign(new EventEmitter(), { close: () => undefined });
    let stop = () => {};
    for (let i = 0; i < 20; i++) {
        stop();
        stop = closeAtExpiry(validator, socket, granted);
    }
    expect(socket.listenerCount("close")).toBe(1);
    const ofDeno = Object.assign(new EventTarget(), { close: () => undefined });
    closeAtExpiry(validator, ofDeno, granted)();
    expect(getEventListeners(ofDeno, "close")).toHaveLength(0);
    stop();
    expect(vi.getTimerCount()).toBe(0);
});

test("nothing waits for a connection that ended while its request was judged", async () => {
    const socket = Object.assign(new EventEmitter(), { readyState: 3, close: () => undefined });
    closeAtExpiry(validator, socket, granted);
    expect([socket.listenerCount("close"), vi.getTimerCount()]).toEqual([0, 0]);
    for (const ended of [{ readyState: 3 }, { readyState: "closed" }, { destroyed: true }]) {
        validator.untilExpiry(granted, Object.assign(new EventEmitter(), ended));
        await Promise.resolve();
        expect(vi.getTimerCount()).toBe(0);
    }
});

test("what is no grant does not pass for one that never ends", () => {
    const refused = { isSuccess: false, code: "token_expired" };
    for (const none of [undefined, {}, "x", 5, refused, { isSuccess: true, rawClaims: {} }]) {
        expect(() => validator.hasExpired(none as never)).toThrow(TypeError);
        expect(() => validator.untilExpiry(none as never)).toThrow(TypeError);
    }
    expect(vi.getTimerCount()).toBe(0);
});

test("what cannot end is an error, and nothing waits for it", () => {
    for (const until of [{}, null, 7, "response"]) {
        expect(() => validator.untilExpiry(granted, until as never), String(until)).toThrow(
            /untilExpiry takes a response, a socket, a stream or an AbortSignal/
        );
    }
    expect(vi.getTimerCount()).toBe(0);
    expect(validator.untilExpiry(granted, new AbortController().signal).aborted).toBe(false);
});
