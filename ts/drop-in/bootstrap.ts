/**
 * `oidcSpa`: where a program on the drop-in starts.
 *
 * In: a schema, the parameters of `bootstrapAuth`. Out: `bootstrapAuth`, `validateAndDecodeAccessToken`. Never: a rule
 * of OAuth.
 */

import { isVerdict, type NativeVerdict } from "../addon/native.js";
import { Verifier } from "../addon/verifier.js";
import { createNativeValidator, type Native } from "../validator/addon-validator.js";
import { shapeMismatch, thrownReport } from "../validator/schema.js";
import { credentialParts, errored, expectationFault, fromNative, withResponse } from "./answers.js";
import { checkPlaceOfMock, decodeOnly, staticIdentity } from "./mock.js";
import { readNative, type ValidatorOptionsOfNative } from "./native-options.js";
import type {
    DecodedAccessToken_RFC9068,
    OidcSpaUtils,
    ParamsOfBootstrap,
    ValidateAndDecodeAccessToken
} from "./types.js";

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
        withExpectedDecodedAccessTokenShape: ({ decodedAccessTokenSchema }) =>
            builder(decodedAccessTokenSchema),
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
                throw new TypeError(
                    "its parse returned a Promise, of which nobody can say yet whether it is kept"
                );
            }
        } catch (error) {
            return errored("claims_rejected", "validation error", shapeMismatch(thrownReport(error)));
        }
        return {
            isSuccess: true,
            decodedAccessToken,
            decodedAccessToken_original: original,
            accessToken: params.accessToken
        };
    };

    const start = async (params: ParamsOfBootstrap<DecodedAccessToken>): Promise<void> => {
        const { mock: placeOfMock, validator: options } = readNative(params.native);
        if (params.implementation === "real") {
            const validator = createDropInValidator(params, options);
            const verifier = new Verifier(validator.native, validator.conclude, validator.settings);
            answer = callParams => {
                const fault = expectationFault(callParams);
                if (fault !== undefined) {
                    return withResponse(fault, callParams, validator.native);
                }
                const conclude = (verdict: NativeVerdict) =>
                    withResponse(fromNative(verdict, callParams, accept), callParams, validator.native);
                const answered = verifier.credentials(Date.now(), credentialParts(callParams));
                return isVerdict(answered) ? conclude(answered) : answered.then(conclude);
            };
            onBootstrapCalled();
            await verifier.ready(READY_TIMEOUT_MS, true);
            return;
        }
        if (params.implementation === "mock" && params.behavior === "use static identity") {
            checkPlaceOfMock(placeOfMock);
            answer = () => staticIdentity(params);
        } else if (params.implementation === "mock" && params.behavior === "decode only") {
            checkPlaceOfMock(placeOfMock);
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

function createDropInValidator(params: ParamsOfBootstrap.Real, options: ValidatorOptionsOfNative): Native {
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
    return createNativeValidator(
        { ...options, issuerUri, expectedAudience: expectedAudience ?? false },
        { dropIn: true }
    );
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
