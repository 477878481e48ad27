/**
 * The three implementations of `bootstrapAuth`: the real one and two mocks.
 *
 * In: the parameters of `bootstrapAuth`, a schema. Out: how a call of `validateAndDecodeAccessToken` is answered. Never: a
 * rule of OAuth.
 */

import type {
    ErrorCode,
    ExplainedCheck,
    Explanation,
    ValidatorHealth,
    ValidatorMetrics
} from "../../index.js";
import type { NativeMetrics, NativeVerdict } from "../addon/native.js";
import { isVerdict } from "../addon/verdict-text.js";
import { PathCounts, Verifier } from "../addon/verifier.js";
import { isNoRequest } from "../boundary/no-request.js";
import { createNativeValidator, type Native } from "../validator/addon-validator.js";
import { unexpected } from "../validator/members.js";
import { firstFailureOf, schemaCheck } from "../validator/explain.js";
import { Meter } from "../validator/meter.js";
import { thrownReport } from "../validator/schema.js";
import { MAX_REPORT, shown } from "../validator/shown.js";
import { credentialParts, errored, expectationFault, fromNative, withResponse } from "./answers.js";
import { checkPlaceOfMock, decodeOnly, staticIdentity } from "./mock.js";
import { readNative, type ValidatorOptionsOfNative } from "./native-options.js";
import type { DecodedAccessToken_RFC9068, ParamsOfBootstrap, ValidateAndDecodeAccessToken } from "./types.js";

/** A zod schema, or anything with such a `parse`. */
export type SchemaLike<Input, Output> = {
    parse: (input: Input) => Output;
};

type Params = ValidateAndDecodeAccessToken.Params;
type ReturnType<DecodedAccessToken> = ValidateAndDecodeAccessToken.ReturnType<DecodedAccessToken>;

/** How a call of `validateAndDecodeAccessToken` is answered. */
type Answer<DecodedAccessToken> = (
    params: Params
) => ReturnType<DecodedAccessToken> | Promise<ReturnType<DecodedAccessToken>>;

/** One of the three. */
export interface Implementation<DecodedAccessToken> {
    readonly answer: Answer<DecodedAccessToken>;
    /** Resolves once there are keys; at once where no keys can be fetched before a request comes. */
    readonly ready?: () => Promise<void>;
    readonly health?: () => ValidatorHealth;
    readonly metrics?: () => ValidatorMetrics;
    readonly explain?: (params: Params) => Promise<Explanation>;
}

/** Verified claims with the application's schema. */
type Accept<DecodedAccessToken> = (claims: unknown, params: Params) => ReturnType<DecodedAccessToken>;

/** Longer than any attempt to reach an issuer, so the limits of the attempt apply first. */
const READY_TIMEOUT_MS = 120_000;

export function implementationOf<DecodedAccessToken extends Record<string, unknown>>(
    params: ParamsOfBootstrap<DecodedAccessToken>,
    schema: SchemaLike<DecodedAccessToken_RFC9068, DecodedAccessToken> | undefined
): Implementation<DecodedAccessToken> {
    const { mock: placeOfMock, validator: options } = readNative(params.native);
    const accept = acceptBy(schema);
    if (params.implementation === "real") {
        return verifying(createDropInValidator(params, options), accept, schema !== undefined);
    }
    if (params.implementation === "mock" && params.behavior === "use static identity") {
        checkPlaceOfMock(placeOfMock);
        return { answer: () => staticIdentity(params) };
    }
    if (params.implementation === "mock" && params.behavior === "decode only") {
        checkPlaceOfMock(placeOfMock);
        return { answer: decoding(accept) };
    }
    // A misspelt value must be an error: it must start neither a mock nor an implementation that never answers.
    throw new TypeError(
        'oidc-spa-native: bootstrapAuth takes implementation "real", or "mock" with behavior "decode only" or ' +
            '"use static identity".'
    );
}

function acceptBy<DecodedAccessToken extends Record<string, unknown>>(
    schema: SchemaLike<DecodedAccessToken_RFC9068, DecodedAccessToken> | undefined
): Accept<DecodedAccessToken> {
    return (claims, params) => {
        const original = claims as DecodedAccessToken_RFC9068;
        let decodedAccessToken: DecodedAccessToken;
        try {
            // Without a schema, `DecodedAccessToken` is its default.
            decodedAccessToken =
                schema === undefined ? (original as unknown as DecodedAccessToken) : schema.parse(original);
            if (typeof decodedAccessToken?.then === "function") {
                // Its rejection is handled here.
                Promise.resolve(decodedAccessToken).catch(() => undefined);
                throw new TypeError(
                    "its parse returned a Promise, of which nobody can say yet whether it is kept"
                );
            }
        } catch (error) {
            return errored("claims_rejected", "validation error", shapeMismatch(error));
        }
        return {
            isSuccess: true,
            decodedAccessToken,
            decodedAccessToken_original: original,
            accessToken: params.accessToken
        };
    };
}

/** In the words that applications of `oidc-spa/server` know, misspelt as they are there. */
function shapeMismatch(thrown: unknown): string {
    return `The decoded access token does not satisfies the shape that the application expects: ${shown(thrownReport(thrown), MAX_REPORT)}`;
}

/** The real implementation. */
function verifying<DecodedAccessToken>(
    { native, conclude, settings, health }: Native,
    accept: Accept<DecodedAccessToken>,
    hasSchema: boolean
): Implementation<DecodedAccessToken> {
    const [paths, meter] = [new PathCounts(), new Meter()];
    const verifier = new Verifier(native, conclude, settings, paths);
    const issuerUri = settings.issuerUris[0] ?? "";
    // A program without types may pass no parameters.
    const counted = (result: ReturnType<DecodedAccessToken>, params: Params | null | undefined) => {
        const used = params?.scheme === "DPoP" ? "DPoP" : "Bearer";
        result.isSuccess
            ? meter.granted(issuerUri, used)
            : meter.refused(result.code ?? "token_malformed", used);
        return result;
    };
    return {
        answer: params => {
            const fault = expectationFault(params);
            if (fault !== undefined) {
                return counted(withResponse(fault, params, native), params);
            }
            const answerTo = (verdict: NativeVerdict) =>
                counted(withResponse(fromNative(verdict, params, accept), params, native), params);
            const verdict = verifier.credentials(Date.now(), credentialParts(params));
            return isVerdict(verdict) ? answerTo(verdict) : verdict.then(answerTo);
        },
        ready: () =>
            verifier.ready(READY_TIMEOUT_MS, true).catch((error: unknown) => {
                // A program on Workers starts at the top level, where nothing can be fetched: its first request waits for keys.
                if (!isNoRequest(error)) {
                    throw error;
                }
            }),
        health,
        metrics: () => ({
            ...meter.read(),
            verifications: { ...paths },
            ...(JSON.parse(native.metrics()) as NativeMetrics),
            shadow: null
        }),
        explain: async params => {
            const fault = expectationFault(params);
            const [scheme, token, rejects, proof, ...expected] = credentialParts(params);
            const [method, url] = fault === undefined ? expected : [null, null];
            const parts = [scheme, token, rejects, proof, method ?? null, url ?? null] as const;
            const { refusal, checks, admitted } = await verifier.explainCredentials(Date.now(), parts);
            const ofSchema = schemaCheck();
            if (admitted !== null && hasSchema) {
                const taken = accept(admitted.claims, params);
                ofSchema.endsWith(
                    taken.isSuccess ? null : [taken.code ?? "claims_rejected", taken.debugErrorMessage]
                );
            }
            const rows = [...(checks as ExplainedCheck[]), ofSchema.row];
            const first = fault ?? refusal;
            return {
                refusal:
                    first === null
                        ? firstFailureOf(rows)
                        : { code: first.code as ErrorCode, debugErrorMessage: first.debugErrorMessage },
                checks: rows
            };
        }
    };
}

/** The mock that reads tokens and verifies nothing. */
function decoding<DecodedAccessToken>(accept: Accept<DecodedAccessToken>): Answer<DecodedAccessToken> {
    return params => {
        const decoded = decodeOnly(params.accessToken);
        return decoded.isSuccess
            ? accept(decoded.claims, params)
            : errored(decoded.code, "validation error", decoded.debugErrorMessage);
    };
}

function createDropInValidator(params: ParamsOfBootstrap.Real, options: ValidatorOptionsOfNative): Native {
    const { issuerUri, expectedAudience } = params;
    // `false` would skip the check: here only `undefined` does.
    if (expectedAudience !== undefined && typeof expectedAudience !== "string") {
        throw unexpected(
            "option",
            "expectedAudience",
            "a string or undefined",
            expectedAudience,
            'expectedAudience: "https://api.example.com"'
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
