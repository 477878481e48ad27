/**
 * `mockValidator`: the two mock modes of `oidc-spa/server` for programs on `createValidator`.
 *
 * In: the options of a real validator, a mode. Out: a validator that verifies nothing. Never: a fetch, silence about it.
 */

import type {
    AccessTokenClaims,
    ClaimsOf,
    OptionalClaim,
    Validator,
    ValidatorOptions,
    Verdict
} from "../../index.js";
import { copyOf } from "../addon/claims.js";
import { extractCredentials, textAt } from "../addon/native.js";
import { decodeOnly } from "../drop-in/mock.js";
import type { Fixed } from "../guard/rules.js";
import { readHeadersOrRequest } from "../request/request.js";
import { createValidator } from "../validator/create.js";
import { invalid, readMembers, type Members } from "../validator/members.js";
import { schemaReader, shapeMismatch, type SchemaOutcome } from "../validator/schema.js";
import { answering, granted, refused, type Answer } from "./answering.js";
import { filledIn } from "./fake-validator.js";
import { checkPlace, tellMock, type ProductionOptions } from "./production.js";
import { textOf } from "./values.js";

/** Every token is accepted: its payload is decoded, the schema is applied, and nothing is verified. */
export interface DecodeOnly extends ProductionOptions {
    behavior: "decode only";
    claims?: never;
    accessToken?: never;
}

/** Every request is granted as one user, with any credentials or without. */
export interface UseStaticIdentity<Claims> extends ProductionOptions {
    behavior: "use static identity";
    /** The claims of this user. Missing claims are filled in as in `fakeValidator`. The schema is not applied. */
    claims: Partial<Fixed<Claims>>;
    /** The access token. Default `"test-token"`. */
    accessToken?: string | undefined;
}

const MOCK: Members = {
    of: "mockValidator, as its second argument,",
    noun: "option",
    names: ["behavior", "claims", "accessToken", "verifyNothingInProduction"],
    example: 'mockValidator(options, { behavior: "decode only" })',
    instead: {
        decodedAccessToken_mock: 'claims: { sub: "ann" }',
        accessToken_mock: 'accessToken: "test-token"'
    }
};

/**
 * Makes a validator that verifies nothing, for a program that is developed without its issuer. It takes the options of
 * `createValidator`, checks them, and asks no issuer. `authorize` works as in a real validator.
 *
 * `"decode only"`: a request needs a token that has the claims of an access token; its signature, audience and expiry
 * do not matter, and proofs are not read. `"use static identity"`: every request is granted as the user that you write.
 *
 * A warning says so (`OIDC_SPA_NATIVE_MOCK`). If `NODE_ENV` is `production`, it throws, unless it is allowed there
 * twice: see `verifyNothingInProduction`.
 *
 * @throws TypeError if the options or the behavior make no sense
 * @throws Error in production
 * @example
 * ```ts
 * import { createValidator, type ValidatorOptions } from "oidc-spa-native";
 * import { mockValidator } from "oidc-spa-native/testing";
 *
 * const options: ValidatorOptions = {
 *     issuerUri: "https://auth.example.com",
 *     expectedAudience: "https://api.example.com"
 * };
 * export const validator =
 *     process.env["MOCK_AUTH"] === "true"
 *         ? mockValidator(options, { behavior: "use static identity", claims: { sub: "ann" } })
 *         : createValidator(options);
 * ```
 */
export function mockValidator<Claims = AccessTokenClaims, Lacking extends OptionalClaim = never>(
    options: ValidatorOptions<Claims, Lacking>,
    mock: DecodeOnly | UseStaticIdentity<ClaimsOf<Claims, Lacking>>
): Validator<ClaimsOf<Claims, Lacking>>;
export function mockValidator<Claims>(
    options: ValidatorOptions<Claims, OptionalClaim>,
    mock: DecodeOnly | UseStaticIdentity<Claims>
): Validator<Claims> {
    const read = readMembers(mock, MOCK) as unknown as DecodeOnly | UseStaticIdentity<Claims>;
    if (!checkPlace("mockValidator", read)) {
        tellMock("mockValidator");
    }
    const real = createValidator(options) as unknown as Validator<Claims>;
    switch (read.behavior) {
        case "decode only":
            if (read.claims !== undefined || read.accessToken !== undefined) {
                throw invalid('claims and accessToken belong to the behavior "use static identity"');
            }
            return withoutExpiry(answering(real, decoding(real, options)));
        case "use static identity": {
            const { claims, accessToken = "test-token" } = read;
            filledIn(claims);
            textOf("accessToken", accessToken);
            return answering(real, () => {
                const rawClaims = filledIn(claims);
                return granted({ claims: rawClaims as unknown as Claims, rawClaims, accessToken });
            });
        }
        default:
            throw invalid(
                `the behavior must be "decode only" or "use static identity". Write ${MOCK.example}`
            );
    }
}

function decoding<Claims>(
    real: Validator<Claims>,
    { claims: schema, trustProxy = false }: ValidatorOptions<Claims, OptionalClaim>
): Answer<Claims> {
    const applySchema = schema === undefined ? undefined : schemaReader<Claims>(schema as never);
    return (headers, target, rules) => {
        const parts = readHeadersOrRequest(headers, target, { peerCertificate: false, pseudoScheme: false });
        const extraction = extractCredentials(Boolean(trustProxy), ...parts);
        if (extraction === null || typeof extraction === "string") {
            // Without well-formed credentials, the real validator gives the refusal; this needs no key.
            return real.validateRequest(headers, target, rules);
        }
        const [place, scheme] =
            typeof extraction === "number"
                ? ([extraction, "Bearer"] as const)
                : ([extraction[0], "DPoP"] as const);
        const accessToken = textAt(place, parts[1]);
        const decoded = decodeOnly(accessToken);
        if (!decoded.isSuccess) {
            return refused(decoded.code, decoded.debugErrorMessage);
        }
        const rawClaims = decoded.claims as AccessTokenClaims;
        const conclude = (outcome: SchemaOutcome<Claims>): Verdict<Claims> =>
            "report" in outcome
                ? refused("claims_rejected", shapeMismatch(outcome.report))
                : granted({ claims: outcome.claims, rawClaims, accessToken, scheme });
        const outcome = applySchema?.(copyOf(rawClaims)) ?? {
            // Without a schema, `Claims` is its default.
            claims: rawClaims as unknown as Claims
        };
        return "then" in outcome ? outcome.then(conclude) : conclude(outcome);
    };
}

/** A mock does not check the expiry, so nothing ends with a token. */
const withoutExpiry = <Claims>(validator: Validator<Claims>): Validator<Claims> => ({
    ...validator,
    hasExpired: granted => {
        validator.hasExpired(granted);
        return false;
    },
    untilExpiry: (granted, until) => {
        validator.hasExpired(granted);
        return validator.untilExpiry(null, until);
    }
});
