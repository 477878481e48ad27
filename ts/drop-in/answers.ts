/**
 * Parameters of `validateAndDecodeAccessToken` as the addon takes them, and the addon's verdicts as oidc-spa returns them.
 *
 * In: parameters, verdicts. Out: positional parts, results. Never: a rule of OAuth.
 */

import type { ErrorCode } from "../../index.js";
import type { CredentialParts, NativeValidator, NativeVerdict } from "../addon/native.js";
import { readRefusal } from "../addon/verdict-text.js";
import { kindOf } from "../validator/members.js";
import { toRefused } from "../validator/verdict.js";
import type { ValidateAndDecodeAccessToken } from "./types.js";

type ReturnType<DecodedAccessToken> = ValidateAndDecodeAccessToken.ReturnType<DecodedAccessToken>;

export function credentialParts(params: ValidateAndDecodeAccessToken.Params): CredentialParts {
    // A program without types may pass any value: a value that is not a string counts as a token that cannot be
    // decoded.
    if (typeof params?.accessToken !== "string") {
        return ["Bearer", "", true, null, null, null];
    }
    const { accessToken } = params;
    if (params.scheme === "Bearer") {
        return ["Bearer", accessToken, params.rejectIfAccessTokenDPoPBound !== false, null, null, null];
    }
    return [
        "DPoP",
        accessToken,
        true,
        typeof params.dpopProof === "string" ? params.dpopProof : "",
        params.expectedHtm ?? null,
        params.expectedHtu ?? null
    ];
}

/**
 * A program without types may expect a wrong value such as `null`. No proof matches it. Whatever is not `Bearer` is judged as
 * DPoP, so its expectations are read too; the addon would name a wrong value, whole, in its error.
 */
export function expectationFault(
    params: ValidateAndDecodeAccessToken.Params
): ValidateAndDecodeAccessToken.ReturnType.Errored | undefined {
    if (typeof params?.accessToken !== "string" || params.scheme === "Bearer") {
        return undefined;
    }
    const { expectedHtm, expectedHtu } = params;
    const misfit = (
        [
            ["htm", "method", expectedHtm],
            ["htu", "url", expectedHtu]
        ] as const
    ).find(([, , expected]) => expected !== undefined && typeof expected !== "string");
    if (misfit === undefined) {
        return undefined;
    }
    const [claim, what, expected] = misfit;
    return errored(
        claim === "htm" ? "proof_method_mismatch" : "proof_uri_mismatch",
        "validation error",
        `DPoP proof ${claim} claim does not match request ${what}. The one that is expected must be a string or ` +
            `undefined, but ${kindOf(expected)} was given`
    );
}

export function fromNative<DecodedAccessToken>(
    verdict: NativeVerdict,
    params: ValidateAndDecodeAccessToken.Params,
    accept: (claims: unknown, params: ValidateAndDecodeAccessToken.Params) => ReturnType<DecodedAccessToken>
): ReturnType<DecodedAccessToken> {
    if (!verdict.isGranted) {
        const { code, errorCause, debugErrorMessage, status, headers } = toRefused(verdict);
        return { ...errored(code, errorCause, debugErrorMessage), response: { status, headers } };
    }
    if (
        params.scheme === "Bearer" &&
        params.rejectIfAccessTokenDPoPBound === false &&
        process.env.NODE_ENV === "development"
    ) {
        console.warn(
            "oidc-spa-native: rejectIfAccessTokenDPoPBound is false: an access token that is bound to a key passes " +
                "without a proof that its bearer holds the key."
        );
    }
    const result = accept(verdict.claims, params);
    return result.isSuccess && verdict.headers !== null
        ? { ...result, response: { headers: { ...verdict.headers } } }
        : result;
}

/** A refusal of this layer, such as that of a schema, gets the response that the addon has for its code. */
export function withResponse<DecodedAccessToken>(
    result: ReturnType<DecodedAccessToken>,
    params: ValidateAndDecodeAccessToken.Params,
    native: NativeValidator
): ReturnType<DecodedAccessToken> {
    if (result.isSuccess || result.response !== undefined || result.code === undefined) {
        return result;
    }
    const { code, debugErrorMessage } = result;
    // The addon would name a value that is no string, whole, in its error.
    const scheme = typeof params?.scheme === "string" ? params.scheme : null;
    const text = native.refuse(Date.now(), 0, code, scheme, debugErrorMessage, [], [], null);
    const { status, headers } = toRefused(readRefusal(text));
    return { ...result, response: { status, headers } };
}

export function errored(
    code: ErrorCode,
    errorCause: ValidateAndDecodeAccessToken.ReturnType.Errored["errorCause"],
    debugErrorMessage: string
): ValidateAndDecodeAccessToken.ReturnType.Errored {
    return { isSuccess: false, errorCause, debugErrorMessage, code };
}
