/**
 * `oidc-spa-native/node-http`: request listeners for `node:http`, `node:https` and `node:http2`.
 *
 * In: a validator, the rules of a route, a handler. Out: a request listener. Never: a claim, a status, a challenge.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { AccessTokenClaims, Validator } from "../../index.js";
import { createGuard, type Auth, type ValidatorOrOptions } from "../guard/guard.js";
import { createMetadataHandler } from "../guard/metadata.js";
import { incomingOf, send, setOn, targetOf, type NodeRequest, type NodeResponse } from "../guard/node.js";
import { failure } from "../guard/response.js";
import {
    checkHandler,
    checkNoMore,
    placeOf,
    readRules,
    type Fixed,
    type RouteRules
} from "../guard/rules.js";

export type { RouteRules };

type Listener<Req, Res> = (req: Req, res: Res) => void;

const PLACE = placeOf("protect", "createServer(protect(validator, {}, (req, res, auth) => { … }))", {
    but: ["rejection"]
});

/** Calls the handler with a granted request and `auth`; answers any other. */
export function protect<
    Claims = AccessTokenClaims,
    Req extends NodeRequest = IncomingMessage,
    Res extends NodeResponse = ServerResponse,
    Optional extends boolean = false
>(
    validator: ValidatorOrOptions<Claims>,
    rules: RouteRules<Fixed<Claims>, Req, Optional>,
    handler: (req: Req, res: Res, auth: Auth<Claims, Optional>) => unknown,
    ...beyond: undefined[]
): Listener<Req, Res> {
    checkNoMore(beyond, PLACE.example, "protect takes a validator, rules and a handler");
    const guard = createGuard(validator, readRules<RouteRules<Claims, Req, Optional>>(rules, PLACE));
    checkHandler(handler, PLACE.example);
    return (req, res) => {
        const outcome = guard(incomingOf(req)).catch((error: unknown) => ({
            response: failure(error, req.method)
        }));
        // An error of the handler belongs to the application: it ends as without this listener.
        void outcome.then(outcome => {
            if (outcome.response !== undefined) {
                send(res, outcome.response);
                return undefined;
            }
            setOn(res, outcome.headers);
            return handler(req, res, outcome.auth);
        });
    };
}

/** Answers a request for the resource metadata, and says whether it was one. */
export function resourceMetadata(
    validator: Pick<Validator, "resourceMetadata">
): (req: NodeRequest, res: NodeResponse) => boolean {
    const answer = createMetadataHandler(validator);
    return (req, res) => {
        const response = answer(req.method, targetOf(req));
        if (response !== null) {
            send(res, response);
        }
        return response !== null;
    };
}
