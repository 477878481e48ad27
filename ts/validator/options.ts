/**
 * Reads options and rules in JavaScript: the ones that concern JavaScript, and a copy of the others that JSON keeps
 * without loss.
 *
 * In: the values of a program. Out: values with the types of `index.d.ts`, or a TypeError. Never: a default, an option
 * that is ignored.
 */

import type { BindingMode, DpopMode, RequestRules } from "../../index.js";
import type { RuleBits, Settings } from "../addon/native.js";
import { invalid, kindOf, readMembers, unexpected, type Members } from "./members.js";
import { isPromise } from "./synchronous.js";

/** The rules of a request in the order in which the addon takes them, with their values in the order of its numbers. */
const RULES = {
    dpop: ["allowed", "required", "disabled"] satisfies DpopMode[],
    certificate: ["allowed", "required"] satisfies BindingMode[],
    senderConstrained: ["allowed", "required"] satisfies BindingMode[]
} as const satisfies Record<keyof RequestRules, readonly string[]>;

export const REQUEST_RULES = Object.keys(RULES) as readonly (keyof RequestRules)[];

const REQUEST: Members = {
    of: "a request",
    noun: "rule",
    names: REQUEST_RULES,
    example: '{ dpop: "required" }'
};

/** The rules of a request, as the addon takes them. */
export interface AskedRules {
    readonly bits: RuleBits;
    /** The scopes that the route will ask for, separated by spaces. The challenge of an anonymous request names them. */
    readonly scopes: string | null;
    /** A guard asks, and tells of the refusal itself: it knows the framework's request, and what the route lets pass. */
    readonly isOfGuard: boolean;
}

const NO_RULES: AskedRules = { bits: 0, scopes: null, isOfGuard: false };

/**
 * The rules of a request, as the addon takes them. A misspelt rule must be an error, and no rule may allow DPoP if the
 * validator has disabled it.
 */
export function askedRules(
    rules: RequestRules | undefined,
    { dpop }: Partial<Pick<Settings, "dpop">>
): AskedRules {
    if (rules === undefined) {
        return NO_RULES;
    }
    const asked = readRules(rules);
    if (dpop === "disabled" && opensDpop(asked.bits)) {
        throw invalid(
            'the rule "dpop" opens DPoP, which the validator has closed for all routes (dpop: "disabled"), and with it its ' +
                'options for proofs. Write dpop: "allowed" for the validator, and the rule dpop: "disabled" for the routes that ' +
                "take Bearer alone"
        );
    }
    return asked;
}

/** Whether the rule `dpop` is there, and is not "disabled". */
const opensDpop = (bits: RuleBits): boolean =>
    (bits & 3) !== 0 && (bits & 3) !== numberOf("dpop", "disabled");

function readRules(rules: RequestRules): AskedRules {
    const known = knownRules.get(rules);
    if (known !== undefined) {
        return known;
    }
    const read = { bits: bitsOf(rules), scopes: null, isOfGuard: false };
    if (isFixed(rules)) {
        knownRules.set(rules, read);
    }
    return read;
}

/** Whether each reading gives the same values: a getter of a frozen object may return another value the next time. */
function isFixed(rules: object): boolean {
    const members = Object.values(Object.getOwnPropertyDescriptors(rules));
    return Object.isFrozen(rules) && members.every(member => "value" in member);
}

/** Rules that cannot change are read once, and not for each request. */
const knownRules = new WeakMap<object, AskedRules>();

/** The rules of a route and its required scopes, which are passed to its validator with each request. */
export function rulesOfRoute(rules: RequestRules, scopes: readonly string[]): RequestRules {
    const own = Object.freeze({ ...rules });
    knownRules.set(own, {
        bits: bitsOf(own),
        scopes: scopes.length === 0 ? null : scopes.join(" "),
        isOfGuard: true
    });
    return own;
}

function bitsOf(rules: RequestRules): RuleBits {
    const given: Readonly<Record<string, unknown>> = readMembers(rules, REQUEST);
    let bits = 0;
    for (const [at, name] of REQUEST_RULES.entries()) {
        bits |= numberOf(name, given[name]) << (2 * at);
    }
    return bits;
}

/** The number of a rule's value; 0 if the rule is absent. */
export function numberOf(name: keyof RequestRules, value: unknown): number {
    const values: readonly unknown[] = RULES[name];
    if (value === undefined) {
        return 0;
    }
    const number = values.indexOf(value) + 1;
    if (number === 0) {
        const expected = values
            .map(value => JSON.stringify(value))
            .join(", ")
            .replace(/, ([^,]*)$/, " or $1");
        throw unexpected("rule", name, expected, value);
    }
    return number;
}

export function clockReader(clock: () => number): () => number {
    if (typeof clock !== "function") {
        throw unexpected(
            "option",
            "clock",
            "a function that returns milliseconds since 1970",
            clock,
            "clock: () => Date.now()"
        );
    }
    return () => {
        const now: unknown = clock();
        if (typeof now !== "number" || !Number.isFinite(now)) {
            isPromise(now, "clock");
            throw new TypeError(
                `oidc-spa-native: clock returned ${kindOf(now)} where milliseconds are expected.`
            );
        }
        return now;
    };
}

/**
 * A copy of the options that JSON keeps without loss. Each member is read once. A value that JSON would drop or change
 * (a RegExp becomes `{}`, a function is dropped, NaN becomes null) is an error here, since no option may be ignored.
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
    const [option = ""] = path.split(/[.[]/, 1);
    throw new TypeError(
        `oidc-spa-native: the option "${path}" is ${kindOf(value)}. Options are strings, finite numbers, booleans, lists ` +
            `and plain objects, for example ${EXAMPLES[option] ?? 'expectedAudience: "https://api.example.com"'}.`
    );
}

/** The advice for values of likely wrong types. */
const EXAMPLES: Readonly<Record<string, string>> = {
    replayStore: 'replayStore: { redis: "redis://127.0.0.1:6379" }',
    issuers:
        'issuers: [{ issuerUri: "https://auth.example.com", expectedAudience: "https://api.example.com" }]'
};

const MAX_OPTION_PATH = 200;

function isPlain(value: object): boolean {
    const prototype: unknown = Object.getPrototypeOf(value);
    // A prototype with members would add them, unless it is the `Object.prototype` of any realm.
    return (
        prototype === null ||
        (Object.getPrototypeOf(prototype) === null && Object.hasOwn(Object(prototype), "hasOwnProperty"))
    );
}
