/**
 * The two mock modes of `oidc-spa/server`, for development and tests: nothing is verified here.
 *
 * In: parameters of `bootstrapAuth`, a token. Out: claims, or a warning. Never: the addon, which has no way around its
 * checks.
 */

import type { DecodedAccessToken_RFC9068, ParamsOfBootstrap, ValidateAndDecodeAccessToken } from "./types.js";

/**
 * Warns in production that nothing is verified, or refuses to start. If an environment variable leaves a mock on by
 * mistake, every request is granted and everything seems to work.
 */
export function checkPlaceOfMock({ refuseMockInProduction = false }: ParamsOfBootstrap.Native): void {
    if (process.env.NODE_ENV?.trim().toLowerCase() !== "production") {
        return;
    }
    const what =
        'bootstrapAuth was called with implementation "mock" while NODE_ENV is "production": no access token is ' +
        "verified, and anybody may enter.";
    if (refuseMockInProduction) {
        throw new Error(
            `oidc-spa-native: ${what} It is refused, since native.refuseMockInProduction is true. Use implementation "real".`
        );
    }
    if (!hasWarned) {
        hasWarned = true;
        process.emitWarning(
            `${what} Use implementation "real". With native: { refuseMockInProduction: true } a mock does not start here.`,
            { type: "oidc-spa-native", code: "OIDC_SPA_NATIVE_MOCK_IN_PRODUCTION" }
        );
    }
}

let hasWarned = false;

/** "use static identity": the same user for every request. A value that was not provided throws when it is read. */
export function staticIdentity<DecodedAccessToken>(
    mock: ParamsOfBootstrap.Mock.UseStaticIdentity<DecodedAccessToken>
): ValidateAndDecodeAccessToken.ReturnType.Success<DecodedAccessToken> {
    return {
        isSuccess: true,
        decodedAccessToken: mock.decodedAccessToken_mock,
        get accessToken() {
            return provided(mock.accessToken_mock, "accessToken");
        },
        get decodedAccessToken_original() {
            return provided(mock.decodedAccessToken_original_mock, "decodedAccessToken_original");
        }
    };
}

function provided<T>(value: T | undefined, name: string): T {
    if (value === undefined) {
        throw new Error(`oidc-spa: No mock provided for ${name}. Provide ${name}_mock to bootstrapAuth`);
    }
    return value;
}

type Decoded =
    | { readonly isSuccess: true; readonly claims: DecodedAccessToken_RFC9068 }
    | {
          readonly isSuccess: false;
          readonly code: "token_malformed" | "claim_missing" | "claim_malformed";
          readonly debugErrorMessage: string;
      };

/** "decode only": the payload, if it has the shape of an access token's. */
export function decodeOnly(accessToken: unknown): Decoded {
    let claims: unknown;
    try {
        const payload = typeof accessToken === "string" ? accessToken.split(".")[1] : undefined;
        claims = JSON.parse(Buffer.from(payload ?? "", "base64url").toString("utf8"));
    } catch {
        return {
            isSuccess: false,
            code: "token_malformed",
            debugErrorMessage: "Failed to decode the JWT payload"
        };
    }
    const fault = faultOf(claims);
    return fault === null
        ? { isSuccess: true, claims: claims as DecodedAccessToken_RFC9068 }
        : {
              isSuccess: false,
              code: fault.isMissing ? "claim_missing" : "claim_malformed",
              debugErrorMessage: `The decoded access token does not satisfies the shape mandated by RFC9068: ${fault.report}`
          };
}

type Kind = {
    readonly expected: string;
    readonly isOptional?: true;
    readonly holds: (value: unknown) => boolean;
};

const isString = (value: unknown): boolean => typeof value === "string";
const isNumber = (value: unknown): boolean => typeof value === "number";
const isObject = (value: unknown): boolean =>
    typeof value === "object" && value !== null && !Array.isArray(value);

const string: Kind = { expected: "a string", holds: isString };
const number: Kind = { expected: "a number", holds: isNumber };

/** RFC 9068 section 2.2, as far as `oidc-spa/server` asks for it. */
const CLAIMS: { readonly [claim: string]: Kind } = {
    iss: string,
    sub: string,
    aud: {
        expected: "a string or a list of strings",
        holds: value => isString(value) || (Array.isArray(value) && value.every(isString))
    },
    exp: number,
    iat: number,
    client_id: { ...string, isOptional: true },
    scope: { ...string, isOptional: true },
    jti: { ...string, isOptional: true },
    nbf: { ...number, isOptional: true },
    auth_time: { ...number, isOptional: true },
    cnf: { expected: "an object", isOptional: true, holds: isObject }
};

function faultOf(claims: unknown): { readonly isMissing: boolean; readonly report: string } | null {
    if (!isObject(claims)) {
        return { isMissing: false, report: "the payload must be an object" };
    }
    for (const [claim, kind] of Object.entries(CLAIMS)) {
        if (!Object.hasOwn(claims as object, claim)) {
            if (kind.isOptional !== true) {
                return { isMissing: true, report: `${claim} is missing` };
            }
        } else if (!kind.holds((claims as Record<string, unknown>)[claim])) {
            return { isMissing: false, report: `${claim} must be ${kind.expected}` };
        }
    }
    return null;
}
