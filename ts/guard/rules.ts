/**
 * The only reader of the rules of a route, for every adapter and decorator.
 *
 * In: the rules of a program, and their place. Out: the rules as checked own members; or a TypeError with the correct
 * line. Never: a rule that is ignored.
 */

import type {
    AccessTokenClaims,
    RefusalBody,
    Refused,
    Rejection,
    RequestRules,
    RequestTarget,
    Requirements
} from "../../index.js";
import { checkAnswering } from "../validator/on-refusal.js";
import {
    checkNothingBeyond,
    invalid,
    kindOf,
    readMembers,
    unexpected,
    type Members
} from "../validator/members.js";
import { numberOf, REQUEST_RULES, rulesOfRoute } from "../validator/options.js";
import { requirementsOf, scopesToAskFor } from "../validator/requirements.js";

/** The rules of a route. */
export interface RouteRules<Claims = AccessTokenClaims, Request = unknown, Optional extends boolean = boolean>
    extends RequestRules {
    /** Let a request without credentials pass: `auth` is `null` then. Bad credentials do not pass. Default `false`. */
    optional?: Optional | undefined;
    /**
     * What the token must permit, all of it. Judged only for a good token. Leave it out if nothing is required: an
     * empty list and `undefined` are errors.
     */
    require?: Requirements<Claims>;
    /**
     * Called with each refusal of this route, to log it, before the validator's `onRejected`. If it throws, the process
     * warns, and the answer does not change.
     */
    onRejected?: ((refusal: Refused, request: Request) => void) | undefined;
    /**
     * The body of a refusal's response, in the place of the problem document: a text, an object (JSON), or
     * `{ contentType, body }`. Status and challenge stay as they are. Where it throws, or returns a Promise or anything else,
     * the problem document is sent, and a warning says so once. Default: the validator's.
     */
    respond?: ((refusal: Refused, request: Request) => RefusalBody) | undefined;
    /**
     * `"throw"`: the framework's own error handler gets a `RefusedError`, and makes the response. The request does not pass. Default: as
     * the validator says, `"respond"`.
     */
    rejection?: Rejection | undefined;
    /** The request's method and URL as the client saw it, if the framework's request does not have them. */
    target?: ((request: Request) => RequestTarget) | undefined;
    /**
     * Take a token from the subprotocols of an upgrade to WebSocket too, `authorization_bearer_` before it. Default
     * `false`; `/websocket` does so always.
     */
    subprotocolToken?: boolean | undefined;
    /**
     * Judge CORS preflights too. Default `true`: put CORS middleware before the guard, which answers them. With `false`
     * they pass without a check and without `auth`: every client can send one.
     */
    guardPreflights?: boolean | undefined;
}

/**
 * The same type without inference: the validator decides the type of the claims. It works also before TypeScript 5.4.
 */
export type Fixed<Type> = [Type][Type extends unknown ? 0 : never];

declare const READ: unique symbol;

/** Rules that {@link readRules} has read: a guard accepts no others. */
export type Read<Rules> = Rules & { readonly [READ]: true };

type RuleName = keyof RouteRules | "closeAtExpiry" | "public";

/** The place of rules: a function or decorator, and the rules that it takes. */
export interface Place extends Members {
    readonly noun: "rule";
    readonly names: readonly RuleName[];
}

const OF_A_ROUTE: readonly RuleName[] = [
    "optional",
    "require",
    "onRejected",
    "respond",
    "rejection",
    "target",
    "subprotocolToken",
    "guardPreflights",
    ...REQUEST_RULES
];

const SCOPES = 'require: allScopes(["items:read"])';
const OF_A_VALIDATOR =
    "protect(createValidator({ issuerUri, expectedAudience }), rules): it is an option of a validator";
const ROLES = 'require: allRoles(["admin"], rolesOf.keycloakRealm)';

/** The probably intended rule for a wrong name. */
const INSTEAD = {
    scope: SCOPES,
    scopes: SCOPES,
    requiredScopes: SCOPES,
    roles: ROLES,
    requires: SCOPES,
    required: "optional: false, which is the default; or what the token must permit as require",
    public: "@Public() with NestJS; elsewhere leave the guard away",
    global: "AuthModule.forRoot(validator, {}, { global: false })",
    closeAtExpiry: "it as a rule of oidc-spa-native/websocket",
    issuerUri: OF_A_VALIDATOR,
    issuer: OF_A_VALIDATOR,
    issuerBaseURL: OF_A_VALIDATOR,
    expectedAudience: OF_A_VALIDATOR,
    audience: OF_A_VALIDATOR,
    clockTolerance: OF_A_VALIDATOR,
    algorithms: OF_A_VALIDATOR,
    validateRequest: "the validator first, the rules second"
} as const;

/** A place for rules. `but` names rules that make no sense there, `and` further rules. */
export function placeOf(
    of: string,
    example: string,
    { but = [], and = [] }: { but?: readonly RuleName[]; and?: readonly RuleName[] } = {}
): Place {
    const names = [...OF_A_ROUTE.filter(name => !but.includes(name)), ...and];
    const instead: Record<string, string> = { ...INSTEAD };
    for (const name of but) {
        instead[name] = `nothing in its place: ${of} decides it`;
    }
    return { of, noun: "rule", names, example, instead };
}

/** Reads rules. Throws TypeError if a rule is unknown or inherited, or has a wrong value. */
export function readRules<Rules extends object>(given: unknown, place: Place): Read<Rules> {
    const rules = readMembers(given, place);
    const read: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const [name, value] of Object.entries(rules)) {
        const rule = readRule(name as RuleName, value, place);
        // An undefined rule must not replace a rule of an outer place.
        if (rule !== undefined) {
            read[name] = rule;
        }
    }
    checkAnswering("rule", read);
    return read as Read<Rules>;
}

function readRule(name: RuleName, value: unknown, { of, example }: Place): unknown {
    switch (name) {
        case "require":
            if (value === undefined) {
                throw invalid(
                    `${of}: the rule "require" is undefined, so whoever has a good token would pass. Leave it out where that ` +
                        'is meant, or write require: allScopes(["items:read"])'
                );
            }
            return requirementsOf(value, 'the rule "require"');
        case "dpop":
        case "certificate":
        case "senderConstrained":
            numberOf(name, value);
            return value;
        case "respond":
        case "rejection":
            return value; // read together, by checkAnswering
        case "onRejected":
        case "target":
            return ofType("function", name, value, example);
        default:
            return ofType("boolean", name, value, example);
    }
}

/**
 * The rules of a route that the validator judges, and the scopes for its challenge. There is always an object if the
 * validator must know that a guard asks.
 */
export function requestRulesOf<Claims>(
    rules: RequestRules,
    require: Requirements<Claims> | undefined,
    mustSayOfGuard = false
): RequestRules | undefined {
    const own = REQUEST_RULES.filter(name => Object.hasOwn(rules, name) && rules[name] !== undefined);
    const scopes = require === undefined ? [] : scopesToAskFor(require);
    return own.length === 0 && scopes.length === 0 && !mustSayOfGuard
        ? undefined
        : rulesOfRoute(Object.fromEntries(own.map(name => [name, rules[name]])), scopes);
}

function ofType(type: "function" | "boolean", name: string, value: unknown, example: string): unknown {
    if (value !== undefined && typeof value !== type) {
        throw unexpected("rule", name, `a ${type}`, value, example);
    }
    return value;
}

/** The last argument: the route's own code. */
export function checkHandler(handler: unknown, example: string): void {
    if (typeof handler !== "function") {
        throw invalid(`protect takes the handler last, a function; got ${kindOf(handler)}. Write ${example}`);
    }
}

/** As {@link checkNothingBeyond}, of a function that takes a validator and rules. */
export function checkNoMore(
    beyond: readonly unknown[],
    example: string,
    takes = "protect takes a validator and rules"
): void {
    checkNothingBeyond(beyond, example, takes);
}
