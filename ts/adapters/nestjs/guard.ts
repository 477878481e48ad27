/**
 * The guard of `oidc-spa-native/nestjs`, and the filter that sends its refusals.
 *
 * In: the module's settings, Nest's context of a call. Out: passed, or an exception. Never: a claim, a status, a
 * challenge.
 */

import { Catch, Inject, Injectable } from "@nestjs/common";
import type { ArgumentsHost, CanActivate, ExecutionContext } from "@nestjs/common" with {
    "resolution-mode": "import"
};
import type { Granted, Validator } from "../../../index.js";
import { createGuard, type Guard as AnyGuard } from "../../guard/guard.js";
import type { Read, RouteRules } from "../../guard/rules.js";
import { invalid } from "../../validator/members.js";
import { endAtExpiry } from "./connection.js";
import { carrierOf, incomingOf, Refusal, refusalOn, send, setOn } from "./context.js";
import { isRuled, rulesFor } from "./rules.js";

type Guard = AnyGuard<unknown, ExecutionContext, boolean>;
type Rules = Read<RouteRules<unknown, ExecutionContext>>;

export const SETTINGS = Symbol("oidc-spa-native:settings");
export type Settings = {
    readonly validator: Validator<unknown>;
    readonly rules: Rules;
    /** Every route is guarded, not only routes with a decorator. */
    readonly global: boolean;
    readonly closeAtExpiry: boolean;
};

/** The grants, by the object that lives as long as a call. A value that other code put on a request does not count. */
const found = new WeakMap<object, unknown>();

/**
 * The grant of a call that a guard of this module let pass. `null` for a request without credentials, where the route
 * allows it.
 */
export function authOf(context: ExecutionContext): unknown {
    const carrier = carrierOf(context);
    if (!found.has(carrier)) {
        throw invalid(
            `@Auth() of ${context.getClass().name}.${context.getHandler().name}: no guard has let this call pass. Import ` +
                "AuthModule.forRoot(…), or write @UseGuards(AuthGuard) where the module is not global or guards do not reach"
        );
    }
    return found.get(carrier) ?? null;
}

/** Judges calls by the rules of their routes. */
class RouteGuard implements CanActivate {
    /** By class and method, since several classes may inherit a method. `null` for a public one. */
    readonly #guards = new WeakMap<Function, WeakMap<Function, Guard | null>>();

    readonly #watched = new WeakMap<object, Granted<unknown>>();

    constructor(protected readonly settings: Settings) {}

    async canActivate(context: ExecutionContext): Promise<true> {
        const guard = this.#guardOf(context.getClass(), context.getHandler());
        const carrier = carrierOf(context);
        if (guard !== null) {
            const outcome = await guard(incomingOf(context));
            if (!outcome.passed) {
                throw await refusalOn(context, outcome);
            }
            carrier.auth = outcome.auth;
            found.set(carrier, outcome.auth);
            const { validator, closeAtExpiry } = this.settings;
            if (closeAtExpiry && outcome.auth !== null) {
                endAtExpiry(validator, context, outcome.auth, this.#watched);
            }
            setOn(context, outcome.headers);
        } else if (typeof carrier === "object" && carrier !== null && !found.has(carrier)) {
            found.set(carrier, null);
        }
        return true;
    }

    protected rulesOf(controller: Function, handler: Function): Rules | null {
        return rulesFor(controller, handler, this.settings.rules);
    }

    #guardOf(controller: Function, handler: Function): Guard | null {
        const known = this.#guards.get(controller) ?? new WeakMap<Function, Guard | null>();
        const rules = known.has(handler) ? null : this.rulesOf(controller, handler);
        const guard = known.get(handler) ?? (rules && createGuard(this.settings.validator, rules));
        this.#guards.set(controller, known.set(handler, guard));
        return guard;
    }
}

/**
 * The guard of `@UseGuards(AuthGuard)`: of a controller where the module is not global, of gateways, which global
 * guards do not reach. It requires credentials, independent of the module's default; `@OptionalAuth()` and `@Public()`
 * beside it count.
 */
export class AuthGuard extends RouteGuard {
    protected override rulesOf(controller: Function, handler: Function): Rules | null {
        return rulesFor(
            controller,
            handler,
            Object.assign(Object.create(null), this.settings.rules, { optional: false })
        );
    }
}

/**
 * The guard of every route; if the module is not global, of routes with a decorator, so that no rule is without effect.
 */
export class ModuleGuard extends RouteGuard {
    override async canActivate(context: ExecutionContext): Promise<true> {
        const isJudged = this.settings.global || isRuled(context.getClass(), context.getHandler());
        return isJudged ? super.canActivate(context) : true;
    }
}

/** Sends the guard's refusal, unless a filter of the application does. */
export class RefusalFilter {
    catch(refusal: Refusal, host: ArgumentsHost): unknown {
        return host.getType() === "http" ? send(host, refusal.toSend) : refusal;
    }
}

// Without decorator syntax, which needs options of the compiler.
for (const guard of [AuthGuard, ModuleGuard]) {
    Injectable()(guard);
    Inject(SETTINGS)(guard, undefined, 0);
}
Catch(Refusal)(RefusalFilter);
