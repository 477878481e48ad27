/**
 * `oidc-spa-native/fastify`: hooks for Fastify 5, for one route or for all of a plugin.
 *
 * In: a validator, a route's rules. Out: hooks that set `request.auth`. Never: a claim, a status, a challenge.
 */

import type { FastifyReply, FastifyRequest, RawServerBase, RouteGenericInterface } from "fastify";
import type { AccessTokenClaims, Validator } from "../../index.js";
import { begin, send, setOn } from "./fastify-reply.js";
import { Found } from "../guard/found.js";
import { createGuard, type Auth, type ValidatorOrOptions } from "../guard/guard.js";
import { createMetadataHandler } from "../guard/metadata.js";
import { checkNoMore, placeOf, readRules, type Fixed, type RouteRules } from "../guard/rules.js";

export type { RouteRules };

type Request = FastifyRequest<RouteGenericInterface, RawServerBase>;
type Reply = FastifyReply<RouteGenericInterface, RawServerBase>;
type Hook = (request: Request, reply: Reply) => Promise<unknown>;

/** A hook with `auth.of(request).claims`: the proof that it let a request pass. `of` throws if it did not. */
export type Protection<Found> = Hook & { readonly of: (request: object) => Found };

const PLACE = placeOf(
    "protect",
    "fastify.get(path, { onRequest: protect(validator, { optional: true }) }, handler)"
);

/** Lets a granted request pass, with `request.auth`; answers any other. */
export function protect<Claims = AccessTokenClaims, Optional extends boolean = false>(
    validator: ValidatorOrOptions<Claims>,
    rules: RouteRules<Fixed<Claims>, Request, Optional> = {},
    ...beyond: undefined[]
): Protection<Auth<Claims, Optional>> {
    checkNoMore(beyond, PLACE.example);
    const guard = createGuard(validator, readRules<RouteRules<Claims, Request, Optional>>(rules, PLACE));
    const found = new Found<Auth<Claims, Optional>>(PLACE.example);
    const hook: Hook = async (request, reply) => {
        found.forget(request);
        const { method, headers } = request;
        const outcome = await guard({ request, source: request, method, header: name => headers[name] });
        if (!outcome.passed) {
            if (outcome.error !== undefined) {
                begin(reply, outcome.error);
                throw outcome.error;
            }
            return send(reply, outcome.response);
        }
        Object.assign(request, { auth: outcome.auth });
        // A preflight was not judged.
        outcome.response ?? found.set(request, outcome.auth);
        return setOn(reply, outcome.headers);
    };
    return Object.assign(hook, { of: found.of });
}

/** Serves the resource metadata. At the root: `app.addHook("onRequest", resourceMetadata(validator))`. */
export function resourceMetadata(validator: Pick<Validator, "resourceMetadata">): Hook {
    const answer = createMetadataHandler(validator);
    return async ({ method, originalUrl }, reply) => {
        const response = answer(method, originalUrl);
        return response && send(reply, response);
    };
}
