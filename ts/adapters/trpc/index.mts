/**
 * `oidc-spa-native/trpc` for ECMAScript modules: what `trpc.ts` has, with the types that tRPC gives to modules.
 *
 * In: `trpc.ts`. Out: the same functions. Never: a line that runs, since there is one implementation.
 *
 * tRPC declares its types once for CommonJS and once for modules. TypeScript infers what middleware adds to the context
 * only where both sides name the same declaration.
 */

import type { TRPCMiddlewareFunction } from "@trpc/server";
import type { AccessTokenClaims } from "../../../index.js";
import type { Auth, ValidatorOrOptions } from "../../guard/guard.js";
import type { Fixed } from "../../guard/rules.js";
import { protect as protectProcedure, type AuthContext, type RouteRules } from "./index.js";

export {
    createContext,
    RefusedError,
    type AuthContext,
    type ContextOptions,
    type RouteRules
} from "./index.js";

/** Middleware whose procedures have `ctx.auth`. */
export type Protection<Found> = TRPCMiddlewareFunction<
    AuthContext,
    unknown,
    object,
    { auth: Found },
    unknown
>;

type Protect = <Claims = AccessTokenClaims, Optional extends boolean = false>(
    validator: ValidatorOrOptions<Claims>,
    rules?: RouteRules<Fixed<Claims>, unknown, Optional>
) => Protection<Auth<Claims, Optional>>;

/** Lets a call pass that may enter, with `ctx.auth`; any other gets a TRPCError whose `cause` is a {@link RefusedError}. */
export const protect = protectProcedure as Protect;
