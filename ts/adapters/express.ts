/**
 * `oidc-spa-native/express`: middleware for Express 5 and 4, and for other frameworks on Connect.
 *
 * In: a validator, the rules of a route. Out: middleware that sets `req.auth`. Never: a claim, a status, a challenge.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { AccessTokenClaims, Granted, Validator } from "../../index.js";
import { Found } from "../guard/found.js";
import { createGuard, type Auth, type ValidatorOrOptions } from "../guard/guard.js";
import { createMetadataHandler } from "../guard/metadata.js";
import { begin, incomingOf, send, setOn, targetOf } from "../guard/node.js";
import { checkNoMore, placeOf, readRules, type Fixed, type RouteRules } from "../guard/rules.js";

export type { RouteRules };

type Handler = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

/** A request that middleware of {@link protect} has let pass. */
export type AuthRequest<Claims = AccessTokenClaims> = IncomingMessage & { auth: Granted<Claims> };

/** Middleware with `auth.of(req).claims`: the proof that it let a request pass. `of` throws if it did not. */
export type Protection<Found> = Handler & { readonly of: (req: IncomingMessage) => Found };

const PLACE = placeOf("protect", "app.get(path, protect(validator, { optional: true }), handler)");

/** Lets a granted request pass, with `req.auth`; answers any other. */
export function protect<Claims = AccessTokenClaims, Optional extends boolean = false>(
    validator: ValidatorOrOptions<Claims>,
    rules: RouteRules<Fixed<Claims>, IncomingMessage, Optional> = {},
    ...beyond: undefined[]
): Protection<Auth<Claims, Optional>> {
    checkNoMore(beyond, PLACE.example);
    const read = readRules<RouteRules<Claims, IncomingMessage, Optional>>(rules, PLACE);
    const guard = createGuard(validator, read);
    const found = new Found<Auth<Claims, Optional>>(PLACE.example);
    const handler: Handler = (req, res, next) => {
        found.forget(req);
        guard(incomingOf(req)).then(outcome => {
            if (outcome.passed) {
                setOn(res, outcome.headers);
                Object.assign(req, { auth: outcome.auth });
                // A preflight was not judged.
                outcome.response ?? found.set(req, outcome.auth);
                next();
            } else if (outcome.error !== undefined) {
                begin(res, outcome.error);
                next(outcome.error);
            } else {
                send(res, outcome.response);
            }
        }, next);
    };
    return Object.assign(handler, { of: found.of });
}

/** Serves the resource metadata at its well-known path. Mount it at the root: `app.use(resourceMetadata(validator))`. */
export function resourceMetadata(validator: Pick<Validator, "resourceMetadata">): Handler {
    const answer = createMetadataHandler(validator);
    return (req, res, next) => {
        const response = answer(req.method, targetOf(req));
        response === null ? next() : send(res, response);
    };
}
