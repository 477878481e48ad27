/**
 * The decorators of `oidc-spa-native/nestjs` that say the rules of a route, and the rules that come out.
 *
 * In: requirements, a handler and its class. Out: metadata on them; the rules of a route. May use: authorization, guard's
 * types. Never: a claim, a status, a challenge.
 */

import { SetMetadata } from "@nestjs/common";
import { Reflector } from "@nestjs/core";
import type { DpopMode, Requirement } from "../../index.js";
import { allRoles, allScopes, type ClaimPath } from "../authorization.js";
import type { RouteRules } from "./guard.js";

const KEY = "oidc-spa-native:rules";

/** What may be said of a route. What a class and a method of it require, both are required. */
export interface SaidRules extends Pick<RouteRules, "optional" | "dpop"> {
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
export const RequireRoles = (roles: readonly string[], path: ClaimPath): RouteDecorator => Require(allRoles(roles, path));

/** Several rules at once. */
export function AuthRules(rules: SaidRules): RouteDecorator {
    return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
        const said = saidOf((descriptor?.value ?? target) as Function);
        SetMetadata(KEY, joined(said, rules))(target, key as string, descriptor as PropertyDescriptor);
    };
}

/**
 * The rules of a route, `null` for a public one. What a method says counts before what its class says, and that before
 * the module; what they require adds up. Any rule ends a `public` from further out, and a requirement an `optional`.
 */
export function rulesFor<Claims, Request>(
    controller: Function,
    handler: Function,
    { optional = false, require: required = [], ...ofModule }: RouteRules<Claims, Request>
): RouteRules<Claims, Request> | null {
    const { public: isPublic, require, ...said } = [saidOf(controller), saidOf(handler)].reduce<SaidRules>(
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

const reflector = new Reflector();

const saidOf = (holder: Function) => reflector.get<SaidRules | undefined>(KEY, holder);

function joined({ require: some = [], ...first }: SaidRules = {}, { require: more = [], ...second }: SaidRules = {}): SaidRules {
    const require = [...some, ...more];
    return { ...first, ...second, ...(require.length > 0 && { require }) };
}
