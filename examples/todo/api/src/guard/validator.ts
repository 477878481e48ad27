// The guard on `createValidator` and the Hono adapter: the adapter answers what may not enter.

import type { MiddlewareHandler } from "hono";
import { every } from "hono/combine";
import { createValidator, type Requirements } from "oidc-spa-native";
import { allRoles } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/hono";
import type { Config } from "../config.js";
import { claimsSchema, personOf, type Claims } from "./claims.js";
import { standing, type Env, type Guard } from "./guard.js";

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

    const guarded = (rules: { require?: Requirements<Claims> }): MiddlewareHandler<Env> => {
        const protection = protect(validator, {
            ...rules,
            onRejected: (refusal, c) => c.set("refusal", refusal)
        });
        const explained: MiddlewareHandler<Env> = async (c, next) => {
            if (c.var.tellsWhy) {
                // Before the guard remembers the proof: afterwards, that it was used is all there would be to say.
                const { checks } = await validator.explain(c.req.raw, undefined, rules);
                c.set("checks", checks);
            }
            return next();
        };
        return every(explained, protection, (c, next) => {
            c.set("person", personOf(protection.of(c).claims, config.ROLES_CLAIM));
            return next();
        });
    };

    return {
        signedIn: guarded({}),
        support: guarded({ require: allRoles([config.SUPPORT_ROLE], config.ROLES_CLAIM) }),
        ready: () => validator.ready(),
        health: () => standing(validator.health())
    };
}
