/**
 * `expectedAudience` as a function: the application decides whether a verified token is for it.
 *
 * In: options; grants of the addon. Out: the same options without functions; grants and refusals. Never: an unverified
 * token, an exception for a fault of the function, a grant without `true`.
 */

import type { AudienceFunction } from "../../index.js";
import type { NativeGrant } from "../addon/native.js";
import { invalid, kindOf } from "./members.js";
import { messageOf, shown } from "./shown.js";
import { isPromise } from "./synchronous.js";

/** The functions of the issuers, by their position; `undefined` for an issuer without one. */
export type AudienceFunctions = readonly (AudienceFunction | undefined)[];

/** Why a verified token is not for this API. */
export interface AudienceObjection {
    readonly code: "claim_missing" | "claim_malformed" | "audience_mismatch";
    readonly debugErrorMessage: string;
}

type Options = Readonly<Record<string, unknown>>;

/** The options as the addon reads them, and the functions that were in them. */
export function takeAudienceFunctions(options: Options): readonly [options: Options, AudienceFunctions] {
    const { issuers } = options;
    if (!Array.isArray(issuers)) {
        const [plain, audience] = take(options, "");
        return [plain, [audience]];
    }
    const taken = Array.from(issuers, (issuer: unknown, i) => take(issuer, `issuers[${i}].`));
    const plain = { ...options, issuers: taken.map(([issuer]) => issuer) };
    return [plain, taken.map(([, audience]) => audience)];
}

/** An issuer's options, with `false` in the place of a function: then the addon does not check the audience. */
function take<Issuer>(issuer: Issuer, path: string): [issuer: Issuer, AudienceFunction | undefined] {
    if (typeof issuer !== "object" || issuer === null || !Object.hasOwn(issuer, "expectedAudience")) {
        return [issuer, undefined];
    }
    const { expectedAudience, audienceMode } = issuer as Options;
    if (typeof expectedAudience !== "function") {
        return [issuer, undefined];
    }
    if (audienceMode !== undefined) {
        throw invalid(
            `${path}audienceMode: cannot stand beside a function in expectedAudience, which is given all values of aud: ` +
                'for "only", return true where it is alone, audiences.length === 1'
        );
    }
    const plain = Object.assign(Object.create(Object.getPrototypeOf(issuer) as object | null), issuer, {
        expectedAudience: false
    }) as Issuer;
    return [plain, expectedAudience as AudienceFunction];
}

/** Why the function does not accept a verified token; `null` if it returns `true`. */
export function audienceObjection(
    { claims, issuerUri }: Pick<NativeGrant, "claims" | "issuerUri">,
    isExpected: AudienceFunction
): AudienceObjection | null {
    const { aud } = claims as { readonly aud?: unknown };
    if (aud === undefined) {
        return {
            code: "claim_missing",
            debugErrorMessage: "The aud claim is missing, which expectedAudience asks for"
        };
    }
    const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
    if (!isTexts(audiences)) {
        const debugErrorMessage = `The aud claim must be a string or a list of strings; it is ${kindOf(aud)}`;
        return { code: "claim_malformed", debugErrorMessage };
    }
    const why = whyNot(isExpected, audiences, issuerUri);
    return why === null ? null : { code: "audience_mismatch", debugErrorMessage: why };
}

const isTexts = (values: readonly unknown[]): values is readonly string[] =>
    values.every(value => typeof value === "string");

function whyNot(
    isExpected: AudienceFunction,
    audiences: readonly string[],
    issuerUri: string
): string | null {
    let answer: unknown;
    try {
        // A copy of the list, so that the function cannot change the claims.
        answer = isExpected([...audiences], { issuerUri });
    } catch (thrown) {
        return `The function expectedAudience failed: ${shown(messageOf(thrown))}`;
    }
    if (answer === true) {
        return null;
    }
    const named = shown(audiences.map(audience => JSON.stringify(audience)).join(", "));
    if (answer === false) {
        return `The function expectedAudience does not accept the audience of the access token: ${named || "none"}`;
    }
    const kind = isPromise(answer, "expectedAudience") ? "a Promise" : kindOf(answer);
    return `The function expectedAudience returned ${kind} where true or false is expected; the token is for ${named || "none"}`;
}
