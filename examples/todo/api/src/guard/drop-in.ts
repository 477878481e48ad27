// The guard on `oidc-spa-native/server`, as the guides of oidc-spa have it.

import type { HonoRequest, MiddlewareHandler } from "hono";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa-native/server";
import type { Config } from "../config.js";
import { respondWith, type Problem } from "../problem.js";
import { claimsSchema, personOf } from "./claims.js";
import type { Env, Guard, Person } from "./guard.js";

const DPOP_CHALLENGE = 'DPoP algs="ES256 ES384 EdDSA PS256 RS256"';

export function create(config: Config): Guard {
    const challenge = config.DPOP === "required" ? DPOP_CHALLENGE : `Bearer, ${DPOP_CHALLENGE}`;
    const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa
        .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: claimsSchema })
        .createUtils();

    let hasKeys = false;
    const ready = async () => {
        await bootstrapAuth({
            implementation: "real",
            issuerUri: config.OIDC_ISSUER_URI,
            expectedAudience: config.OIDC_AUDIENCE,
            // What `oidc-spa/server` does not have.
            native: {
                dpop: config.DPOP,
                // A client whose clock is wrong gets in at its second try.
                nonce: "on-stale-proof",
                ...(config.NONCE_SECRET && { nonceSecret: config.NONCE_SECRET }),
                ...(config.REDIS_URL && { replayStore: { redis: config.REDIS_URL } })
            }
        });
        hasKeys = true;
    };

    /** The person who sent a request, or why it may not enter. */
    const judge = async (req: HonoRequest): Promise<Person | (Problem & { debugErrorMessage: string })> => {
        const found = extractRequestAuthContext({
            request: asSeenAt(config.API_URL, req),
            trustProxy: false
        });
        if (found === undefined) {
            return refused(401, "credentials_missing", "No access token came with the request.", challenge);
        }
        if (!found.isWellFormed) {
            return refused(400, "credentials_malformed", found.debugErrorMessage, challenge);
        }
        const result = await validateAndDecodeAccessToken(found.accessTokenAndMetadata);
        if (!result.isSuccess) {
            const { code = "credentials_malformed", debugErrorMessage, response } = result;
            const { status, headers } = response ?? { status: 503 as const, headers: {} };
            const detail = "The access token, or the proof that came with it, was refused.";
            return { status, code, headers, detail, debugErrorMessage };
        }
        return personOf(result.decodedAccessToken, config.ROLES_CLAIM);
    };

    const guarded =
        (role?: string): MiddlewareHandler<Env> =>
        async (c, next) => {
            const judged = await judge(c.req);
            const outcome =
                "id" in judged && role !== undefined && !judged.roles.includes(role)
                    ? refused(
                          403,
                          "role_insufficient",
                          "This is for other people.",
                          `${challenge}, error="insufficient_scope"`
                      )
                    : judged;
            if ("status" in outcome) {
                const { code = "", debugErrorMessage } = outcome;
                c.set("refusal", { code, debugErrorMessage });
                return respondWith(c, outcome);
            }
            c.set("person", outcome);
            return next();
        };

    return {
        signedIn: guarded(),
        support: guarded(config.SUPPORT_ROLE),
        ready,
        health: () => ({ ready: hasKeys, details: { keys: hasKeys ? "fetched" : "none" } })
    };
}

function refused(status: number, code: string, detail: string, challenge: string) {
    return { status, code, detail, debugErrorMessage: detail, headers: { "WWW-Authenticate": challenge } };
}

/** The request under the URL that browsers see: a proof is for that one, whatever `Host` says. */
function asSeenAt(apiUrl: string, req: HonoRequest) {
    const { protocol, host, pathname } = new URL(apiUrl);
    return {
        type: "unified" as const,
        method: req.method,
        pseudoHeaders: {
            ":scheme": protocol.slice(0, -1),
            ":authority": host,
            ":path": pathname.replace(/\/$/, "") + req.path
        },
        headers: {
            Authorization: req.header("authorization"),
            DPoP: req.header("dpop"),
            Forwarded: undefined,
            "X-Forwarded-Proto": undefined,
            "X-Forwarded-Host": undefined
        }
    };
}
