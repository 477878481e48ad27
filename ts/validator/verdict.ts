/**
 * A verdict as `index.d.ts` describes it, made from the addon's answer.
 *
 * In: a grant or a refusal of the addon. Out: `Granted`, `Refused`. Never: a status or a challenge of its own.
 */

import type { AccessTokenClaims, ErrorCode, Granted, Refused } from "../../index.js";
import type { NativeGrant, NativeRefusal, NativeValidator, RuleBits } from "../addon/native.js";
import { readRefusal } from "../addon/verdict-text.js";

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

/** Bytes of the name of a refusal. */
const ID_BYTES = 8;

/** `refusalId` names the same refusal where it is told anew. */
export function toRefused(verdict: NativeRefusal, refusalId = newRefusalId()): Refused {
    return {
        isSuccess: false,
        refusalId,
        code: verdict.code as Refused["code"],
        errorCause: verdict.errorCause as Refused["errorCause"],
        debugErrorMessage: verdict.debugErrorMessage,
        status: verdict.status as Refused["status"],
        headers: { ...verdict.headers }
    };
}

function newRefusalId(): string {
    // Loading it takes milliseconds, which the first verdict need not wait for.
    const { randomBytes } = require("node:crypto") as typeof import("node:crypto");
    return randomBytes(ID_BYTES).toString("hex");
}

/** Why the application refuses, and the values for the challenge. */
interface Reason {
    readonly code: ErrorCode;
    readonly debugErrorMessage: string;
    readonly scopes?: readonly string[];
    readonly acrValues?: readonly string[];
    readonly maxAgeSeconds?: number;
    /** Of a refusal that is told anew. */
    readonly refusalId?: string;
}

/** A refusal that JavaScript decided, with the addon's response for it. */
export type Refuse = (at: number, rules: RuleBits, scheme: string | null, reason: Reason) => Refused;

export function refusingBy(native: Pick<NativeValidator, "refuse">): Refuse {
    return (
        at,
        rules,
        scheme,
        { code, debugErrorMessage, scopes = [], acrValues = [], maxAgeSeconds = null, refusalId }
    ) =>
        toRefused(
            readRefusal(
                native.refuse(at, rules, code, scheme, debugErrorMessage, scopes, acrValues, maxAgeSeconds)
            ),
            refusalId
        );
}

/** Whether the request had no credentials of an accepted scheme. */
export function isAnonymous({ code }: Refused): boolean {
    return code === "credentials_missing" || code === "scheme_unsupported";
}

/** A refusal of the addon, which had the scopes of the route. */
export function refusedAt(verdict: NativeRefusal, scopes: string | null): Refused {
    const refused = toRefused(verdict);
    if (scopes !== null && isAnonymous(refused)) {
        namedScopes.set(refused, scopes);
    }
    return refused;
}

/** Whether the challenge of an anonymous request names these scopes already. */
export function namesScopes(refused: Refused, scopes: readonly string[]): boolean {
    return scopes.length === 0 || namedScopes.get(refused) === scopes.join(" ");
}

const namedScopes = new WeakMap<Refused, string>();
