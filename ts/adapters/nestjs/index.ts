/**
 * `oidc-spa-native/nestjs`: a module and a global guard for NestJS 12 and 11, on Express and on Fastify.
 *
 * In: a validator, rules for the whole application. Out: a dynamic module. May use: nestjs-guard, nestjs-rules, express
 * (its middleware for the metadata). Never: a claim, a status, a challenge.
 */

import { createParamDecorator } from "@nestjs/common";
import type { DynamicModule, ExecutionContext, FactoryProvider, ModuleMetadata } from "@nestjs/common" with {
    "resolution-mode": "import"
};
import { APP_FILTER, APP_GUARD } from "@nestjs/core";
import type { AccessTokenClaims, Granted } from "../../../index.js";
import { validatorOf, type RouteRules, type ValidatorOrOptions } from "../../guard/guard.js";
import { checkCloses } from "../../guard/upgrade.js";
import { carrierOf, Refusal } from "./context.js";
import { AuthGuard, RefusalFilter, SETTINGS } from "./guard.js";

export { resourceMetadata } from "../express.js";
export { AuthGuard, Refusal };
export { AuthRules, Dpop, OptionalAuth, Public, Require, RequireRoles, RequireScopes } from "./rules.js";

/** Rules for every route that says nothing else; `onRejected` and `target` get Nest's context. */
export interface ModuleRules<Claims> extends RouteRules<Claims, ExecutionContext> {
    /**
     * End what lives longer than a call when its token expires: clients of gateways and sockets of GraphQL (on `ws` with
     * the code 4401), events of `@Sse()`. Default `true`. With `false` they stay, and messages are refused.
     */
    closeAtExpiry?: boolean;
}

/** A validator, or options for one, that are known once other providers are there. */
export interface AsyncOptions<Claims, Given extends unknown[]> extends Pick<ModuleMetadata, "imports"> {
    readonly useFactory: (
        ...given: Given
    ) => ValidatorOrOptions<Claims> | Promise<ValidatorOrOptions<Claims>>;
    readonly inject?: FactoryProvider["inject"];
    readonly rules?: ModuleRules<Claims>;
}

/** Guards every route of the application, save those that are `@Public()`. Import it once, at the root. */
export class AuthModule {
    static forRoot<Claims>(
        validator: ValidatorOrOptions<Claims>,
        rules: ModuleRules<Claims> = {}
    ): DynamicModule {
        return AuthModule.forRootAsync({ useFactory: () => validator, rules });
    }

    static forRootAsync<Claims, Given extends unknown[]>(
        options: AsyncOptions<Claims, Given>
    ): DynamicModule {
        const {
            useFactory,
            inject = [],
            rules: { closeAtExpiry = true, ...rules } = {},
            imports = []
        } = options;
        checkCloses(closeAtExpiry);
        const settings = async (...given: Given) => ({
            validator: validatorOf(await useFactory(...given)),
            rules,
            closeAtExpiry
        });
        return {
            module: AuthModule,
            global: true,
            imports,
            providers: [
                { provide: SETTINGS, useFactory: settings as FactoryProvider["useFactory"], inject },
                AuthGuard,
                { provide: APP_GUARD, useExisting: AuthGuard },
                { provide: APP_FILTER, useClass: RefusalFilter }
            ],
            exports: [SETTINGS, AuthGuard]
        };
    }
}

/** The parameter that holds who it is: `@Auth() auth: Auth<Claims>`. `null` where nobody had to say. */
export const Auth: () => ParameterDecorator = createParamDecorator(
    (_data: undefined, context: ExecutionContext) => carrierOf(context).auth ?? null
);
export type Auth<Claims = AccessTokenClaims> = Granted<Claims>;
