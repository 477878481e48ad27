/**
 * `oidcSpa`: the start of a program on the drop-in.
 *
 * In: a schema, the parameters of `bootstrapAuth`. Out: `bootstrapAuth`, `validateAndDecodeAccessToken`. Never: a rule
 * of OAuth.
 */

import { errored } from "./answers.js";
import { implementationOf, type Implementation, type SchemaLike } from "./implementations.js";
import type { DecodedAccessToken_RFC9068, NativeUtils, OidcSpaUtils, ParamsOfBootstrap } from "./types.js";

type OidcSpaUtilsBuilder<
    DecodedAccessToken extends Record<string, unknown> = DecodedAccessToken_RFC9068,
    ExcludedMethod extends "withExpectedDecodedAccessTokenShape" | "createUtils" = never
> = Omit<
    {
        /** Sets the schema of the application's claims: a zod schema, or an object with such a `parse`. */
        withExpectedDecodedAccessTokenShape: <DecodedAccessToken extends Record<string, unknown>>(params: {
            decodedAccessTokenSchema: SchemaLike<DecodedAccessToken_RFC9068, DecodedAccessToken>;
        }) => OidcSpaUtilsBuilder<DecodedAccessToken, ExcludedMethod | "withExpectedDecodedAccessTokenShape">;
        createUtils: () => OidcSpaUtils<DecodedAccessToken> & NativeUtils;
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

/** The start of a program. */
export const oidcSpa: OidcSpaUtilsBuilder = builder<DecodedAccessToken_RFC9068>(undefined);

/** How long a request waits for a call of `bootstrapAuth`: as long as it waits for keys. */
const BOOTSTRAP_TIMEOUT_MS = 5_000;

function createUtils<DecodedAccessToken extends Record<string, unknown>>(
    schema: SchemaLike<DecodedAccessToken_RFC9068, DecodedAccessToken> | undefined
): OidcSpaUtils<DecodedAccessToken> & NativeUtils {
    let implementation: Implementation<DecodedAccessToken> | undefined;
    let bootstrap: Promise<void> | undefined;
    const { promise: bootstrapCalled, resolve: onBootstrapCalled } = deferred();

    const start = async (params: ParamsOfBootstrap<DecodedAccessToken>): Promise<void> => {
        const chosen = implementationOf(params, schema);
        implementation = chosen;
        onBootstrapCalled();
        await chosen.ready?.();
    };

    return {
        bootstrapAuth: params => {
            // A failed start is forgotten, so that it can be tried again.
            bootstrap ??= start(params).catch((error: unknown) => {
                bootstrap = undefined;
                throw error;
            });
            return bootstrap;
        },
        validateAndDecodeAccessToken: async params => {
            if (implementation === undefined) {
                await within(BOOTSTRAP_TIMEOUT_MS, bootstrapCalled);
            }
            return implementation === undefined
                ? errored(
                      "keys_unavailable",
                      "validation error",
                      "bootstrapAuth was not called: there is no issuer whose keys could verify the access token"
                  )
                : implementation.answer(params);
        },
        // As in oidc-spa/server, which keeps a value of this type nowhere.
        ofTypeDecodedAccessToken: null as unknown as DecodedAccessToken,
        native: {
            health: () => implementation?.health?.() ?? null,
            metrics: () => implementation?.metrics?.() ?? null,
            explain: async params => (await implementation?.explain?.(params)) ?? null
        }
    };
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
