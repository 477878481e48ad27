/**
 * The option `issuerLookup`: the limits if `issuers` is a function.
 *
 * In: the value of the option. Out: numbers with defaults, or a TypeError. Never: a limit that is not a number.
 */

import type { IssuerLookup } from "../../index.js";
import { invalid, kindOf, readMembers, type Members } from "./members.js";

/** The bounds, each with a value. */
export type LookupBounds = Readonly<Required<{ [name in keyof IssuerLookup]: number }>>;

/** Default, least and most of each. */
const BOUNDS = {
    maxKnown: [1000, 1, 100_000],
    ageSeconds: [300, 1, 86_400],
    maxUnknown: [10_000, 1, 1_000_000],
    unknownAgeSeconds: [60, 1, 3600],
    maxPerSecond: [50, 1, 10_000],
    maxAtOnce: [16, 1, 1000],
    timeoutMs: [3000, 10, 60_000]
} as const satisfies Record<keyof IssuerLookup, readonly [number, number, number]>;

const NAMES = Object.keys(BOUNDS) as readonly (keyof IssuerLookup)[];

const MEMBERS: Members = {
    of: "issuerLookup",
    noun: "option",
    names: NAMES,
    example: "issuerLookup: { maxKnown: 1000, ageSeconds: 300 }"
};

export function lookupBounds(option: unknown): LookupBounds {
    const given = option === undefined ? {} : readMembers(option, MEMBERS);
    const entries = NAMES.map(name => [name, boundOf(name, (given as Record<string, unknown>)[name])]);
    return Object.fromEntries(entries) as LookupBounds;
}

function boundOf(name: keyof IssuerLookup, value: unknown): number {
    const [otherwise, least, most] = BOUNDS[name];
    if (value === undefined) {
        return otherwise;
    }
    if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
        throw invalid(
            `issuerLookup.${name}: expected a whole number from ${least} to ${most}; got ${kindOf(value)}`
        );
    }
    return value;
}
