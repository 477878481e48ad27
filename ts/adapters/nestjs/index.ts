/**
 * `oidc-spa-native/nestjs`: a module and a global guard for NestJS 12 and 11, on Express and on Fastify.
 *
 * In: a validator, rules for the whole application. Out: a dynamic module. Never: a claim, a status, a challenge.
 */

import { createParamDecorator, Inject, Optional } from "@nestjs/common";
import type { DynamicModule, ExecutionContext, FactoryProvider, ModuleMetadata } from "@nestjs/common" with {
    "resolution-mode": "import"
};
import { APP_FILTER, APP_GUARD, ModulesContainer } from "@nestjs/core";
import type { AccessTokenClaims, Granted } from "../../../index.js";
import { validatorOf, type ValidatorOrOptions } from "../../guard/guard.js";
import { checkNoMore, placeOf, readRules, type Fixed, type RouteRules } from "../../guard/rules.js";
import { invalid, kindOf, readMembers, unexpected, type Members } from "../../validator/members.js";
import { Refusal } from "./context.js";
import { AuthGuard, authOf, ModuleGuard, RefusalFilter, SETTINGS, type Settings } from "./guard.js";
import { checkPlaces } from "./misplaced.js";
import { checkCalled } from "./rules.js";

export { resourceMetadata } from "../express.js";
export { AuthGuard, Refusal };
export {
    AuthRules,
    Dpop,
    OptionalAuth,
    Public,
    Require,
    RequireAnyRole,
    RequireRoles,
    RequireScopes
} from "./rules.js";

/** Injects the validator: `@Inject(VALIDATOR) validator: Validator<Claims>`. Tests replace it by another validator. */
export const VALIDATOR = Symbol("oidc-spa-native:validator");

/** Rules for every route without its own rule; `onRejected` and `target` get Nest's context. */
export interface ModuleRules<Claims> extends RouteRules<Claims, ExecutionContext> {
    /**
     * End connections that live longer than a call when their token expires: clients of gateways and sockets of GraphQL
     * (on `ws` with the code 4401), events of `@Sse()`. Default `true`. With `false` they stay, and messages are
     * refused.
     */
    closeAtExpiry?: boolean | undefined;
}

/** Which routes the module guards. */
export interface ModuleScope {
    /**
     * Whether every route is guarded. Default `true`. With `false` only routes with a decorator of this package or with
     * `@UseGuards(AuthGuard)` are guarded; any other route is open.
     */
    readonly global?: boolean | undefined;
}

/** A validator or its options, which depend on other providers. */
export interface AsyncOptions<Claims, Given extends unknown[]>
    extends Pick<ModuleMetadata, "imports">,
        ModuleScope {
    readonly useFactory: (
        ...given: Given
    ) => ValidatorOrOptions<Claims> | Promise<ValidatorOrOptions<Claims>>;
    readonly inject?: FactoryProvider["inject"];
    readonly rules?: ModuleRules<Fixed<Claims>> | undefined;
}

const FOR_ROOT = placeOf("AuthModule.forRoot", "AuthModule.forRoot(validator, { optional: true })", {
    and: ["closeAtExpiry"]
});
const SCOPE: Members = {
    of: "AuthModule.forRoot, as its third argument,",
    noun: "option",
    names: ["global"],
    example: "AuthModule.forRoot(validator, {}, { global: false })"
};
const ASYNC: Members = {
    of: "AuthModule.forRootAsync",
    noun: "option",
    names: ["useFactory", "inject", "imports", "rules", "global"],
    example: "AuthModule.forRootAsync({ useFactory: () => validator, rules: { optional: true } })",
    instead: {
        ...Object.fromEntries(FOR_ROOT.names.map(name => [name, `rules: { ${name}: … }`])),
        useClass: "useFactory: () => validator",
        useValue: "useFactory: () => validator",
        useExisting: "useFactory: (validator: Validator) => validator, with inject"
    }
};

/** Guards every route of the application except `@Public()` ones. Import it once, at the root. */
export class AuthModule {
    readonly #check: () => void;

    /** Nest calls this. A module that is imported without `forRoot` would guard nothing. */
    constructor(settings?: unknown, modules?: unknown) {
        if (settings === undefined) {
            throw invalid(
                "AuthModule is imported without a validator. Write imports: [AuthModule.forRoot(validator)]"
            );
        }
        this.#check = () => checkPlaces(modules as Parameters<typeof checkPlaces>[0], settings as Settings);
    }

    /** Nest calls it at the start of the application, when all providers are there. */
    onModuleInit(): void {
        this.#check();
    }

    static forRoot<Claims = AccessTokenClaims>(
        validator: ValidatorOrOptions<Claims>,
        rules: ModuleRules<Fixed<Claims>> = {},
        scope: ModuleScope = {},
        ...beyond: undefined[]
    ): DynamicModule {
        checkNoMore(beyond, SCOPE.example, "AuthModule.forRoot takes a validator, rules and { global }");
        const made = validatorOf(validator, FOR_ROOT.example);
        return moduleOf(
            { useFactory: () => made },
            { ...moduleRulesOf(rules), global: globalOf(readMembers(scope, SCOPE)) }
        );
    }

    static forRootAsync<Claims, Given extends unknown[]>(
        options: AsyncOptions<Claims, Given>,
        ...beyond: undefined[]
    ): DynamicModule {
        checkNoMore(beyond, ASYNC.example, "AuthModule.forRootAsync takes one object of options");
        const read = readMembers(options, ASYNC) as unknown as AsyncOptions<Claims, Given>;
        const { useFactory, inject = [], imports = [] } = read;
        if (typeof useFactory !== "function") {
            throw invalid(
                `AuthModule.forRootAsync: useFactory: expected a function; got ${kindOf(useFactory)}. Write ${ASYNC.example}`
            );
        }
        const given = read.rules === undefined ? {} : read.rules;
        const make = async (...given: Given) => validatorOf(await useFactory(...given), ASYNC.example);
        return moduleOf(
            { useFactory: make as FactoryProvider["useFactory"], inject, imports },
            { ...moduleRulesOf(given), global: globalOf(read) }
        );
    }
}

// Without decorator syntax, which needs options of the compiler.
Inject(SETTINGS)(AuthModule, undefined, 0);
Optional()(AuthModule, undefined, 0);
Inject(ModulesContainer)(AuthModule, undefined, 1);

function moduleOf(
    { imports = [], ...validator }: Omit<FactoryProvider, "provide"> & Pick<ModuleMetadata, "imports">,
    // From here on, only the application knows the type of the claims.
    settings: { readonly rules: unknown; readonly closeAtExpiry: boolean; readonly global: boolean }
): DynamicModule {
    return {
        module: AuthModule,
        // Its providers can be injected everywhere, also with `global: false`.
        global: true,
        imports,
        providers: [
            { ...validator, provide: VALIDATOR },
            {
                provide: SETTINGS,
                useFactory: (validator: Settings["validator"]) => ({ ...settings, validator }),
                inject: [VALIDATOR]
            },
            AuthGuard,
            { provide: APP_GUARD, useClass: ModuleGuard },
            { provide: APP_FILTER, useClass: RefusalFilter }
        ],
        exports: [VALIDATOR, SETTINGS, AuthGuard]
    };
}

/** The rules of the module, and whether it ends connections at the expiry. */
function moduleRulesOf(given: unknown) {
    // The object has no prototype and must not get one, so that it has no other members.
    const rules = readRules<ModuleRules<unknown>>(given, FOR_ROOT);
    const { closeAtExpiry = true } = rules;
    delete rules.closeAtExpiry;
    return { rules, closeAtExpiry };
}

function globalOf({ global }: { readonly global?: unknown }): boolean {
    if (global !== undefined && typeof global !== "boolean") {
        throw unexpected("option", "global", "a boolean", global, SCOPE.example);
    }
    return global ?? true;
}

const AuthParameter: () => ParameterDecorator = createParamDecorator(
    (_data: undefined, context: ExecutionContext) => authOf(context)
);

/**
 * The parameter with the grant: `@Auth() auth: Auth<Claims>`. `null` for a request without credentials, where the route
 * allows it; an error if no guard let the call pass.
 */
export const Auth = (...none: undefined[]): ParameterDecorator => {
    checkCalled(none, "Auth");
    return AuthParameter();
};
export type Auth<Claims = AccessTokenClaims> = Granted<Claims>;
