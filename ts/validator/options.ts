/**
 * Options and rules as JavaScript hands them over: what of them is read here, and a copy that JSON carries without loss.
 *
 * In: what a program wrote. Out: values of the types that `index.d.ts` names, or a TypeError. May use: members. Never: a
 * default, an option that vanishes in silence.
 */

import type { DpopMode, RequestRules } from "../../index.js";
import { invalid, kindOf, readMembers, type Members } from "./members.js";
import { shown } from "./shown.js";
import { isPromise } from "./synchronous.js";

const DPOP_MODES: readonly unknown[] = ["allowed", "required", "disabled"] satisfies DpopMode[];

const REQUEST_RULES: Members = {
    of: "a request",
    noun: "rule",
    names: ["dpop"],
    example: '{ dpop: "required" }'
};

/** The mode that the rules of a request name. A rule that is misspelt must not vanish. */
export function dpopModeOf(rules: RequestRules | undefined): DpopMode | null {
    if (rules === undefined) {
        return null;
    }
    const known = modes.get(rules);
    if (known !== undefined) {
        return known;
    }
    const mode = dpopMode(readMembers(rules, REQUEST_RULES).dpop);
    if (Object.isFrozen(rules)) {
        modes.set(rules, mode);
    }
    return mode;
}

/** Of rules that cannot change any more, such as a guard's: they are read once, not with each request. */
const modes = new WeakMap<object, DpopMode | null>();

/** A mode, or `null` where none is named. */
export function dpopMode(dpop: unknown): DpopMode | null {
    if (dpop !== undefined && !DPOP_MODES.includes(dpop)) {
        throw invalid(
            `the rule "dpop" must be "allowed", "required" or "disabled"; got ${typeof dpop === "string" ? JSON.stringify(shown(dpop)) : kindOf(dpop)}`
        );
    }
    return (dpop as DpopMode | undefined) ?? null;
}

export function clockReader(clock: () => number): () => number {
    if (typeof clock !== "function") {
        throw new TypeError(
            `oidc-spa-native: clock must be a function that returns milliseconds, but ${kindOf(clock)} was given. ` +
                "For example: clock: () => Date.now()."
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
        `oidc-spa-native: the option "${path}" is ${kindOf(value)}. Options are strings, finite numbers, booleans, lists ` +
            'and plain objects, for example expectedAudience: "https://api.example.com".'
    );
}

const MAX_OPTION_PATH = 200;

function isPlain(value: object): boolean {
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === null || Object.getPrototypeOf(prototype) === null;
}
