/**
 * `oidc-spa-native/fetch`: handlers from `Request` to `Response`, as Bun, Deno, Next.js, h3 and Elysia have them.
 *
 * In: a validator, the rules of a route, a handler. Out: a handler. Never: a claim, a status, a challenge.
 */

import type { AccessTokenClaims, FetchRequestLike, Validator } from "../../index.js";
import { createGuard, type Auth, type ValidatorOrOptions } from "../guard/guard.js";
import { createMetadataHandler, targetOf } from "../guard/metadata.js";
import { setHeaders, type ResponseToSend } from "../guard/response.js";
import {
    checkHandler,
    checkNoMore,
    placeOf,
    readRules,
    type Fixed,
    type RouteRules
} from "../guard/rules.js";

export type { RouteRules };

const PLACE = placeOf("protect", "protect(validator, {}, (request, auth) => new Response())");

/** Calls the handler with a granted request and `auth`; answers any other. Further arguments of the server follow. */
export function protect<
    Claims = AccessTokenClaims,
    Req extends FetchRequestLike = FetchRequestLike,
    Rest extends unknown[] = unknown[],
    Optional extends boolean = false
>(
    validator: ValidatorOrOptions<Claims>,
    rules: RouteRules<Fixed<Claims>, Req, Optional>,
    handler: (request: Req, auth: Auth<Claims, Optional>, ...rest: Rest) => Response | Promise<Response>,
    ...beyond: undefined[]
): (request: Req, ...rest: Rest) => Promise<Response> {
    checkNoMore(beyond, PLACE.example, "protect takes a validator, rules and a handler");
    const guard = createGuard(validator, readRules<RouteRules<Claims, Req, Optional>>(rules, PLACE));
    checkHandler(handler, PLACE.example);
    return async (request, ...rest) => {
        const header = (name: string) => request.headers.get(name);
        const outcome = await guard({ request, source: request, method: request.method, header });
        if (!outcome.passed && outcome.error !== undefined) {
            throw outcome.error;
        }
        return outcome.response === undefined
            ? withHeaders(await handler(request, outcome.auth, ...rest), outcome.headers)
            : toResponse(outcome.response);
    };
}

/** Answers a request for the resource metadata; `undefined` to any other. */
export function resourceMetadata(
    validator: Pick<Validator, "resourceMetadata">
): (request: FetchRequestLike) => Response | undefined {
    const answer = createMetadataHandler(validator);
    return request => {
        const response = answer(request.method, targetOf(request.url));
        return response === null ? undefined : toResponse(response);
    };
}

const toResponse = ({ status, headers, body }: ResponseToSend): Response =>
    new Response(body, { status, headers });

/**
 * A copy if there is a field to add, since the fields of a fetched response cannot be changed. An upgrade and an error
 * (`Response.error()`) cannot be copied.
 */
function withHeaders(response: Response, headers: ResponseToSend["headers"]): Response {
    if (Object.keys(headers).length === 0 || response.status < 200) {
        return response;
    }
    const copy = new Response(response.body, response);
    setHeaders(
        headers,
        name => copy.headers.get(name),
        (name, value) => copy.headers.set(name, value)
    );
    return copy;
}
