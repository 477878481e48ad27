/**
 * A verdict as `index.d.ts` describes it, made of what the addon says.
 *
 * In: a grant or a refusal of the addon. Out: `Granted`, `Refused`. Never: a status or a challenge of its own.
 */

import type { AccessTokenClaims, Granted, Refused } from "../../index.js";
import type { NativeGrant, NativeRefusal } from "../addon/native.js";

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
        headers: grant.headers === null ? {} : { ...grant.headers }
    };
}

export function toRefused(verdict: NativeRefusal): Refused {
    return {
        isSuccess: false,
        code: verdict.code as Refused["code"],
        errorCause: verdict.errorCause as Refused["errorCause"],
        debugErrorMessage: verdict.debugErrorMessage,
        status: verdict.status as Refused["status"],
        headers: { ...verdict.headers }
    };
}
