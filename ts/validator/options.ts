/**
 * Options and rules as JavaScript hands them over: what of them is read here, and a copy that JSON carries without loss.
 *
 * In: what a program wrote. Out: values of the types that `index.d.ts` names, or a TypeError. May use: the addon's types. Never: a
 * default, an option that vanishes in silence.
 */

import type { BindingMode, DpopMode, RequestRules } from "../../index.js";
import type { RuleBits } from "../addon/native.js";

/** The rules of a request in the order in which the addon takes them, with their values in the order of its numbers. */
const RULES = {
    dpop: ["allowed", "required", "disabled"] satisfies DpopMode[],
    certificate: ["allowed", "required"] satisfies BindingMode[],
    senderConstrained: ["allowed", "required"] satisfies BindingMode[]
} as const satisfies Record<keyof RequestRules, readonly string[]>;

export const REQUEST_RULES = Object.keys(RULES) as readonly (keyof RequestRules)[];

/** A rule that is misspelt must not vanish: the request would be judged by less than what was written. */
export function ruleBitsOf(rules: RequestRules | undefined): RuleBits {
    if (rules === undefined) {
        return 0;
    }
    const given = Object(rules) as Readonly<Record<string, unknown>>;
    const unknown = Object.keys(given).find(name => !Object.hasOwn(RULES, name));
    if (typeof rules !== "object" || rules === null || unknown !== undefined) {
        throw badRules(unknown === undefined ? kindOf(rules) : `the member "${unknown}"`);
    }
    let bits = 0;
    for (const [at, name] of REQUEST_RULES.entries()) {
        const value = given[name];
        if (value !== undefined) {
            const number = (RULES[name] as readonly unknown[]).indexOf(value) + 1;
            if (number === 0) {
                throw badRules(
                    typeof value === "string" ? `${name}: "${value}"` : `${name}: ${kindOf(value)}`
                );
            }
            bits |= number << (2 * at);
        }
    }
    return bits;
}

function badRules(found: string): TypeError {
    return new TypeError(
        'oidc-spa-native: the rules for a request are an object such as { dpop: "required" }, with dpop of "allowed", ' +
            '"required" or "disabled", and certificate and senderConstrained of "allowed" or "required"; got ' +
            `${found}.`
    );
}

export function clockReader(clock: () => number): () => number {
    if (typeof clock !== "function") {
        throw new TypeError(
            `oidc-spa-native: clock must be a function that returns milliseconds, but ${kindOf(clock)} was given. ` +
                "For example: clock: () => Date.now()."
        );
    }
    return () => {
        const now = clock();
        if (typeof now !== "number" || !Number.isFinite(now)) {
            throw new TypeError(
                `oidc-spa-native: clock returned ${kindOf(now)} where milliseconds are expected.`
            );
        }
        return now;
    };
}

/**
 * A copy of the options that JSON carries without loss, each member read once. What JSON would drop or change in
 * silence (a RegExp becomes `{}`, a function nothing, NaN null) is refused here: an option must not vanish.
 */
export function plainCopy(value: unknown, path: string): unknown {
    switch (typeof value) {
        case "string":
        case "boolean":
            return value;
        case "number":
            if (Number.isFinite(value)) {
                return value;
            }
            break;
        case "object":
            if (value === null) {
                return null;
            }
            if (path.length > MAX_OPTION_PATH) {
                break; // deeper than any option: a cycle, most likely
            }
            if (Array.isArray(value)) {
                // Unlike `map`, this sees a hole: JSON would make it null.
                return Array.from(value, (item: unknown, i) => plainCopy(item, `${path}[${i}]`));
            }
            if (isPlain(value)) {
                const copy: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
                for (const name of Object.keys(value)) {
                    const member = (value as Record<string, unknown>)[name];
                    if (member !== undefined) {
                        copy[name] = plainCopy(member, path === "" ? name : `${path}.${name}`);
                    }
                }
                return copy;
            }
    }
    throw new TypeError(
        `oidc-spa-native: option "${path}" is ${kindOf(value)}. Options are strings, finite numbers, booleans, lists ` +
            'and plain objects, for example expectedAudience: "https://api.example.com".'
    );
}

const MAX_OPTION_PATH = 200;

/** The name of a getter that is not the object's own, and so no option: whoever wrote it meant it as one. */
export function inheritedGetter(options: object): string | undefined {
    for (let holder: unknown = options; typeof holder === "object" && holder !== null; ) {
        holder = Object.getPrototypeOf(holder);
        if (holder === null || Object.getPrototypeOf(holder) === null) {
            return undefined;
        }
        const members = Object.entries(Object.getOwnPropertyDescriptors(holder));
        const getter = members.find(([, { get }]) => get !== undefined);
        if (getter !== undefined) {
            return getter[0];
        }
    }
    return undefined;
}

function isPlain(value: object): boolean {
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What a value is, as a message says it. */
export function kindOf(value: unknown): string {
    if (value === null || value === undefined || typeof value === "number") {
        return String(value);
    }
    if (typeof value !== "object") {
        return `a ${typeof value}`;
    }
    const name: unknown = Array.isArray(value)
        ? "list"
        : (value as { constructor?: { name?: unknown } }).constructor?.name;
    return typeof name === "string" && name !== "" && name !== "Object" ? `a ${name}` : "an object";
}
