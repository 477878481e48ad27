// The guard on `createValidator` and the Hono adapter: the adapter answers what may not enter.

import type { Context, MiddlewareHandler } from "hono";
import { every } from "hono/combine";
import { createValidator } from "oidc-spa-native";
import { allRoles } from "oidc-spa-native/authorization";
import { protect, type RouteRules } from "oidc-spa-native/hono";
import type { Config } from "../config.js";
import { claimsSchema, personOf, type Claims } from "./claims.js";
import type { Env, Guard } from "./guard.js";

export function create(config: Config): Guard {
    const validator = createValidator({
        issuerUri: config.OIDC_ISSUER_URI,
        expectedAudience: config.OIDC_AUDIENCE,
        claims: claimsSchema,
        dpop: config.DPOP,
        publicBaseUrl: config.API_URL,
        nonce: config.NONCE,
        nonceSecret: config.NONCE_SECRET,
        replayStore: config.REDIS_URL === undefined ? undefined : { redis: config.REDIS_URL }
    });

    const guarded = (rules: RouteRules<Claims, Context, false>): MiddlewareHandler<Env> => {
        const protection = protect(validator, {
            ...rules,
            onRejected: (refusal, c) => c.set("refusal", refusal)
        });
        return every(protection, (c, next) => {
            c.set("person", personOf(protection.of(c).claims, config.ROLES_CLAIM));
            return next();
        });
    };

    return {
        signedIn: guarded({}),
        support: guarded({ require: allRoles([config.SUPPORT_ROLE], config.ROLES_CLAIM) }),
        ready: () => validator.ready(),
        health: () => {
            const { issuers, replayMemory } = validator.health();
            const [keys] = issuers.map(({ state }) => state);
            const ready = keys !== "none" && replayMemory.reachable !== false;
            return { ready, details: { keys, replayMemory } };
        }
    };
}
