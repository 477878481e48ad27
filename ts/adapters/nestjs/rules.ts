/**
 * The decorators of `oidc-spa-native/nestjs` that say the rules of a route, and the rules that come out.
 *
 * In: requirements, a handler and its class. Out: metadata on them; the rules of a route. May use: authorization, guard's
 * types. Never: a claim, a status, a challenge.
 */

import { SetMetadata } from "@nestjs/common";
import type { DpopMode, RequestRules, Requirement } from "../../../index.js";
import { allRoles, allScopes, type ClaimPath } from "../../authorization.js";
import type { RouteRules } from "../../guard/guard.js";

const KEY = "oidc-spa-native:rules";

/** What may be said of a route. What a class and a method of it require, both are required. */
export interface SaidRules extends Pick<RouteRules, "optional" | keyof RequestRules> {
    /** Nobody is asked for credentials. */
    readonly public?: boolean;
    readonly require?: readonly Requirement<never>[];
}

type RouteDecorator = MethodDecorator & ClassDecorator;

/** Nobody is asked for credentials. */
export const Public = (): RouteDecorator => AuthRules({ public: true });

/** A request without credentials passes, and `@Auth()` is `null` then. */
export const OptionalAuth = (): RouteDecorator => AuthRules({ optional: true });

/** Whether a token must, may or must not be bound to a key. */
export const Dpop = (dpop: DpopMode): RouteDecorator => AuthRules({ dpop });

/** What the token must permit, all of it. */
export const Require = (...require: readonly Requirement<never>[]): RouteDecorator => AuthRules({ require });

/** Scopes that the token must have, all of them. */
export const RequireScopes = (...scopes: readonly string[]): RouteDecorator => Require(allScopes(scopes));

/** Roles that the token must have, all of them: `@RequireRoles(["admin"], rolesOf.keycloakRealm)`. */
export const RequireRoles = (roles: readonly string[], path: ClaimPath): RouteDecorator =>
    Require(allRoles(roles, path));

/** Several rules at once. */
export function AuthRules(rules: SaidRules): RouteDecorator {
    return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
        const said = joined(saidOf((descriptor?.value ?? target) as Function), rules);
        const { public: isPublic, ...others } = said;
        if (isPublic === true && Object.keys(others).length > 0) {
            throw new TypeError(
                `oidc-spa-native: what is @Public() asks for no credentials; take that or the rest away: ${Object.keys(others).join(", ")}.`
            );
        }
        SetMetadata(KEY, said)(target, key as string, descriptor as PropertyDescriptor);
    };
}

/**
 * The rules of a route, `null` for a public one. What a method says counts before what its class says, that before
 * what the class extends, and that before the module; what they require adds up. Any rule ends a `public` from further
 * out, and a requirement an `optional`.
 */
export function rulesFor<Claims, Request>(
    controller: Function,
    handler: Function,
    { optional = false, require: required = [], ...ofModule }: RouteRules<Claims, Request>
): RouteRules<Claims, Request> | null {
    const {
        public: isPublic,
        require,
        ...said
    } = [...lineage(controller), handler].map(saidOf).reduce<SaidRules>(
        (outer, inner) => {
            const ended = { ...(inner && { public: false }), ...(inner?.require && { optional: false }) };
            return joined({ ...outer, ...ended }, inner);
        },
        { optional, require: [required].flat() }
    );
    // Of which claims a decorator's requirement is, only the application knows.
    const all = require as readonly Requirement<Claims>[] | undefined;
    return isPublic === true ? null : { ...ofModule, ...said, ...(all && { require: all }) };
}

/** What was said of this one itself: a Reflector would find what a class inherits too, as if it were its own. */
const saidOf = (holder: Function) => Reflect.getOwnMetadata(KEY, holder) as SaidRules | undefined;

/** A class after those that it extends. */
function lineage(controller: Function): Function[] {
    const parent: unknown = Object.getPrototypeOf(controller);
    return typeof parent === "function" && parent !== Function.prototype
        ? [...lineage(parent), controller]
        : [controller];
}

function joined(
    { require: some = [], ...first }: SaidRules = {},
    { require: more = [], ...second }: SaidRules = {}
): SaidRules {
    const require = [...some, ...more];
    return { ...first, ...second, ...(require.length > 0 && { require }) };
}
