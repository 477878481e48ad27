/**
 * The drop-in for `oidc-spa/server` 10.2.11: its names, its types, its results, over the addon.
 *
 * In: what a program written on `oidc-spa/server` passes. Out: what it expects, with the finer `code` beside
 * `errorCause`. May use: native, request, validator, verifier, mock, server-types. Never: a rule about tokens outside the mock modes.
 */

import type { ErrorCode } from "../index.js";
import { decodeOnly, staticIdentity } from "./mock.js";
import { extractCredentials, textAt, type CredentialParts, type NativeVerdict } from "./native.js";
import { readRequest } from "./request.js";
import type {
    AnyRequest,
    DecodedAccessToken_RFC9068,
    OidcSpaUtils,
    ParamsOfBootstrap,
    ParseAnyRequestResult,
    ValidateAndDecodeAccessToken
} from "./server-types.js";
import { kindOf, messageOf, newNativeValidator, shapeMismatch, type Native } from "./validator.js";
import { Verifier } from "./verifier.js";

export type * from "./server-types.js";

/**
 * Reads the credentials of a request: `undefined` if it has none.
 *
 * Validates: the syntax of the `Authorization` field, and of the Host for DPoP. Does not validate: the token.
 */
export function extractRequestAuthContext(params: {
    request: AnyRequest;
    /** Whether `Forwarded` and `X-Forwarded-*` say how the client saw this server. */
    trustProxy: boolean;
}): ParseAnyRequestResult | undefined {
    const parts = readRequest(params.request);
    const [, authorization, dpop, method] = parts;
    const extraction = extractCredentials(Boolean(params.trustProxy), ...parts);

    if (extraction === null) {
        return undefined;
    }
    if (typeof extraction === "string") {
        return { isWellFormed: false, debugErrorMessage: extraction };
    }
    if (typeof extraction === "number") {
        const accessToken = textAt(extraction, authorization);
        return {
            isWellFormed: true,
            accessTokenAndMetadata: { scheme: "Bearer", accessToken, rejectIfAccessTokenDPoPBound: true }
        };
    }
    const [place, htu] = extraction;
    return {
        isWellFormed: true,
        accessTokenAndMetadata: {
            scheme: "DPoP",
            accessToken: textAt(place, authorization),
            dpopProof: dpop ?? "",
            expectedHtu: htu ?? undefined,
            expectedHtm: method ?? undefined
        }
    };
}

type SchemaLike<Input, Output> = {
    parse: (input: Input) => Output;
};

type OidcSpaUtilsBuilder<
    DecodedAccessToken extends Record<string, unknown> = DecodedAccessToken_RFC9068,
    ExcludedMethod extends "withExpectedDecodedAccessTokenShape" | "createUtils" = never
> = Omit<
    {
        /** Says what the application's claims look like: a zod schema, or anything with such a `parse`. */
        withExpectedDecodedAccessTokenShape: <DecodedAccessToken extends Record<string, unknown>>(params: {
            decodedAccessTokenSchema: SchemaLike<DecodedAccessToken_RFC9068, DecodedAccessToken>;
        }) => OidcSpaUtilsBuilder<DecodedAccessToken, ExcludedMethod | "withExpectedDecodedAccessTokenShape">;
        createUtils: () => OidcSpaUtils<DecodedAccessToken>;
    },
    ExcludedMethod
>;

function builder<DecodedAccessToken extends Record<string, unknown>>(
    schema: SchemaLike<DecodedAccessToken_RFC9068, DecodedAccessToken> | undefined
): OidcSpaUtilsBuilder<DecodedAccessToken> {
    return {
        withExpectedDecodedAccessTokenShape: ({ decodedAccessTokenSchema }) => builder(decodedAccessTokenSchema),
        createUtils: () => createUtils(schema)
    };
}

/** Where a program starts. */
export const oidcSpa: OidcSpaUtilsBuilder = builder<DecodedAccessToken_RFC9068>(undefined);

type ReturnType<DecodedAccessToken> = ValidateAndDecodeAccessToken.ReturnType<DecodedAccessToken>;

/** What the parameters of `bootstrapAuth` became: how a call of `validateAndDecodeAccessToken` is answered. */
type Answer<DecodedAccessToken> = (
    params: ValidateAndDecodeAccessToken.Params
) => ReturnType<DecodedAccessToken> | Promise<ReturnType<DecodedAccessToken>>;

/** How long a request waits for `bootstrapAuth` to be called: as long as it would wait for keys. */
const BOOTSTRAP_TIMEOUT_MS = 5_000;

/** Longer than any attempt to reach an issuer, whose own limits come first. */
const READY_TIMEOUT_MS = 120_000;

function createUtils<DecodedAccessToken extends Record<string, unknown>>(
    schema: SchemaLike<DecodedAccessToken_RFC9068, DecodedAccessToken> | undefined
): OidcSpaUtils<DecodedAccessToken> {
    let answer: Answer<DecodedAccessToken> | undefined;
    let bootstrap: Promise<void> | undefined;
    const { promise: bootstrapCalled, resolve: onBootstrapCalled } = deferred();

    const accept = (
        claims: unknown,
        params: ValidateAndDecodeAccessToken.Params
    ): ReturnType<DecodedAccessToken> => {
        const original = claims as DecodedAccessToken_RFC9068;
        let decodedAccessToken: DecodedAccessToken;
        try {
            // Without a schema, `DecodedAccessToken` is its default.
            decodedAccessToken =
                schema === undefined ? (original as unknown as DecodedAccessToken) : schema.parse(original);
            if (typeof decodedAccessToken?.then === "function") {
                // That it rejects is said here already.
                Promise.resolve(decodedAccessToken).catch(() => undefined);
                throw new TypeError("its parse returned a Promise, of which nobody can say yet whether it is kept");
            }
        } catch (error) {
            return errored("claims_rejected", "validation error", shapeMismatch(messageOf(error)));
        }
        return {
            isSuccess: true,
            decodedAccessToken,
            decodedAccessToken_original: original,
            accessToken: params.accessToken
        };
    };

    const start = async (params: ParamsOfBootstrap<DecodedAccessToken>): Promise<void> => {
        if (params.implementation === "real") {
            const { native, conclude } = newDropInValidator(params);
            const verifier = new Verifier(native, conclude, {});
            answer = callParams => {
                const fault = expectationFault(callParams);
                if (fault !== undefined) {
                    return fault;
                }
                const answered = verifier.credentials(Date.now(), credentialParts(callParams));
                return answered instanceof Promise
                    ? answered.then(verdict => fromNative(verdict, callParams, accept))
                    : fromNative(answered, callParams, accept);
            };
            onBootstrapCalled();
            await native.ready(READY_TIMEOUT_MS, true);
            return;
        }
        if (params.implementation === "mock" && params.behavior === "use static identity") {
            answer = () => staticIdentity(params);
        } else if (params.implementation === "mock" && params.behavior === "decode only") {
            answer = callParams => {
                const decoded = decodeOnly(callParams.accessToken);
                return decoded.isSuccess
                    ? accept(decoded.claims, callParams)
                    : errored(decoded.code, "validation error", decoded.debugErrorMessage);
            };
        } else {
            // A misspelt mock must not become a mock, nor a misspelt "real" something that never answers.
            throw new TypeError(
                'oidc-spa-native: bootstrapAuth takes implementation "real", or "mock" with behavior "decode only" or ' +
                    '"use static identity".'
            );
        }
        onBootstrapCalled();
    };

    return {
        bootstrapAuth: params => {
            // One that failed is forgotten, so that it can be tried again.
            bootstrap ??= start(params).catch((error: unknown) => {
                bootstrap = undefined;
                throw error;
            });
            return bootstrap;
        },
        validateAndDecodeAccessToken: async params => {
            if (answer === undefined) {
                await within(BOOTSTRAP_TIMEOUT_MS, bootstrapCalled);
            }
            return answer === undefined
                ? errored(
                      "keys_unavailable",
                      "validation error",
                      "bootstrapAuth was not called: there is no issuer whose keys could verify the access token"
                  )
                : answer(params);
        },
        // As in oidc-spa/server, which keeps a value of this type nowhere.
        ofTypeDecodedAccessToken: null as unknown as DecodedAccessToken
    };
}

function newDropInValidator(params: ParamsOfBootstrap.Real): Native {
    const { issuerUri, expectedAudience } = params;
    // `false` would skip the check: here only `undefined` does.
    if (expectedAudience !== undefined && typeof expectedAudience !== "string") {
        throw new TypeError(
            'oidc-spa-native: expectedAudience must be a string, for example "https://api.example.com", or undefined.'
        );
    }
    if (expectedAudience === undefined) {
        warnOfAudience();
    }
    return newNativeValidator({ issuerUri, expectedAudience: expectedAudience ?? false, dropIn: true });
}

let warnedOfAudience = false;

function warnOfAudience(): void {
    if (warnedOfAudience) {
        return;
    }
    warnedOfAudience = true;
    process.emitWarning(
        "expectedAudience is undefined: any access token of the issuer is accepted, whatever service it was meant for. " +
            "Pass the identifier of this API.",
        { type: "oidc-spa-native", code: "OIDC_SPA_NATIVE_AUDIENCE_UNCHECKED" }
    );
}

function credentialParts(params: ValidateAndDecodeAccessToken.Params): CredentialParts {
    // A program without types may pass anything: what is not a string is a token that cannot be decoded.
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

/** Nothing that a proof says matches what a program without types expects, `null` for instance. */
function expectationFault(
    params: ValidateAndDecodeAccessToken.Params
): ValidateAndDecodeAccessToken.ReturnType.Errored | undefined {
    if (params?.scheme !== "DPoP") {
        return undefined;
    }
    const { expectedHtm, expectedHtu } = params;
    const misfit = ([["htm", "method", expectedHtm], ["htu", "url", expectedHtu]] as const).find(
        ([, , expected]) => expected !== undefined && typeof expected !== "string"
    );
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

function fromNative<DecodedAccessToken>(
    verdict: NativeVerdict,
    params: ValidateAndDecodeAccessToken.Params,
    accept: (claims: unknown, params: ValidateAndDecodeAccessToken.Params) => ReturnType<DecodedAccessToken>
): ReturnType<DecodedAccessToken> {
    if (!verdict.isGranted) {
        return errored(
            verdict.code as ErrorCode,
            verdict.errorCause as ValidateAndDecodeAccessToken.ReturnType.Errored["errorCause"],
            verdict.debugErrorMessage
        );
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
    return accept(verdict.claims, params);
}

function errored(
    code: ErrorCode,
    errorCause: ValidateAndDecodeAccessToken.ReturnType.Errored["errorCause"],
    debugErrorMessage: string
): ValidateAndDecodeAccessToken.ReturnType.Errored {
    return { isSuccess: false, errorCause, debugErrorMessage, code };
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
    let resolve: () => void = () => undefined;
    const promise = new Promise<void>(settle => {
        resolve = settle;
    });
    return { promise, resolve };
}

/** Waits for `promise`, but no longer than `ms`. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
    const { promise: elapsed, resolve } = deferred();
    const timer = setTimeout(resolve, ms);
    try {
        await Promise.race([promise, elapsed]);
    } finally {
        clearTimeout(timer);
    }
}
