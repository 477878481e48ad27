/**
 * The types of `oidc-spa/server` 10.2.11, by its names.
 *
 * In: the codes of `index.d.ts`. Out: types. Never: a difference from `oidc-spa/server`, `code`, `response` and
 * `native` aside.
 */

import type {
    CommonOptions,
    DpopMode,
    ErrorCode,
    Explanation,
    ValidatorHealth,
    ValidatorMetrics
} from "../../index.js";

/** Claims of an access token in the JWT profile (RFC 9068 section 2.2). */
export type DecodedAccessToken_RFC9068 = {
    /** Issuer. */
    iss: string;
    /** Subject: the user, or the client itself. */
    sub: string;
    /** The resource servers that the token is for. */
    aud: string | string[];
    /** Expiry, in seconds since 1970-01-01T00:00:00Z. */
    exp: number;
    /** Time of issue, in seconds since 1970-01-01T00:00:00Z. */
    iat: number;
    /** The client that asked for the token. */
    client_id?: string;
    /** Granted scopes, separated by spaces. */
    scope?: string;
    /** Identifier of the token. */
    jti?: string;
    /** Not valid before. */
    nbf?: number;
    /** When the user signed in. */
    auth_time?: number;
    /** The key that the token is bound to (RFC 7800). */
    cnf?: Record<string, unknown>;
    /** Any other claim. */
    [key: string]: unknown;
};

/** Validates an access token, and its DPoP proof if one is needed. */
export type ValidateAndDecodeAccessToken<DecodedAccessToken> = (
    params: ValidateAndDecodeAccessToken.Params
) => Promise<ValidateAndDecodeAccessToken.ReturnType<DecodedAccessToken>>;

export namespace ValidateAndDecodeAccessToken {
    /** What a request carried: `extractRequestAuthContext` makes it. */
    export type Params = Params.Bearer | Params.DPoP;

    export namespace Params {
        type Common = {
            accessToken: string;
        };

        export type Bearer = Common & {
            scheme: "Bearer";
            /** Keep it `true`: only `false` lets a token that is bound to a key pass without proof of the key. */
            rejectIfAccessTokenDPoPBound: boolean;
        };

        export type DPoP = Common & {
            scheme: "DPoP";
            dpopProof: string;
            /** The URL as the client saw it. */
            expectedHtu: string | undefined;
            /** The request's method. */
            expectedHtm: string | undefined;
        };
    }

    export type ReturnType<DecodedAccessToken> =
        | (ReturnType.Success<DecodedAccessToken> & { errorCause?: never; debugErrorMessage?: never })
        | (ReturnType.Errored & {
              decodedAccessToken?: never;
              decodedAccessToken_original?: never;
              accessToken?: never;
          });

    export namespace ReturnType {
        export type Success<DecodedAccessToken> = {
            isSuccess: true;
            /** The claims, as the application's schema returned them. */
            decodedAccessToken: DecodedAccessToken;
            /** The claims, as they were in the token. */
            decodedAccessToken_original: DecodedAccessToken_RFC9068;
            accessToken: string;
            /**
             * Header fields to send with your answer, if there are any: `DPoP-Nonce`, with `native.nonce`, if the
             * client does not have the current one. Not in `oidc-spa/server`.
             */
            response?: { status?: never; headers: Record<string, string> };
        };

        export type Errored = {
            isSuccess: false;
            errorCause:
                | "validation error"
                | "validation error - access token expired"
                | "validation error - invalid signature";
            /** For developers, not for clients. */
            debugErrorMessage: string;
            /** The reason for programs. A code is never renamed. Not in `oidc-spa/server`. */
            code?: ErrorCode;
            /**
             * The response for the client: the status, and the header fields `WWW-Authenticate` (RFC 6750 section 3,
             * RFC 9449 section 7.1), `Retry-After` and `DPoP-Nonce`. Not in mock modes, nor before `bootstrapAuth` was
             * called. Not in `oidc-spa/server`.
             */
            response?: { status: 400 | 401 | 403 | 503; headers: Record<string, string> };
        };
    }
}

/** Parameters of `bootstrapAuth`. */
export type ParamsOfBootstrap<DecodedAccessToken> =
    | ParamsOfBootstrap.Real
    | ParamsOfBootstrap.Mock<DecodedAccessToken>;

export namespace ParamsOfBootstrap {
    /** Validate. */
    export type Real = {
        implementation: "real";
        issuerUri: string;
        /** `undefined` skips the check: any access token of the issuer passes. */
        expectedAudience: string | undefined;
        native?: Native;
    };

    /**
     * Options beyond `oidc-spa/server`: those of `createValidator`, with its defaults and its errors. A mock does not
     * read them.
     */
    export type Native = Pick<
        CommonOptions<unknown>,
        | "network"
        | "replayStore"
        | "nonce"
        | "nonceSecret"
        | "noncePeriodSeconds"
        | "nonceLeewaySeconds"
        | "limits"
        | "verification"
    > & {
        /**
         * `"required"`: every Bearer token is refused, whatever `rejectIfAccessTokenDPoPBound` says. Default
         * `"allowed"`. `"disabled"` is not possible: `oidc-spa/server` always accepts DPoP.
         */
        dpop?: Exclude<DpopMode, "disabled">;
        /**
         * Whether a mock is refused if `NODE_ENV` is `production`: `bootstrapAuth` rejects, and every request is
         * refused. Default `false`: a mock starts there too, with a warning on stderr (code
         * `OIDC_SPA_NATIVE_MOCK_IN_PRODUCTION`). It changes nothing for `implementation: "real"`, so you may pass the
         * same options to both.
         *
         * @throws TypeError if it is no boolean, or if a member beside it is unknown
         */
        refuseMockInProduction?: boolean;
    };

    /** Do not validate: for development and tests. */
    export type Mock<DecodedAccessToken> = Mock.DecodeOnly | Mock.UseStaticIdentity<DecodedAccessToken>;

    export namespace Mock {
        type Common = {
            implementation: "mock";
            native?: Native;
        };

        /** Accept every token without verification. */
        export type DecodeOnly = Common & {
            behavior: "decode only";
        };

        /** Every request comes from the same user. */
        export type UseStaticIdentity<DecodedAccessToken> = Common & {
            behavior: "use static identity";
            decodedAccessToken_mock: DecodedAccessToken;
            decodedAccessToken_original_mock?: DecodedAccessToken_RFC9068;
            accessToken_mock?: string;
        };
    }
}

/** What `createUtils()` returns. */
export type OidcSpaUtils<DecodedAccessToken> = {
    /** Call it once, at start. Resolves when the issuer's keys are there. */
    bootstrapAuth: (params: ParamsOfBootstrap<DecodedAccessToken>) => Promise<void>;
    validateAndDecodeAccessToken: ValidateAndDecodeAccessToken<DecodedAccessToken>;
    /** For `typeof` only: it has no value. */
    ofTypeDecodedAccessToken: DecodedAccessToken;
};

/** What `createUtils()` returns beside it, and `oidc-spa/server`'s does not. */
export type NativeUtils = {
    native: {
        /**
         * How the issuer's keys and the memory of DPoP proofs stand, for a health or readiness endpoint. It makes no network
         * call. `null` before `bootstrapAuth` was called, and with a mock, which has neither.
         */
        health: () => ValidatorHealth | null;
        /**
         * What was counted since `bootstrapAuth`, as `metrics()` of a validator: `metricsText(native)` and
         * `observeMetrics(native)` show it to Prometheus and OpenTelemetry. Durations are not measured. `null` before
         * `bootstrapAuth` was called, and with a mock.
         */
        metrics: () => ValidatorMetrics | null;
        /**
         * Every check that `validateAndDecodeAccessToken` makes of the same parameters, for developers: it goes on after the
         * first failed check, grants nothing and remembers nothing. Neither token nor proof is in it. `null` before
         * `bootstrapAuth` was called, and with a mock.
         *
         * @example
         * ```ts
         * import { oidcSpa, extractRequestAuthContext, type AnyRequest } from "oidc-spa-native/server";
         *
         * const { bootstrapAuth, native } = oidcSpa.createUtils();
         * void bootstrapAuth({
         *     implementation: "real",
         *     issuerUri: "https://auth.example.com",
         *     expectedAudience: "https://api.example.com"
         * });
         * export async function whyRefused(request: AnyRequest) {
         *     const context = extractRequestAuthContext({ request, trustProxy: false });
         *     return context?.isWellFormed ? native.explain(context.accessTokenAndMetadata) : context;
         * }
         * ```
         */
        explain: (params: ValidateAndDecodeAccessToken.Params) => Promise<Explanation | null>;
    };
};

/** The requests that `extractRequestAuthContext` reads. */
export type AnyRequest =
    | AnyRequest.Unified
    | AnyRequest.RequestLike
    | AnyRequest.IncomingMessageLike
    | AnyRequest.HonoRequestLike
    | AnyRequest.FastifyRequestLike;

export namespace AnyRequest {
    /** For all other servers. */
    export type Unified = {
        type: "unified";
        method: string;
        pseudoHeaders: {
            /** `"http"` or `"https"`. */
            ":scheme": string;
            ":authority": string;
            ":path": string;
        };
        headers: Record<
            "Authorization" | "DPoP" | "Forwarded" | "X-Forwarded-Proto" | "X-Forwarded-Host",
            string | undefined
        >;
    };

    /** Node.js, Express, NestJS, Koa. */
    export type IncomingMessageLike = {
        headers: {
            [key in string]: string | string[] | undefined;
        };
        method?: string;
        url?: string;
        // biome-ignore lint/suspicious/noExplicitAny: as in oidc-spa/server, since types of programs depend on it.
        socket: Record<string, any>;
    };

    /** The Fetch API. */
    export type RequestLike = {
        url: string;
        method: string;
        headers: {
            get: (name: string) => string | null;
        };
    };

    export type HonoRequestLike = {
        raw: RequestLike;
    };

    export type FastifyRequestLike = {
        raw: IncomingMessageLike;
    };
}

/** What `extractRequestAuthContext` found. */
export type ParseAnyRequestResult = ParseAnyRequestResult.Success | ParseAnyRequestResult.Errored;

export namespace ParseAnyRequestResult {
    export type Success = {
        isWellFormed: true;
        accessTokenAndMetadata: ValidateAndDecodeAccessToken.Params;
    };

    export type Errored = {
        isWellFormed: false;
        debugErrorMessage: string;
    };
}
