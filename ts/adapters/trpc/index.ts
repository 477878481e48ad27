/**
 * `oidc-spa-native/trpc`: middleware for procedures of tRPC 11, on each of its adapters.
 *
 * In: a validator, the rules of a procedure. Out: middleware that sets `ctx.auth`. Never: a claim, a status, a
 * challenge.
 */

import { TRPCError, type TRPCMiddlewareFunction } from "@trpc/server";
import { getHTTPStatusCodeFromError } from "@trpc/server/http";
import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import type { AccessTokenClaims } from "../../../index.js";
import { createGuard, validatorOf, type Auth, type ValidatorOrOptions } from "../../guard/guard.js";
import { exposing } from "../../guard/response.js";
import {
    checkNoMore,
    placeOf,
    readRules,
    type Fixed,
    type RouteRules as AllRules
} from "../../guard/rules.js";
import { RefusedError } from "../../validator/refused-error.js";
import type { AuthContext } from "./context.js";
import { endingWith, type End } from "./streams.js";

export { createContext, type AuthContext, type ContextOptions } from "./context.js";
export { RefusedError };

/** The rules of a procedure. tRPC has no calls by OPTIONS, so there is no rule for preflights. */
export type RouteRules<
    Claims = AccessTokenClaims,
    Request = unknown,
    Optional extends boolean = boolean
> = Omit<AllRules<Claims, Request, Optional>, "guardPreflights" | "respond" | "rejection">;

/** Middleware whose procedures have `ctx.auth`. */
export type Protection<Found> = TRPCMiddlewareFunction<
    AuthContext,
    unknown,
    object,
    { auth: Found },
    unknown
>;

const PLACE = placeOf("protect", "t.procedure.use(protect(validator, { optional: true }))", {
    but: ["guardPreflights", "respond", "rejection"]
});

/** Lets a granted call pass, with `ctx.auth`; any other gets a TRPCError whose `cause` is a {@link RefusedError}. */
export function protect<Claims = AccessTokenClaims, Optional extends boolean = false>(
    validatorOrOptions: ValidatorOrOptions<Claims>,
    rules: RouteRules<Fixed<Claims>, unknown, Optional> = {},
    ...beyond: undefined[]
): Protection<Auth<Claims, Optional>> {
    checkNoMore(beyond, PLACE.example);
    const validator = validatorOf(validatorOrOptions);
    // A request that looks like a preflight is judged like any other.
    const guard = createGuard(validator, readRules<AllRules<Claims, unknown, Optional>>(rules, PLACE));
    return async ({ ctx: { authRequest }, next }) => {
        const outcome = await guard(authRequest.incoming);
        if (!outcome.passed) {
            authRequest.set(exposing(outcome.refusal.headers));
            throw errorOf(new RefusedError(outcome.refusal));
        }
        authRequest.set(outcome.headers);
        const auth = outcome.auth as Auth<Claims, Optional>;
        const result = await next({ ctx: { auth } });
        if (!result.ok || auth === null) {
            return result;
        }
        const end: End = {
            signal: ended => validator.untilExpiry(auth, ended),
            // It is judged again, so that the client gets the same refusal as for a new call.
            error: async () => {
                const again = await guard(authRequest.incoming);
                return again.passed
                    ? new TRPCError({ code: "UNAUTHORIZED" })
                    : errorOf(new RefusedError(again.refusal));
            }
        };
        return { ...result, data: endingWith(result.data, end) };
    };
}

const CODES: ReadonlyMap<number, TRPCError["code"]> = new Map(
    (Object.keys(TRPC_ERROR_CODES_BY_KEY) as TRPCError["code"][]).map(code => [
        getHTTPStatusCodeFromError(new TRPCError({ code })),
        code
    ])
);

/** The error of tRPC whose response has the status of the refusal. */
function errorOf(cause: RefusedError): TRPCError {
    return new TRPCError({ code: CODES.get(cause.refusal.status) ?? "INTERNAL_SERVER_ERROR", cause });
}
