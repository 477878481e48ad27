/**
 * The decorators of `oidc-spa-native/nestjs` for the rules of a route, and the rules that result from them.
 *
 * In: requirements, a handler and its class. Out: metadata on them; the rules of a route. Never: a claim, a status, a
 * challenge.
 */

import type { ExecutionContext } from "@nestjs/common" with { "resolution-mode": "import" };
import type { BindingMode, DpopMode, Rejection, Requirement, Requirements } from "../../../index.js";
import { allRoles, allScopes, anyRole, type ClaimPath } from "../../authorization.js";
import { placeOf, readRules, type Read, type RouteRules } from "../../guard/rules.js";
import { checkNothingBeyond, invalid, kindOf } from "../../validator/members.js";
import type { Respond } from "../../validator/on-refusal.js";
import { shown } from "../../validator/shown.js";

const KEY = "oidc-spa-native:rules";

/** The same on the function itself: code that replaces the function copies its metadata, as is usual with Nest. */
const OF_FUNCTION = "oidc-spa-native:rules-of-function";

/** The rules of a route. The requirements of a class and of its method are both required. */
export interface SaidRules {
    /** The route needs no credentials. */
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
    /** As {@link RouteRules.respond}; it gets Nest's context. Not on gateways, whose messages have no such answer. */
    readonly respond?: Respond<ExecutionContext> | undefined;
    /** As {@link RouteRules.rejection}. Not on gateways, whose refusals are always thrown. */
    readonly rejection?: Rejection | undefined;
}

/** The same, with all requirements in one list. */
interface Said extends Omit<SaidRules, "require"> {
    readonly require?: readonly Requirement<never>[];
}

type RouteDecorator = MethodDecorator & ClassDecorator;

const PLACE = placeOf("AuthRules", '@AuthRules({ require: allScopes(["items:read"]) })', {
    but: ["onRejected", "target", "subprotocolToken", "guardPreflights"],
    and: ["public"]
});

/** The route needs no credentials. */
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

/** Roles, one of which the token must have: `@RequireAnyRole(["admin", "editor"], rolesOf.keycloakRealm)`. */
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
        // The rules of a method are kept by its name, since another decorator may replace the function.
        Reflect.defineMetadata(KEY, said, target, key);
        const method: unknown = descriptor?.value;
        if (typeof method === "function") {
            Reflect.defineMetadata(OF_FUNCTION, said, method);
        }
    };
}

/** `@Public` without parentheses would be called with the class or method, and would have no effect. */
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
 * The rules of a route, `null` for a public one. A method has priority over its class, the class over its base classes,
 * and these over the module; requirements add up. Any rule ends a `public` of an outer place, and a requirement ends an
 * `optional`.
 */
export function rulesFor<Claims, Request>(
    controller: Function,
    handler: Function,
    {
        optional = false,
        require: required,
        respond,
        rejection,
        ...ofModule
    }: Read<RouteRules<Claims, Request>>
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
        own(
            { optional },
            ofAll.length > 0 ? { require: ofAll } : {},
            respond === undefined ? {} : { respond: respond as unknown as Respond<ExecutionContext> },
            rejection === undefined ? {} : { rejection }
        )
    );
    // Only the application knows the claims' type of a decorator's requirement. Each part was checked when the
    // decorator was called.
    return isPublic === true
        ? null
        : ({ ...ofModule, ...said, ...(require && { require }) } as unknown as Read<
              RouteRules<Claims, Request>
          >);
}

/** Whether the route has a rule of a decorator. */
export const isRuled = (controller: Function, handler: Function): boolean =>
    saidFor(controller, handler).some(said => said !== undefined);

const saidFor = (controller: Function, handler: Function) => [
    ...lineage(controller).map(holder => saidOf(holder)),
    ...saidOfMethod(controller, handler)
];

/** The rules of the method with this function, under any name in the class or its base classes. */
function saidOfMethod(controller: Function, handler: Function): Said[] {
    const methods = methodsOf(controller);
    const names = methods.filter(({ method }) => method === handler);
    const said = names.length > 0 ? names.map(({ said }) => said) : [saidOfStranger(controller, handler)];
    // On one method any rule ends a `public`.
    return [saidOf(handler), ...said]
        .filter(one => one !== undefined)
        .sort((a, b) => Number(b.public === true) - Number(a.public === true));
}

interface Method {
    readonly name: string | symbol;
    readonly method: unknown;
    readonly said: Said | undefined;
}

/** The methods of a class and its base classes, each with its rules. An overridden method is another method. */
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
 * The rules of a function that an instance has in the place of a method: a bound function, an arrow function, or a
 * wrapper of another library. Nest calls it by the method's route. Throws if its method is not known.
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

/** The methods of a class with a rule of this module's decorators. */
export const ruledMethodsOf = (controller: Function): readonly Function[] =>
    methodsOf(controller).flatMap(({ method, said }) =>
        said !== undefined && typeof method === "function" ? [method] : []
    );

/** Whether decorators of the class or of its methods say this rule. */
export const saysRule = (controller: Function, rule: keyof SaidRules): boolean =>
    [
        ...lineage(controller).map(holder => saidOf(holder)),
        ...methodsOf(controller).map(({ said }) => said)
    ].some(said => said?.[rule] !== undefined);

/** Whether the class itself has a rule of this module's decorators. */
export const isRuledClass = (controller: Function): boolean => saidOf(controller) !== undefined;

const isHolder = (holder: unknown): holder is object => typeof holder === "object" && holder !== null;

/** The rules of this class or function itself. A Reflector would also return inherited ones. */
function saidOf(holder: object, name?: string | symbol): Said | undefined {
    const said: unknown =
        name === undefined ? Reflect.getOwnMetadata(KEY, holder) : Reflect.getOwnMetadata(KEY, holder, name);
    return said as Said | undefined;
}

/** A class, after its base classes. */
function lineage(controller: Function): Function[] {
    const parent: unknown = Object.getPrototypeOf(controller);
    return typeof parent === "function" && parent !== Function.prototype
        ? [...lineage(parent), controller]
        : [controller];
}

function joined(first: Said = NOTHING, second: Said = NOTHING): Said {
    const require = [...(first.require ?? []), ...(second.require ?? [])];
    return own(withoutOpposite(first, second), second, require.length > 0 ? { require } : {});
}

/** A body of one's own and an error in its place exclude each other: what is said later ends the other. */
function withoutOpposite(first: Said, { respond, rejection }: Said): Said {
    const { respond: body, rejection: way, ...others } = first;
    return own(
        others,
        body === undefined || rejection === "throw" ? {} : { respond: body },
        way === undefined || respond !== undefined ? {} : { rejection: way }
    );
}

/** Joins their own members in one object without a prototype, so that members of `Object.prototype` do not count. */
const own = (...parts: readonly Said[]): Said => Object.assign(Object.create(null), ...parts) as Said;

const NOTHING = Object.freeze(own());
