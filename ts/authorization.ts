/**
 * `oidc-spa-native/authorization`: pure functions that make requirements for a good token.
 *
 * In: names of scopes and roles, predicates, the required strength and age of an authentication. Out: `Requirement`s,
 * which `validator.authorize` and the adapters judge. Never: a status, a header, a token that was not validated, a
 * member that a claim inherits.
 */

import type { Granted, Requirement, Shortfall } from "../index.js";
import {
    checkNothingBeyond,
    invalid,
    kindOf,
    readMembers,
    unexpected,
    type Members
} from "./validator/members.js";
import { denied, isAge, MAX_AGE, NAME } from "./validator/requirements.js";
import { shown } from "./validator/shown.js";
import { isPromise } from "./validator/synchronous.js";

export { allOf } from "./validator/requirements.js";

export type { Requirement, Shortfall };

/** Names of the members that lead to a claim, from the outermost: `["realm_access", "roles"]`. */
export type ClaimPath = readonly [string, ...string[]];

/** How scopes are compared. */
export interface ScopeOptions {
    /** Whether a scope of the token includes another one, such as `admin` includes `read`. Default: never. */
    implies?: ((held: string, required: string) => boolean) | undefined;
}

/** How a user must have signed in (RFC 9470). */
export interface StepUp {
    /** Authentication context classes, one of which is enough, the preferred one first. Compared with `acr`. */
    acrValues?: readonly string[];
    /** Greatest time since the user signed in, in seconds. Compared with `auth_time`. From 0 to 2147483647. */
    maxAgeSeconds?: number;
}

/** The claims in which issuers write roles. Any other claim can be named by its path. */
export const rolesOf = {
    /** Keycloak's roles of the realm. */
    keycloakRealm: ["realm_access", "roles"],
    /** Keycloak's roles of one client. */
    keycloakClient: (clientId: string): ClaimPath => ["resource_access", clientId, "roles"],
    /** Entra ID's app roles. Its scopes (`scp`) are read by {@link allScopes} and {@link anyScope}. */
    entraRoles: ["roles"],
    /** Entra ID's groups. */
    entraGroups: ["groups"],
    /** Auth0's permissions. */
    auth0Permissions: ["permissions"],
    /** RFC 9068 section 2.2.3.1. */
    rfc9068Roles: ["roles"],
    /** RFC 9068 section 2.2.3.1. */
    rfc9068Groups: ["groups"],
    /** RFC 9068 section 2.2.3.1. */
    rfc9068Entitlements: ["entitlements"]
} as const satisfies Record<string, ClaimPath | ((name: string) => ClaimPath)>;

/**
 * The token holds each of these scopes, in `scope` (RFC 8693 section 4.2) or `scp`, as texts or lists. A refusal names
 * all of them.
 *
 * @throws TypeError without a scope, or if one is not a valid scope (RFC 6749 section 3.3)
 * @example
 * ```ts
 * import { allScopes } from "oidc-spa-native/authorization";
 *
 * const mayWrite = allScopes(["items:read", "items:write"]);
 * ```
 */
export function allScopes(
    scopes: readonly string[],
    options: ScopeOptions = {},
    ...beyond: undefined[]
): Requirement {
    checkNothingBeyond(beyond, SCOPE_OPTIONS.example, "allScopes takes a list of scopes and options");
    const required = nameList(scopes, "scopes");
    const holds = scopeReader(options);
    return {
        scopes: required,
        shortfall: granted => {
            const held = scopesOf(granted.rawClaims);
            const missing = required.filter(scope => !holds(held, scope));
            return missing.length === 0
                ? null
                : {
                      code: "scope_insufficient",
                      debugErrorMessage: `Expected the scopes ${quoted(required)}; the access token lacks ${quoted(missing)}`,
                      scopes: required
                  };
        }
    };
}

/**
 * The token holds one of these scopes. A refusal names the first one, so write the one with the fewest permissions
 * first.
 *
 * @throws TypeError as {@link allScopes}
 */
export function anyScope(
    scopes: readonly string[],
    options: ScopeOptions = {},
    ...beyond: undefined[]
): Requirement {
    checkNothingBeyond(beyond, 'anyScope(["read", "admin"])', "anyScope takes a list of scopes and options");
    const accepted = nameList(scopes, "scopes");
    const holds = scopeReader(options);
    const named = accepted.slice(0, 1);
    return {
        scopes: named,
        shortfall: granted => {
            const held = scopesOf(granted.rawClaims);
            return accepted.some(scope => holds(held, scope))
                ? null
                : {
                      code: "scope_insufficient",
                      debugErrorMessage: `Expected one of the scopes ${quoted(accepted)}; the access token has none of them`,
                      scopes: named
                  };
        }
    };
}

/**
 * The token holds each of these roles, in the claim at this path: a list of strings, or a single string. The challenge
 * does not name the roles.
 *
 * @throws TypeError if there is no role or no path
 * @example
 * ```ts
 * import { allRoles, anyRole, rolesOf } from "oidc-spa-native/authorization";
 *
 * const isAdmin = allRoles(["admin"], rolesOf.keycloakRealm);
 * const isEditor = anyRole(["editor", "owner"], ["https://example.com/claims", "roles"]);
 * ```
 */
export function allRoles(roles: readonly string[], path: ClaimPath, ...beyond: undefined[]): Requirement {
    checkNothingBeyond(beyond, ROLES, "allRoles takes a list of roles and a path");
    return roleRequirement(roles, path, "each", (names, holds) => names.every(holds));
}

/** The token holds one of these roles. As {@link allRoles}. */
export function anyRole(roles: readonly string[], path: ClaimPath, ...beyond: undefined[]): Requirement {
    checkNothingBeyond(beyond, ROLES, "anyRole takes a list of roles and a path");
    return roleRequirement(roles, path, "one", (names, holds) => names.some(holds));
}

/**
 * The predicate returns `true` for the claims, as the application's schema typed them. Any other result refuses the
 * request, also a Promise or an error.
 *
 * @param name - name of the requirement, for developers
 */
export function satisfies<Claims = unknown>(
    predicate: (claims: Claims, granted: Granted<Claims>) => boolean,
    name = "the application's predicate",
    ...beyond: undefined[]
): Requirement<Claims> {
    checkNothingBeyond(
        beyond,
        'allOf(satisfies(isOwner, "the owner"), satisfies(isActive, "an active account"))',
        "satisfies takes a predicate and a name"
    );
    if (typeof predicate !== "function") {
        throw invalid(
            `satisfies takes a function of the claims that returns true or false; got ${kindOf(predicate)}. Write ` +
                'satisfies(claims => claims.tenant === "a", "the tenant")'
        );
    }
    if (typeof name !== "string" || name === "") {
        throw invalid(
            `satisfies takes a text as its second argument, the name of what is required; got ${kindOf(name)}`
        );
    }
    return {
        shortfall: granted => {
            const answer: unknown = predicate(granted.claims, granted);
            if (answer === true) {
                return null;
            }
            const why = isPromise(answer, "A predicate of satisfies")
                ? ", which answered with a Promise"
                : "";
            return denied(`The access token does not satisfy ${name}${why}`);
        }
    };
}

/**
 * The user signed in as strongly and as recently as this (RFC 9470). A token without the claim does not fulfil it.
 *
 * @throws TypeError if nothing is asked for, a value holds a space, quote or backslash, or the age is no whole number
 * @example
 * ```ts
 * import { stepUp } from "oidc-spa-native/authorization";
 *
 * const recentMfa = stepUp({ acrValues: ["mfa"], maxAgeSeconds: 300 });
 * ```
 */
export function stepUp(asks: StepUp, ...beyond: undefined[]): Requirement {
    checkNothingBeyond(beyond, STEP_UP.example, "stepUp takes one object");
    const { classes, maxAgeSeconds } = readStepUp(asks);
    const asked = {
        ...(classes === undefined ? {} : { acrValues: classes }),
        ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds })
    };
    return {
        shortfall: ({ rawClaims }, nowSeconds) => {
            const acr = own(rawClaims, "acr");
            const isStrong = classes === undefined || (typeof acr === "string" && classes.includes(acr));
            const time = own(rawClaims, "auth_time");
            const age = typeof time === "number" && Number.isFinite(time) ? nowSeconds - time : undefined;
            const isRecent =
                maxAgeSeconds === undefined ||
                (age !== undefined && age <= maxAgeSeconds && age >= -MAX_AHEAD);
            if (isStrong && isRecent) {
                return null;
            }
            const signedIn = age === undefined ? shownClaim(time) : `${Math.ceil(age)} seconds ago`;
            const lacks = [
                ...(isStrong ? [] : [`acr of ${quoted(classes ?? [])} (it is ${shownClaim(acr)})`]),
                ...(isRecent ? [] : [`auth_time of at most ${maxAgeSeconds} seconds ago (it is ${signedIn})`])
            ];
            return {
                code: "authentication_insufficient",
                debugErrorMessage: `The access token lacks ${lacks.join(" and ")}`,
                ...asked
            };
        }
    };
}

const STEP_UP: Members = {
    of: "stepUp",
    noun: "option",
    names: ["acrValues", "maxAgeSeconds"],
    example: 'stepUp({ acrValues: ["mfa"], maxAgeSeconds: 300 })',
    instead: {
        acr: 'acrValues: ["mfa"]',
        acr_values: 'acrValues: ["mfa"]',
        maxAge: "maxAgeSeconds: 300",
        max_age: "maxAgeSeconds: 300"
    }
};

/** A member with the value undefined would require less than the program means. */
function readStepUp(asks: StepUp): {
    classes: readonly string[] | undefined;
    maxAgeSeconds: number | undefined;
} {
    const read = readMembers(asks, STEP_UP);
    const { acrValues, maxAgeSeconds } = read as StepUp;
    const classes = "acrValues" in read ? nameList(acrValues, "acrValues") : undefined;
    if ("maxAgeSeconds" in read && !isAge(maxAgeSeconds)) {
        throw invalid(
            `stepUp: maxAgeSeconds: expected a whole number of seconds from 0 to ${MAX_AGE}; got ${typeof maxAgeSeconds === "string" ? JSON.stringify(shown(maxAgeSeconds)) : kindOf(maxAgeSeconds)}`
        );
    }
    if (classes === undefined && maxAgeSeconds === undefined) {
        throw invalid(`stepUp needs acrValues, maxAgeSeconds or both. Write ${STEP_UP.example}`);
    }
    return { classes, maxAgeSeconds };
}

/** A claim as a message shows it: by its type, if it is not a text. */
const shownClaim = (value: unknown): string =>
    typeof value === "string" ? JSON.stringify(shown(value)) : value === undefined ? "absent" : kindOf(value);

/** Greatest number of roles of a token in a message. */
const MAX_SHOWN_ROLES = 20;

/** Seconds that another clock may be ahead, as for `iat`. */
const MAX_AHEAD = 60;

function roleRequirement(
    roles: readonly string[],
    path: ClaimPath,
    quantity: "each" | "one",
    isFulfilled: (names: readonly string[], holds: (name: string) => boolean) => boolean
): Requirement {
    const names = stringList(roles, "roles");
    if (path === undefined) {
        throw invalid(
            "the claim that holds the roles is missing. Write, for example, rolesOf.keycloakRealm behind them"
        );
    }
    const members = stringList(path, "the path of a claim");
    return {
        shortfall: ({ rawClaims }) => {
            const held = new Set(stringsAt(rawClaims, members));
            return isFulfilled(names, name => held.has(name))
                ? null
                : {
                      code: "role_insufficient",
                      debugErrorMessage:
                          `Expected ${quantity} of the roles ${quoted(names)} in the claim ${quoted(members)}; ` +
                          `the access token has ${held.size === 0 ? "none there" : quoted([...held].slice(0, MAX_SHOWN_ROLES))}`
                  };
        }
    };
}

const ROLES = 'allRoles(["admin"], rolesOf.keycloakRealm)';

const SCOPE_OPTIONS: Members = {
    of: "allScopes and anyScope",
    noun: "option",
    names: ["implies"],
    example: 'allScopes(["read"], { implies: (held, required) => held === "admin" })'
};

function scopeReader(options: ScopeOptions): (held: readonly string[], required: string) => boolean {
    const { implies } = readMembers(options, SCOPE_OPTIONS) as ScopeOptions;
    if (implies !== undefined && typeof implies !== "function") {
        throw unexpected(
            SCOPE_OPTIONS.noun,
            "implies",
            "a function that returns true or false",
            implies,
            'implies: (held, required) => held === "admin"'
        );
    }
    const stands = (scope: string, required: string): boolean => {
        const answer: unknown = implies?.(scope, required);
        isPromise(answer, "The function implies");
        return answer === true;
    };
    return (held, required) => held.includes(required) || held.some(scope => stands(scope, required));
}

/** `scope` (RFC 8693) and Entra ID's and Okta's `scp`: a text with names between spaces, or a list of names. */
function scopesOf(claims: object): readonly string[] {
    return [own(claims, "scope"), own(claims, "scp")].flatMap(value =>
        Array.isArray(value) ? strings(value) : words(value)
    );
}

const words = (value: unknown): readonly string[] =>
    typeof value === "string" ? value.split(" ").filter(word => word !== "") : [];

/** A list with any value that is not a string counts as a wrong type. */
const strings = (list: readonly unknown[]): readonly string[] =>
    list.every(item => typeof item === "string") ? list : [];

function stringsAt(claims: object, path: readonly string[]): readonly string[] {
    let value: unknown = claims;
    for (const name of path) {
        value = own(value, name);
    }
    // Issuers on .NET write a text instead of a list with one name. The whole text is the name, also with spaces.
    return typeof value === "string" ? [value] : Array.isArray(value) ? strings(value) : [];
}

/** An own member of the claims. Members of a prototype and of a list do not count. */
function own(value: unknown, name: string): unknown {
    return typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
        ? (value as Record<string, unknown>)[name]
        : undefined;
}

function nameList(value: unknown, what: string): readonly string[] {
    const names = stringList(value, what);
    const bad = names.find(name => !NAME.test(name));
    if (bad !== undefined) {
        throw invalid(
            `${what}: expected visible ASCII without space, quote and backslash; got ${JSON.stringify(shown(bad))}`
        );
    }
    return names;
}

/** A copy without repetitions, so that a later change of the list has no effect. */
function stringList(value: unknown, what: string): readonly string[] {
    const items: unknown[] = Array.isArray(value) ? [...(value as unknown[])] : [];
    const bad = items.findIndex(item => typeof item !== "string" || item === "");
    if (items.length === 0 || bad !== -1) {
        const got =
            typeof value === "string"
                ? `the string ${JSON.stringify(shown(value))}. Write all of them as one list: [${JSON.stringify(shown(value))}, …]`
                : bad === -1
                  ? Array.isArray(value)
                      ? "an empty list"
                      : kindOf(value)
                  : `${items[bad] === "" ? "an empty string" : kindOf(items[bad])} as [${bad}]`;
        throw invalid(`${what}: expected a list of one or more strings, none of them empty; got ${got}`);
    }
    return [...new Set(items as string[])];
}

const quoted = (names: readonly string[]): string => names.map(name => JSON.stringify(name)).join(", ");
