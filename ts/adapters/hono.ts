/**
 * `oidc-spa-native/hono`: middleware for Hono 4, on every runtime that loads the addon.
 *
 * In: a validator, the rules of a route. Out: middleware that sets the variable `auth`. May use: guard, metadata,
 * response. Never: a claim, a status, a challenge.
 */

import type { Context, MiddlewareHandler } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import type { Validator } from "../../index.js";
import { newGuard, type Auth, type RouteRules, type ValidatorOrOptions } from "../guard/guard.js";
import { newMetadataHandler, targetOf } from "../guard/metadata.js";
import { setHeaders, type ResponseToSend } from "../guard/response.js";

export type { RouteRules };

/** What {@link protect} adds to the environment of a Hono application: `c.var.auth`. */
export type AuthEnv<Claims, Optional extends boolean = false> = {
    Variables: { auth: Auth<Claims, Optional> };
};

/** Lets a request pass that may enter, with `c.var.auth`; answers any other. */
export function protect<Claims, Optional extends boolean = false>(
    validator: ValidatorOrOptions<Claims>,
    rules?: RouteRules<Claims, Context, Optional>
): MiddlewareHandler<AuthEnv<Claims, Optional>> {
    const guard = newGuard(validator, rules);
    return async (c, next) => {
        const header = (name: string) => c.req.header(name);
        const outcome = await guard({ request: c, source: firstOf(c), method: c.req.method, header });
        if (!outcome.passed) {
            return respond(c, outcome.response);
        }
        c.set("auth", outcome.auth as Auth<Claims, Optional>);
        await next();
        return setOn(c, outcome.headers);
    };
}

const firsts = new WeakMap<Context, Request>();

/** The request as it came: middleware, such as `bodyLimit`, may put a copy in its place. */
const firstOf = (c: Context): Request =>
    (firsts.has(c) ? firsts : firsts.set(c, c.req.raw)).get(c) as Request;

/** Serves the resource metadata at its well-known path. Mount it at the root: `app.use(resourceMetadata(validator))`. */
export function resourceMetadata(validator: Pick<Validator, "resourceMetadata">): MiddlewareHandler {
    const answer = newMetadataHandler(validator);
    return async (c, next) => {
        const response = answer(c.req.method, targetOf(c.req.url));
        return response === null ? next() : respond(c, response);
    };
}

function setOn(c: Context, headers: ResponseToSend["headers"]): void {
    setHeaders(
        headers,
        name => c.res.headers.get(name),
        (name, value) => c.header(name, value)
    );
}

function respond(c: Context, { status, headers, body }: ResponseToSend): Response {
    setOn(c, headers);
    return c.newResponse(body, status as StatusCode);
}
