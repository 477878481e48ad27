/**
 * The guard of `oidc-spa-native/nestjs`, and the filter that sends what it refuses.
 *
 * In: the module's settings, Nest's context of a call. Out: passed, or an exception. May use: guard, nestjs-context,
 * nestjs-rules. Never: a claim, a status, a challenge.
 */

import { Catch, Inject, Injectable } from "@nestjs/common";
import type { ArgumentsHost, CanActivate, ExecutionContext } from "@nestjs/common" with {
    "resolution-mode": "import"
};
import type { Granted, Validator } from "../../../index.js";
import { newGuard, type Guard as AnyGuard, type RouteRules } from "../../guard/guard.js";
import { endAtExpiry } from "./connection.js";
import { carrierOf, incomingOf, Refusal, refusalOn, send, setOn } from "./context.js";
import { rulesFor } from "./rules.js";

type Guard = AnyGuard<unknown, ExecutionContext, boolean>;

export const SETTINGS = Symbol("oidc-spa-native:settings");
export type Settings = {
    readonly validator: Validator<unknown>;
    readonly rules: RouteRules<unknown, ExecutionContext>;
    readonly closeAtExpiry: boolean;
};

/** The guard of every route; and with `@UseGuards(AuthGuard)` of gateways, which global guards do not reach. */
export class AuthGuard implements CanActivate {
    /** By class and method, since several classes may inherit a method. `null` for a public one. */
    readonly #guards = new WeakMap<Function, WeakMap<Function, Guard | null>>();

    readonly #watched = new WeakMap<object, Granted<unknown>>();

    constructor(private readonly settings: Settings) {}

    async canActivate(context: ExecutionContext): Promise<true> {
        const guard = this.#guardOf(context.getClass(), context.getHandler());
        if (guard !== null) {
            const outcome = await guard(incomingOf(context));
            if (!outcome.passed) {
                throw await refusalOn(context, outcome.response);
            }
            carrierOf(context).auth = outcome.auth;
            const { validator, closeAtExpiry } = this.settings;
            if (closeAtExpiry && outcome.auth !== null) {
                endAtExpiry(validator, context, outcome.auth, this.#watched);
            }
            setOn(context, outcome.headers);
        }
        return true;
    }

    #guardOf(controller: Function, handler: Function): Guard | null {
        const known = this.#guards.get(controller) ?? new WeakMap<Function, Guard | null>();
        const rules = known.has(handler) ? null : rulesFor(controller, handler, this.settings.rules);
        const guard = known.get(handler) ?? (rules && newGuard(this.settings.validator, rules));
        this.#guards.set(controller, known.set(handler, guard));
        return guard;
    }
}

/** Sends what the guard refused, unless a filter of the application does. */
export class RefusalFilter {
    catch(refusal: Refusal, host: ArgumentsHost): unknown {
        return host.getType() === "http" ? send(host, refusal.toSend) : refusal;
    }
}

// Without decorator syntax, which needs options of the compiler.
Injectable()(AuthGuard);
Inject(SETTINGS)(AuthGuard, undefined, 0);
Catch(Refusal)(RefusalFilter);
