/**
 * A verdict as `index.d.ts` describes it, made of what the addon says.
 *
 * In: a grant or a refusal of the addon. Out: `Granted`, `Refused`. May use: addon. Never: a status or a challenge of its
 * own.
 */

import type { AccessTokenClaims, Granted, Refused } from "../../index.js";
import type { NativeGrant, NativeRefusal, NativeVerdict } from "../addon/native.js";

export function toGranted<Claims>(
    grant: NativeGrant,
    claims: Claims,
    rawClaims: AccessTokenClaims
): Granted<Claims> {
    return {
        isSuccess: true,
        claims,
        rawClaims,
        accessToken: grant.accessToken,
        scheme: grant.scheme,
        issuerUri: grant.issuerUri,
        headers: nonceHeaders(grant)
    };
}

export function toRefused(verdict: NativeRefusal): Refused {
    return {
        isSuccess: false,
        code: verdict.code as Refused["code"],
        errorCause: verdict.errorCause as Refused["errorCause"],
        debugErrorMessage: verdict.debugErrorMessage,
        status: verdict.status as Refused["status"],
        headers: refusalHeaders(verdict)
    };
}

/** The fields of the response that a refusal speaks of. */
function refusalHeaders(verdict: NativeRefusal): Record<string, string> {
    const headers: Record<string, string> = {};
    if (verdict.wwwAuthenticate !== null) {
        headers["WWW-Authenticate"] = verdict.wwwAuthenticate;
    }
    if (verdict.retryAfter !== null) {
        headers["Retry-After"] = verdict.retryAfter;
    }
    return Object.assign(headers, nonceHeaders(verdict));
}

/** The nonce for the client's next proof. In a cache it would reach another client, and later (RFC 9449 section 8.2). */
function nonceHeaders({ dpopNonce }: NativeVerdict): Record<string, string> {
    return dpopNonce === null ? {} : { "DPoP-Nonce": dpopNonce, "Cache-Control": "no-store" };
}
