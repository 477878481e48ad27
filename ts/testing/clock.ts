/**
 * A clock that a test sets.
 *
 * In: a time. Out: a function that returns it. Never: a timer, the time of the machine after the clock was made.
 */

import { invalid, kindOf } from "../validator/members.js";

/**
 * The time of a test: a function that returns milliseconds since 1970-01-01T00:00:00Z, as the option `clock` takes it.
 * It stands still until it is moved.
 */
export interface TestClock {
    (): number;
    /** Moves it forward by this number of seconds, or back by a negative number. */
    advance(seconds: number): void;
    /** Sets it: milliseconds since 1970-01-01T00:00:00Z, or a `Date`. */
    set(time: number | Date): void;
}

/**
 * Makes a clock that stands still. Pass the same clock to the issuer, to the client and so to the validator. Then the
 * test decides how much time passes.
 *
 * @param start - where it begins, as {@link TestClock.set} takes it. Default: now
 * @throws TypeError if a time is not a finite number
 * @example
 * ```ts
 * import { createValidator } from "oidc-spa-native";
 * import { createTestClock, createTestIssuer } from "oidc-spa-native/testing";
 *
 * const clock = createTestClock();
 * const issuer = createTestIssuer({ clock });
 * const validator = createValidator(issuer.options);
 * const headers = { authorization: `Bearer ${issuer.sign()}` };
 * console.log((await validator.validateRequest(headers)).isSuccess); // true
 * clock.advance(301);
 * console.log((await validator.validateRequest(headers)).code); // "token_expired"
 * ```
 */
export function createTestClock(start: number | Date = Date.now()): TestClock {
    let now = millisecondsOf(start, "createTestClock");
    return Object.assign(() => now, {
        advance: (seconds: number) => {
            now += 1000 * finite(seconds, "clock.advance");
        },
        set: (time: number | Date) => {
            now = millisecondsOf(time, "clock.set");
        }
    });
}

/** A `Date` of any realm. */
function millisecondsOf(time: number | Date, of: string): number {
    return finite(Object.prototype.toString.call(time) === "[object Date]" ? Number(time) : time, of);
}

function finite(given: unknown, of: string): number {
    if (typeof given !== "number" || !Number.isFinite(given)) {
        throw invalid(`${of} takes a finite number; got ${kindOf(given)}`);
    }
    return given;
}
