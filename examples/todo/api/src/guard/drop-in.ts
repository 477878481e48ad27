// The guard on `oidc-spa-native/server`, as the guides of oidc-spa have it.

import type { HonoRequest, MiddlewareHandler } from "hono";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa-native/server";
import type { Config } from "../config.js";
import { respondWith, type Problem } from "../problem.js";
import { claimsSchema, personOf } from "./claims.js";
import { standing, type Env, type Guard, type Person } from "./guard.js";

const DPOP_CHALLENGE = 'DPoP algs="ES256 ES384 EdDSA PS256 RS256"';

type Granted = { readonly person: Person; readonly headers: Readonly<Record<string, string>> };
type Refused = Problem & { readonly debugErrorMessage: string };

export function create(config: Config): Guard {
    const challenge = config.DPOP === "required" ? DPOP_CHALLENGE : `Bearer, ${DPOP_CHALLENGE}`;
    const { bootstrapAuth, validateAndDecodeAccessToken, native } = oidcSpa
        .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: claimsSchema })
        .createUtils();

    const ready = () =>
        bootstrapAuth({
            implementation: "real",
            issuerUri: config.OIDC_ISSUER_URI,
            expectedAudience: config.OIDC_AUDIENCE,
            // What `oidc-spa/server` does not have.
            native: {
                dpop: config.DPOP,
                nonce: config.NONCE,
                ...(config.NONCE_SECRET && { nonceSecret: config.NONCE_SECRET }),
                ...(config.REDIS_URL && { replayStore: { redis: config.REDIS_URL } })
            }
        });

    /** The person who sent a request, or why it may not enter. */
    const judge = async (req: HonoRequest, role?: string): Promise<Granted | Refused> => {
        const found = extractRequestAuthContext({
            request: asSeenAt(config.API_URL, req),
            trustProxy: false
        });
        if (found === undefined) {
            return refused(401, "credentials_missing", "No access token came with the request.", challenge);
        }
        if (!found.isWellFormed) {
            const { debugErrorMessage } = found;
            const detail = "The access token, or its proof, did not come as it should.";
            return { ...refused(400, "credentials_malformed", detail, challenge), debugErrorMessage };
        }
        const result = await validateAndDecodeAccessToken(found.accessTokenAndMetadata);
        if (!result.isSuccess) {
            const { code = "credentials_malformed", debugErrorMessage, response } = result;
            const { status, headers } = response ?? { status: 503 as const, headers: {} };
            const detail = "The access token, or the proof that came with it, was refused.";
            return { status, code, headers, detail, debugErrorMessage };
        }
        const person = personOf(result.decodedAccessToken, config.ROLES_CLAIM);
        if (role !== undefined && !person.roles.includes(role)) {
            const insufficient = `${challenge}, error="insufficient_scope"`;
            return refused(403, "role_insufficient", "The access token lacks a role.", insufficient);
        }
        // The next nonce, where the client needs one.
        return { person, headers: result.response?.headers ?? {} };
    };

    const guarded =
        (role?: string): MiddlewareHandler<Env> =>
        async (c, next) => {
            const judged = await judge(c.req, role);
            if ("person" in judged) {
                c.set("person", judged.person);
                for (const [name, value] of Object.entries(judged.headers)) {
                    c.header(name, value);
                }
                return next();
            }
            const { code = "", debugErrorMessage } = judged;
            c.set("refusal", { code, debugErrorMessage });
            return respondWith(c, judged);
        };

    return {
        signedIn: guarded(),
        support: guarded(config.SUPPORT_ROLE),
        ready,
        health: () => standing(native.health())
    };
}

function refused(status: number, code: string, detail: string, challenge: string): Refused {
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
