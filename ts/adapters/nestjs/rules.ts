/**
 * The decorators of `oidc-spa-native/nestjs` that say the rules of a route, and the rules that come out.
 *
 * In: requirements, a handler and its class. Out: metadata on them; the rules of a route. Never: a claim, a status, a
 * challenge.
 */

import type { BindingMode, DpopMode, Requirement, Requirements } from "../../../index.js";
import { allRoles, allScopes, anyRole, type ClaimPath } from "../../authorization.js";
import { placeOf, readRules, type Read, type RouteRules } from "../../guard/rules.js";
import { checkNothingBeyond, invalid, kindOf } from "../../validator/members.js";
import { shown } from "../../validator/shown.js";

const KEY = "oidc-spa-native:rules";

/** The same on the function itself: who puts another one into its place copies what is there, as is usual with Nest. */
const OF_FUNCTION = "oidc-spa-native:rules-of-function";

/** What may be said of a route. What a class and a method of it require, both are required. */
export interface SaidRules {
    /** Nobody is asked for credentials. */
    readonly public?: boolean | undefined;
    /** As {@link RouteRules.optional}. */
    readonly optional?: boolean | undefined;
    /** As {@link RouteRules.dpop}. */
    readonly dpop?: DpopMode | undefined;
    /** As {@link RouteRules.certificate}. */
    readonly certificate?: BindingMode | undefined;
    /** As {@link RouteRules.senderConstrained}. */
    readonly senderConstrained?: BindingMode | undefined;
    /** As {@link RouteRules.require}. */
    readonly require?: Requirements<never>;
}

/** The same, with all requirements in one list. */
interface Said extends Omit<SaidRules, "require"> {
    readonly require?: readonly Requirement<never>[];
}

type RouteDecorator = MethodDecorator & ClassDecorator;

const PLACE = placeOf("AuthRules", '@AuthRules({ require: allScopes(["items:read"]) })', {
    but: ["onRejected", "respond", "rejection", "target", "subprotocolToken", "guardPreflights"],
    and: ["public"]
});

/** Nobody is asked for credentials. */
export const Public = (...none: undefined[]): RouteDecorator => {
    checkCalled(none, "Public");
    return AuthRules({ public: true });
};

/** A request without credentials passes, and `@Auth()` is `null` then. */
export const OptionalAuth = (...none: undefined[]): RouteDecorator => {
    checkCalled(none, "OptionalAuth");
    return AuthRules({ optional: true });
};

/** Whether a token must, may or must not be bound to a key. */
export const Dpop = (dpop: DpopMode, ...beyond: undefined[]): RouteDecorator => {
    checkNothingBeyond(beyond, '@Dpop("required")', "@Dpop takes a mode");
    if (dpop === undefined) {
        throw invalid(
            '@Dpop takes "allowed", "required" or "disabled"; got undefined. Write @Dpop("required")'
        );
    }
    return AuthRules({ dpop });
};

/** What the token must permit, all of it. */
export const Require = (...require: readonly [Requirement<never>, ...Requirement<never>[]]): RouteDecorator =>
    AuthRules({ require });

/** Scopes that the token must have, all of them. */
export const RequireScopes = (...scopes: readonly [string, ...string[]]): RouteDecorator => {
    checkNames(scopes, '@RequireScopes("items:read", "items:write")');
    return Require(allScopes(scopes));
};

/** Roles that the token must have, all of them: `@RequireRoles(["admin"], rolesOf.keycloakRealm)`. */
export const RequireRoles = (
    roles: readonly string[],
    path: ClaimPath,
    ...beyond: undefined[]
): RouteDecorator => Require(allRoles(roles, path, ...beyond));

/** Roles of which the token must have one: `@RequireAnyRole(["admin", "editor"], rolesOf.keycloakRealm)`. */
export const RequireAnyRole = (
    roles: readonly string[],
    path: ClaimPath,
    ...beyond: undefined[]
): RouteDecorator => Require(anyRole(roles, path, ...beyond));

/** Several rules at once. */
export function AuthRules(rules: SaidRules, ...beyond: undefined[]): RouteDecorator {
    checkNothingBeyond(beyond, PLACE.example, "@AuthRules takes one object of rules");
    const given: Said = readRules<Said>(rules, PLACE);
    return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
        const said = joined(saidOf(target, key), given);
        const { public: isPublic, ...others } = said;
        if (isPublic === true && Object.keys(others).length > 0) {
            throw invalid(
                `what is @Public() asks for no credentials; take that or the rest away: ${Object.keys(others).join(", ")}`
            );
        }
        if (key === undefined) {
            Reflect.defineMetadata(KEY, said, target);
            return;
        }
        // Of a method by its name: another decorator may put a function of its own into its place.
        Reflect.defineMetadata(KEY, said, target, key);
        const method: unknown = descriptor?.value;
        if (typeof method === "function") {
            Reflect.defineMetadata(OF_FUNCTION, said, method);
        }
    };
}

/** `@Public` without parentheses would be called with what it stands at, and say nothing of it. */
export function checkCalled(given: readonly unknown[], name: string): void {
    if (given.length > 0) {
        throw invalid(`@${name}() takes nothing; got ${kindOf(given[0])}. Write @${name}()`);
    }
}

function checkNames(names: readonly unknown[], example: string): void {
    if (names.length === 0 || Array.isArray(names[0])) {
        throw invalid(
            `expected one or more names; got ${names.length === 0 ? "none" : "a list"}. Write ${example}`
        );
    }
}

/**
 * The rules of a route, `null` for a public one. What a method says counts before what its class says, that before
 * what the class extends, and that before the module; what they require adds up. Any rule ends a `public` from further
 * out, and a requirement an `optional`.
 */
export function rulesFor<Claims, Request>(
    controller: Function,
    handler: Function,
    { optional = false, require: required, ...ofModule }: Read<RouteRules<Claims, Request>>
): Read<RouteRules<Claims, Request>> | null {
    const ofAll = required === undefined ? [] : ([required].flat() as Requirement<never>[]);
    const {
        public: isPublic,
        require,
        ...said
    } = saidFor(controller, handler).reduce<Said>(
        (outer, inner = NOTHING) => {
            const ended = {
                ...(inner !== NOTHING && { public: false }),
                ...(inner.require && { optional: false })
            };
            return joined(own(outer, ended), inner);
        },
        own({ optional }, ofAll.length > 0 ? { require: ofAll } : {})
    );
    // Of which claims a decorator's requirement is, only the application knows. Each part was read where it was written.
    return isPublic === true
        ? null
        : ({ ...ofModule, ...said, ...(require && { require }) } as unknown as Read<
              RouteRules<Claims, Request>
          >);
}

/** Whether a decorator says anything of the route. */
export const isRuled = (controller: Function, handler: Function): boolean =>
    saidFor(controller, handler).some(said => said !== undefined);

const saidFor = (controller: Function, handler: Function) => [
    ...lineage(controller).map(holder => saidOf(holder)),
    ...saidOfMethod(controller, handler)
];

/** What was said of the method that this function is, by whatever name it stands in the class or in what that extends. */
function saidOfMethod(controller: Function, handler: Function): Said[] {
    const methods = methodsOf(controller);
    const names = methods.filter(({ method }) => method === handler);
    const said = names.length > 0 ? names.map(({ said }) => said) : [saidOfStranger(controller, handler)];
    // Of one method any rule ends a `public`.
    return [saidOf(handler), ...said]
        .filter(one => one !== undefined)
        .sort((a, b) => Number(b.public === true) - Number(a.public === true));
}

interface Method {
    readonly name: string | symbol;
    readonly method: unknown;
    readonly said: Said | undefined;
}

/** The methods of a class and of what it extends, each with what was said of it. What is overridden is another method. */
function methodsOf(controller: Function): readonly Method[] {
    const methods = new Map<string | symbol, Method>();
    for (
        let holder: unknown = controller.prototype;
        isHolder(holder);
        holder = Object.getPrototypeOf(holder)
    ) {
        for (const name of Reflect.ownKeys(holder)) {
            const method: unknown = Object.getOwnPropertyDescriptor(holder, name)?.value;
            methods.has(name) || methods.set(name, { name, method, said: saidOf(holder, name) });
        }
    }
    return [...methods.values()];
}

/**
 * What was said of a function that the instance has in the place of a method: one that is bound, or an arrow function, or
 * another library's around it. Nest calls that one by the method's route. Throws where it is not known whose place it has.
 */
function saidOfStranger(controller: Function, handler: Function): Said | undefined {
    const copied: unknown = Reflect.getOwnMetadata(OF_FUNCTION, handler);
    if (copied !== undefined) {
        return copied as Said;
    }
    const ruled = methodsOf(controller).filter(({ said }) => said !== undefined);
    const name = handler.name.replace(/^(bound )+/, "");
    const named = methodsOf(controller).find(method => method.name === name);
    if (named === undefined && ruled.length > 0) {
        throw invalid(
            `${controller.name} has the function ${JSON.stringify(shown(handler.name))} in the place of a method, so that what ` +
                `decorators say of the method is lost. They speak of ${ruled.map(({ name }) => String(name)).join(", ")}. ` +
                "Let the function have the method's name, or copy the method's metadata to it"
        );
    }
    return named?.said;
}

/** The methods of a class of which a decorator of this module says a rule. */
export const ruledMethodsOf = (controller: Function): readonly Function[] =>
    methodsOf(controller).flatMap(({ method, said }) =>
        said !== undefined && typeof method === "function" ? [method] : []
    );

/** Whether a decorator of this module says a rule of the class itself. */
export const isRuledClass = (controller: Function): boolean => saidOf(controller) !== undefined;

const isHolder = (holder: unknown): holder is object => typeof holder === "object" && holder !== null;

/** What was said of this one itself: a Reflector would find what a class inherits too, as if it were its own. */
function saidOf(holder: object, name?: string | symbol): Said | undefined {
    const said: unknown =
        name === undefined ? Reflect.getOwnMetadata(KEY, holder) : Reflect.getOwnMetadata(KEY, holder, name);
    return said as Said | undefined;
}

/** A class after those that it extends. */
function lineage(controller: Function): Function[] {
    const parent: unknown = Object.getPrototypeOf(controller);
    return typeof parent === "function" && parent !== Function.prototype
        ? [...lineage(parent), controller]
        : [controller];
}

function joined(first: Said = NOTHING, second: Said = NOTHING): Said {
    const require = [...(first.require ?? []), ...(second.require ?? [])];
    return own(first, second, require.length > 0 ? { require } : {});
}

/** Their own members in one, without a prototype: what another script puts on `Object.prototype` says nothing. */
const own = (...parts: readonly Said[]): Said => Object.assign(Object.create(null), ...parts) as Said;

const NOTHING = Object.freeze(own());
