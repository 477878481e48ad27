/**
 * Checks the values that a test writes: a value that has no effect would let a test pass that tests nothing.
 *
 * In: the name of a member, a value. Out: the value, with its type. Never: a value of another type.
 */

import { unexpected } from "../validator/members.js";

/** A text; `undefined` if the test left it out. */
export function textOf(name: string, given: unknown, example?: string): string | undefined {
    if (given !== undefined && typeof given !== "string") {
        throw unexpected("option", name, "a text", given, example);
    }
    return given;
}

/** `true` or `false`; `undefined` if the test left it out. */
export function flagOf(name: string, given: unknown): boolean | undefined {
    if (given !== undefined && typeof given !== "boolean") {
        throw unexpected("option", name, "true or false", given);
    }
    return given;
}

/** A function; `undefined` if the test left it out. */
export function functionOf<Called extends (...args: never[]) => unknown>(
    name: string,
    given: Called | undefined,
    example: string
): Called | undefined {
    if (given !== undefined && typeof given !== "function") {
        throw unexpected("option", name, "a function", given, example);
    }
    return given;
}

/** An object with members, and no list and no Promise; `undefined` if the test left it out. */
export function recordOf<Held extends object>(name: string, given: Held | undefined): Held | undefined {
    if (given !== undefined && Object.prototype.toString.call(given) !== "[object Object]") {
        throw unexpected("option", name, "an object", given);
    }
    return given;
}
