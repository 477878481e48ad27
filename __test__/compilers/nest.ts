// As program.ts, for `oidc-spa-native/nestjs`.

import type { Granted, Validator } from "oidc-spa-native";
import { allScopes, rolesOf } from "oidc-spa-native/authorization";
import { AuthModule, RequireAnyRole, type Auth } from "oidc-spa-native/nestjs";

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function holds<_ extends true>(): void {}

declare const validator: Validator<{ sub: string }>;

holds<Equals<Auth<{ sub: string }>, Granted<{ sub: string }>>>();
AuthModule.forRoot(validator, { require: allScopes(["read"]), optional: undefined }, { global: false });
AuthModule.forRootAsync({ useFactory: async () => validator, rules: undefined, global: undefined });
RequireAnyRole(["admin"], rolesOf.keycloakRealm);

// @ts-expect-error: a rule stands in `rules`
AuthModule.forRootAsync({ useFactory: () => validator, require: allScopes(["read"]) });
