/**
 * The only reader of objects with named members that a program writes: options and rules.
 *
 * In: a value, the names that it may have. Out: its own members, each read once, or a TypeError that says what came and
 * what to write. Never: an inherited member, a member that is ignored.
 */

import { types } from "node:util";
import { shown } from "./shown.js";

/** The members that an object may have, and how messages speak of it. */
export interface Members {
    /** The function that takes them: `protect`, `ready()`. */
    readonly of: string;
    /** The word for one of them. */
    readonly noun: "rule" | "option";
    readonly names: readonly string[];
    /** The correct line. */
    readonly example: string;
    /** The advice for an unknown name. */
    readonly instead?: Readonly<Record<string, string>>;
}

/** The own members, without a prototype. Members of `Object.prototype` do not count. */
export function readMembers(given: unknown, members: Members): Readonly<Record<string, unknown>> {
    const { of, noun, example } = members;
    if (typeof given !== "object" || given === null || !isRecord(given)) {
        throw invalid(`${of} takes an object of ${noun}s; got ${kindOf(given)}. Write ${example}`);
    }
    checkNothingInherited(given, members);
    const own: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const name of Reflect.ownKeys(given)) {
        if (typeof name !== "string" || !members.names.includes(name)) {
            throw unknownMember(String(name), members);
        }
        own[name] = (given as Record<string, unknown>)[name];
    }
    checkNothingUnlisted(given, own, members);
    return own;
}

function unknownMember(name: string, { of, noun, names, instead = {} }: Members): TypeError {
    const near = names.find(known => isNear(name, known));
    // All names beside the one that is meant would hide it.
    const hint = Object.hasOwn(instead, name)
        ? `. Write ${instead[name]}`
        : near === undefined
          ? `. There ${names.length === 1 ? "is" : "are"} ${names.join(", ")}`
          : `; did you mean "${near}"?`;
    // "..., as its second argument," stands before a verb elsewhere.
    return invalid(`unknown ${noun} "${shown(name)}" of ${of.replace(/,$/, "")}${hint}`);
}

/**
 * Throws if the object has members from a prototype, most likely of a class, since a copy would lose them.
 * `Object.prototype`, of any realm, does not count.
 */
export function checkNothingInherited(
    given: object,
    { of, noun, example }: Pick<Members, "of" | "noun" | "example">
): void {
    // A prototype may be a function too: a class with static members.
    for (let holder = prototypeOf(given); holder !== null; ) {
        const next = prototypeOf(holder);
        if (next === null && Object.hasOwn(holder, "hasOwnProperty")) {
            return;
        }
        const name = Reflect.ownKeys(holder).find(key => key !== "constructor");
        if (name !== undefined) {
            const isGetter = Object.getOwnPropertyDescriptor(holder, name)?.get !== undefined;
            throw invalid(
                `${of}: the ${noun} "${shown(String(name))}" is ${isGetter ? "a getter of a class" : "inherited"}, which would be ` +
                    `lost. Write each ${noun} out: ${example}`
            );
        }
        holder = next;
    }
}

const prototypeOf = (of: object): object | null => Object.getPrototypeOf(of) as object | null;

/** Throws if a Proxy gives a member that it does not list, since a copy would lose it. */
function checkNothingUnlisted(given: object, own: object, { of, noun, names, example }: Members): void {
    if (!types.isProxy(given)) {
        return;
    }
    const answers = (name: string, holder: object) => (holder as Record<string, unknown>)[name];
    const lost = names.find(
        name => !(name in own) && answers(name, given) !== answers(name, Object.prototype)
    );
    if (lost !== undefined) {
        throw invalid(
            `${of}: the ${noun} "${lost}" is of a Proxy that does not list it, so that it would be lost. Write each ${noun} ` +
                `out: ${example}`
        );
    }
}

/** Throws if there is an argument too many: it would have no effect, and most likely it is a rule. */
export function checkNothingBeyond(beyond: readonly unknown[], example: string, takes: string): void {
    const extra = beyond.find(argument => argument !== undefined);
    if (extra !== undefined) {
        throw invalid(`${takes}; got ${kindOf(extra)} beyond them. Write ${example}`);
    }
}

/** Not an object whose content is not in its members: a list, a Map, a Promise. */
const isRecord = (value: object): boolean => Object.prototype.toString.call(value) === "[object Object]";

/** The type of a value, as a message names it. */
export function kindOf(value: unknown): string {
    if (value === null || value === undefined || typeof value === "number" || typeof value === "boolean") {
        return String(value);
    }
    if (typeof value !== "object") {
        return `a ${typeof value}`;
    }
    const name = nameOfKind(value);
    return typeof name === "string" && name !== "" && name !== "Object" ? `a ${name}` : "an object";
}

/** `undefined` if it cannot be read: a getter or a trap of a Proxy throws. What it throws is not passed on. */
function nameOfKind(value: object): unknown {
    try {
        return Array.isArray(value)
            ? "list"
            : (value as { constructor?: { name?: unknown } }).constructor?.name;
    } catch {
        return undefined;
    }
}

/** The error of a rule or option with a wrong value. The addon's errors of options have the same words. */
export function unexpected(
    noun: Members["noun"],
    name: string,
    expected: string,
    found: unknown,
    example?: string
): TypeError {
    const got = typeof found === "string" ? JSON.stringify(shown(found)) : kindOf(found);
    const write = example === undefined ? "" : `. Write ${example}`;
    return invalid(`the ${noun} "${name}": expected ${expected}; got ${got}${write}`);
}

export const invalid = (message: string): TypeError =>
    new TypeError(`oidc-spa-native: ${message}${message.endsWith("?") ? "" : "."}`);

/** Whether the names differ by one or two letters, or only by case. */
function isNear(written: string, known: string): boolean {
    const [a, b] = [written.toLowerCase(), known.toLowerCase()];
    return (
        a === b ||
        (Math.abs(a.length - b.length) <= 2 && a.length <= 40 && distance(a, b) <= (b.length > 4 ? 2 : 1))
    );
}

/**
 * Throws if an object, which may have further members, has a member whose name is nearly one of these, since it would
 * be ignored. An object of an application's class is such an object.
 */
export function checkNothingNear(given: object, of: string, names: readonly string[]): void {
    for (const name of Object.keys(given)) {
        const meant = names.includes(name) ? undefined : names.find(known => isNear(name, known));
        if (meant !== undefined) {
            throw invalid(`unknown member "${shown(name)}" of ${of}; did you mean "${meant}"?`);
        }
    }
}

/** Letters to be put in, taken away or changed (Levenshtein). */
function distance(a: string, b: string): number {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
        const next = [i];
        for (let j = 1; j <= b.length; j++) {
            const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
            next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
        }
        row = next;
    }
    return row[b.length] ?? 0;
}
