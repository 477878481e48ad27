/**
 * Judges what a good token must permit.
 *
 * In: a grant; requirements of the application, which may do anything. Out: a `Shortfall`, or `null`. May use: schema.
 * Never: a status, a header, an exception for what a requirement does.
 */

import type { Granted, Requirement, Shortfall } from "../../index.js";
import { messageOf } from "./schema.js";

/**
 * Every one of these. All are judged, and the client is told everything that it can get: a missing role or permission
 * comes first, since no other token would help; scopes are told together, and beside a step-up.
 */
export function allOf<Claims = unknown>(
    ...requirements: readonly Requirement<Claims>[]
): Requirement<Claims> {
    if (requirements.length === 0 || !requirements.every(isRequirement)) {
        throw invalid('expected one or more requirements, such as allScopes(["read"])');
    }
    const scopes = [...new Set(requirements.flatMap(({ scopes = [] }) => scopes))];
    return {
        ...(scopes.length === 0 ? {} : { scopes }),
        shortfall: (granted, nowSeconds) => {
            const found = requirements.map(requirement => judge(requirement, granted, nowSeconds));
            return merge(
                found.filter(shortfall => shortfall !== null),
                scopes
            );
        }
    };
}

/** Judges a requirement, or all of a list. Fail-closed: what cannot be judged is not fulfilled. */
export function shortfallOf<Claims>(
    granted: Granted<Claims>,
    requirement: Requirement<Claims> | readonly Requirement<Claims>[],
    nowSeconds: number
): Shortfall | null {
    return joined(requirement).shortfall(granted, nowSeconds);
}

/** The scopes to ask for, told to a client that has no token yet. */
export function scopesToAskFor<Claims>(
    requirement: Requirement<Claims> | readonly Requirement<Claims>[]
): readonly string[] {
    const { scopes = [] } = joined(requirement);
    return areNames(scopes) ? scopes : [];
}

function joined<Claims>(
    requirement: Requirement<Claims> | readonly Requirement<Claims>[]
): Requirement<Claims> {
    const all = Array.isArray(requirement)
        ? (requirement as readonly Requirement<Claims>[])
        : [requirement as Requirement<Claims>];
    return allOf(...all);
}

const CODES: readonly unknown[] = [
    "permission_insufficient",
    "role_insufficient",
    "authentication_insufficient",
    "scope_insufficient"
] satisfies Shortfall["code"][];

function judge<Claims>(
    requirement: Requirement<Claims>,
    granted: Granted<Claims>,
    nowSeconds: number
): Shortfall | null {
    try {
        const answer: Shortfall | null = requirement.shortfall(granted, nowSeconds);
        if (answer === null || isShortfall(answer)) {
            return answer;
        }
        return denied("A requirement answered neither null nor a shortfall");
    } catch (error) {
        return denied(`A requirement threw ${messageOf(error, "what is not an Error")}`);
    }
}

function merge(found: readonly Shortfall[], scopes: readonly string[]): Shortfall | null {
    const [first] = [...found].sort((a, b) => CODES.indexOf(a.code) - CODES.indexOf(b.code));
    if (
        first === undefined ||
        first.code === "permission_insufficient" ||
        first.code === "role_insufficient"
    ) {
        return first ?? null;
    }
    const lacksScope = found.some(({ code }) => code === "scope_insufficient");
    const named = lacksScope ? [...new Set([...scopes, ...found.flatMap(({ scopes = [] }) => scopes)])] : [];
    const acrValues = [...new Set(found.flatMap(({ acrValues = [] }) => acrValues))];
    const ages = found.flatMap(({ maxAgeSeconds }) => maxAgeSeconds ?? []);
    return {
        code: first.code,
        debugErrorMessage: found.map(({ debugErrorMessage }) => debugErrorMessage).join(". "),
        ...(named.length === 0 ? {} : { scopes: named }),
        ...(acrValues.length === 0 ? {} : { acrValues }),
        ...(ages.length === 0 ? {} : { maxAgeSeconds: Math.min(...ages) })
    };
}

export const denied = (debugErrorMessage: string): Shortfall => ({
    code: "permission_insufficient",
    debugErrorMessage
});

export const isRequirement = (value: unknown): boolean =>
    typeof value === "object" &&
    value !== null &&
    "shortfall" in value &&
    typeof value.shortfall === "function";

export const MAX_AGE = 2_147_483_647;

export const isAge = (value: unknown): boolean =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_AGE;

const areNames = (value: unknown): boolean =>
    value === undefined ||
    (Array.isArray(value) && value.every(name => typeof name === "string" && NAME.test(name)));

/** What stands in the challenge must be able to. */
function isShortfall(value: unknown): value is Shortfall {
    if (typeof value !== "object" || value === null) {
        return false;
    }
    const { code, debugErrorMessage, scopes, acrValues, maxAgeSeconds } = value as Partial<Shortfall>;
    return (
        CODES.includes(code) &&
        typeof debugErrorMessage === "string" &&
        areNames(scopes) &&
        areNames(acrValues) &&
        (maxAgeSeconds === undefined || isAge(maxAgeSeconds))
    );
}

/** `scope-token` of RFC 6749 section 3.3; an `acr` value stands in a list of the same kind. */
export const NAME = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

export const invalid = (message: string): TypeError => new TypeError(`oidc-spa-native: ${message}.`);
