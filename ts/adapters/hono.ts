/**
 * `oidc-spa-native/hono`: middleware for Hono 4, on every runtime that loads the addon.
 *
 * In: a validator, the rules of a route. Out: middleware that sets the variable `auth`. Never: a claim, a status, a
 * challenge.
 */

import type { Context, MiddlewareHandler } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import type { AccessTokenClaims, Validator } from "../../index.js";
import { Found } from "../guard/found.js";
import { createGuard, type Auth, type ValidatorOrOptions } from "../guard/guard.js";
import { createMetadataHandler, targetOf } from "../guard/metadata.js";
import { setHeaders, type ResponseToSend } from "../guard/response.js";
import { checkNoMore, placeOf, readRules, type Fixed, type RouteRules } from "../guard/rules.js";

export type { RouteRules };

/** The variable that {@link protect} adds to the environment of a Hono application: `c.var.auth`. */
export type AuthEnv<Claims, Optional extends boolean = false> = {
    Variables: { auth: Auth<Claims, Optional> };
};

/** Middleware with `auth.of(c).claims`: the proof that it let a request pass. `of` throws if it did not. */
export type Protection<Claims, Optional extends boolean = false> = MiddlewareHandler<
    AuthEnv<Claims, Optional>
> & {
    readonly of: (c: object) => Auth<Claims, Optional>;
};

const PLACE = placeOf("protect", "app.get(path, protect(validator, { optional: true }), handler)");

/** Lets a granted request pass, with `c.var.auth`; answers any other. */
export function protect<Claims = AccessTokenClaims, Optional extends boolean = false>(
    validator: ValidatorOrOptions<Claims>,
    rules: RouteRules<Fixed<Claims>, Context, Optional> = {},
    ...beyond: undefined[]
): Protection<Claims, Optional> {
    checkNoMore(beyond, PLACE.example);
    const guard = createGuard(validator, readRules<RouteRules<Claims, Context, Optional>>(rules, PLACE));
    const found = new Found<Auth<Claims, Optional>>(PLACE.example);
    const middleware: MiddlewareHandler<AuthEnv<Claims, Optional>> = async (c, next) => {
        found.forget(c);
        const header = (name: string) => c.req.header(name);
        const outcome = await guard({ request: c, source: firstOf(c), method: c.req.method, header });
        if (!outcome.passed) {
            if (outcome.error !== undefined) {
                setOn(c, outcome.error.headers);
                // What the error handler leaves out must not become a 200.
                c.status(outcome.error.status);
                throw withResponse(outcome.error, outcome.response);
            }
            return respond(c, outcome.response);
        }
        c.set("auth", outcome.auth as Auth<Claims, Optional>);
        // A preflight was not judged.
        outcome.response ?? found.set(c, outcome.auth);
        await next();
        return setOn(c, outcome.headers);
    };
    return Object.assign(middleware, { of: found.of });
}

/** Hono's own error handler asks an error for its response. */
const withResponse = (error: Error, { status, headers, body }: ResponseToSend): Error =>
    Object.defineProperty(error, "getResponse", { value: () => new Response(body, { status, headers }) });

const firsts = new WeakMap<Context, Request>();

/** The original request: middleware such as `bodyLimit` may replace it by a copy. */
const firstOf = (c: Context): Request =>
    (firsts.has(c) ? firsts : firsts.set(c, c.req.raw)).get(c) as Request;

/** Serves the resource metadata at its well-known path. Mount it at the root: `app.use(resourceMetadata(validator))`. */
export function resourceMetadata(validator: Pick<Validator, "resourceMetadata">): MiddlewareHandler {
    const answer = createMetadataHandler(validator);
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
