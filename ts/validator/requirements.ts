/**
 * Judges the requirements for a good token.
 *
 * In: a grant; requirements of the application, which may have faults. Out: a `Shortfall`, or `null`. Never: a status,
 * a header, an exception for a fault of a requirement.
 */

import type { Granted, Requirement, Requirements, Shortfall } from "../../index.js";
import { invalid, kindOf } from "./members.js";
import { MAX_REPORT, messageOf, shown } from "./shown.js";
import { isPromise, isThenable } from "./synchronous.js";

/**
 * Requires all of these. All are judged, so that the challenge names everything that the client needs. A missing role
 * or permission comes first, since another token would not help. Missing scopes are named together, also beside a
 * step-up.
 */
export function allOf<Claims = unknown>(
    ...requirements: readonly [Requirement<Claims>, ...Requirement<Claims>[]]
): Requirement<Claims> {
    return joined(requirementsOf(requirements, "allOf"));
}

/** The requirement, or all of a list, as a new list, so that a later change of the old list has no effect. */
export function requirementsOf<Claims>(
    given: unknown,
    what: string
): readonly [Requirement<Claims>, ...Requirement<Claims>[]] {
    const all: unknown[] = Array.isArray(given) ? Array.from(given as unknown[]) : [given];
    if (all.length === 0) {
        throw invalid(`${what}: the list of requirements is empty, so anybody would pass. ${FOR_EXAMPLE}`);
    }
    all.forEach((requirement, i) => {
        if (!isRequirement(requirement)) {
            const where = Array.isArray(given) ? `${what}[${i}]` : what;
            const reason =
                typeof requirement === "string"
                    ? `the string ${JSON.stringify(shown(requirement))}`
                    : kindOf(requirement);
            throw invalid(
                `${where}: expected a requirement; got ${isThenable(requirement) ? "a Promise" : reason}. ${FOR_EXAMPLE}`
            );
        }
    });
    return all as [Requirement<Claims>, ...Requirement<Claims>[]];
}

const FOR_EXAMPLE = 'Write allScopes(["items:read"]), of oidc-spa-native/authorization';

function joined<Claims>(requirements: readonly Requirement<Claims>[]): Requirement<Claims> {
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

/** Judges a requirement, or all of a list. A requirement that cannot be judged is not fulfilled. */
export function shortfallOf<Claims>(
    granted: Granted<Claims>,
    requirement: Requirements<Claims>,
    nowSeconds: number
): Shortfall | null {
    return joined<Claims>(requirementsOf(requirement, "the second argument of authorize")).shortfall(
        granted,
        nowSeconds
    );
}

/** The scopes for the challenge of a request without a token. */
export function scopesToAskFor<Claims>(requirement: Requirements<Claims>): readonly string[] {
    const { scopes = [] } = joined<Claims>(requirementsOf(requirement, "the second argument of authorize"));
    return areNames(scopes) ? scopes : [];
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
        if (answer === null) {
            return null;
        }
        if (isPromise(answer, "The function of a requirement")) {
            return denied("A requirement answered with a Promise; it must be synchronous");
        }
        const shortfall = copyOf(answer);
        return isShortfall(shortfall)
            ? { ...shortfall, debugErrorMessage: shown(shortfall.debugErrorMessage, MAX_REPORT) }
            : denied("A requirement answered neither null nor a shortfall");
    } catch (error) {
        return denied(`A requirement threw ${shown(messageOf(error, "what is not an Error"))}`);
    }
}

/** Each member is read once, so that the checked value is the one in the challenge. */
function copyOf(answer: unknown): unknown {
    if (typeof answer !== "object" || answer === null) {
        return answer;
    }
    const { code, debugErrorMessage, scopes, acrValues, maxAgeSeconds } = answer as Partial<Shortfall>;
    const listed = (names: unknown) => (Array.isArray(names) ? Array.from(names as unknown[]) : names);
    return {
        code,
        debugErrorMessage,
        ...(scopes !== undefined && { scopes: listed(scopes) }),
        ...(acrValues !== undefined && { acrValues: listed(acrValues) }),
        ...(maxAgeSeconds !== undefined && { maxAgeSeconds })
    };
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

const isRequirement = (value: unknown): boolean =>
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

/** A value for the challenge must be allowed in a header field. */
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

/** `scope-token` of RFC 6749 section 3.3; an `acr` value is in a list of the same form. */
export const NAME = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
