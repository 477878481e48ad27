/**
 * `oidc-spa-native/koa`: middleware for Koa 3.
 *
 * In: a validator, a route's rules. Out: middleware that sets `ctx.state.auth`. Never: a claim, a status, a challenge.
 */

import type { AccessTokenClaims, HeadersRecord, KoaContextLike, Validator } from "../../index.js";
import { Found } from "../guard/found.js";
import { createGuard, type Auth, type ValidatorOrOptions } from "../guard/guard.js";
import { createMetadataHandler } from "../guard/metadata.js";
import { setHeaders, type ResponseToSend } from "../guard/response.js";
import { checkNoMore, placeOf, readRules, type Fixed, type RouteRules } from "../guard/rules.js";

export type { RouteRules };

/**
 * The used members of Koa's context. Its own types are in a separate package, which JavaScript programs do not have.
 */
export interface KoaContext extends KoaContextLike {
    readonly headers: HeadersRecord;
    readonly method: string;
    body: unknown;
    status: number;
    readonly response: { get(name: string): unknown; set(name: string, value: string): unknown };
}

type Middleware<Ctx> = (ctx: Ctx, next: () => Promise<unknown>) => Promise<unknown>;

/** Middleware with `auth.of(ctx).claims`: the proof that it let a request pass. `of` throws if it did not. */
export type Protection<Ctx, Found> = Middleware<Ctx & { state: { auth: Found } }> & {
    readonly of: (ctx: object) => Found;
};

const PLACE = placeOf("protect", "router.get(path, protect(validator, { optional: true }), handler)");

/** Lets a granted request pass, with `ctx.state.auth`; answers any other. */
export function protect<
    Claims = AccessTokenClaims,
    Optional extends boolean = false,
    Ctx extends KoaContext = KoaContext
>(
    validator: ValidatorOrOptions<Claims>,
    rules: RouteRules<Fixed<Claims>, Ctx, Optional> = {},
    ...beyond: undefined[]
): Protection<Ctx, Auth<Claims, Optional>> {
    checkNoMore(beyond, PLACE.example);
    const guard = createGuard(validator, readRules<RouteRules<Claims, Ctx, Optional>>(rules, PLACE));
    const found = new Found<Auth<Claims, Optional>>(PLACE.example);
    const middleware: Middleware<Ctx & { state: { auth: Auth<Claims, Optional> } }> = async (ctx, next) => {
        found.forget(ctx);
        const { method, headers } = ctx;
        const outcome = await guard({ request: ctx, source: ctx, method, header: name => headers[name] });
        if (!outcome.passed) {
            if (outcome.error !== undefined) {
                // What the error handler leaves out must not become a 200.
                setOn(Object.assign(ctx, { status: outcome.error.status }), outcome.error.headers);
                throw outcome.error;
            }
            return send(ctx, outcome.response);
        }
        setOn(ctx, outcome.headers);
        ctx.state.auth = outcome.auth as Auth<Claims, Optional>;
        // A preflight was not judged.
        outcome.response ?? found.set(ctx, outcome.auth);
        return next();
    };
    return Object.assign(middleware, { of: found.of });
}

/** Serves the resource metadata at its well-known path. Mount it at the root: `app.use(resourceMetadata(validator))`. */
export function resourceMetadata(validator: Pick<Validator, "resourceMetadata">): Middleware<KoaContext> {
    const answer = createMetadataHandler(validator);
    return async (ctx, next) => {
        const response = answer(ctx.method, ctx.originalUrl);
        return response === null ? next() : send(ctx, response);
    };
}

const setOn = ({ response }: KoaContext, headers: ResponseToSend["headers"]): void =>
    setHeaders(
        headers,
        name => response.get(name),
        (name, value) => response.set(name, value)
    );

function send(ctx: KoaContext, { status, headers, body }: ResponseToSend): void {
    // In this order: setting a body changes the status and the Content-Type.
    setOn(Object.assign(ctx, { body, status }), headers);
}
