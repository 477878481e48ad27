/**
 * `createValidator`: the addon's validator with the application's schema, its clock and its types.
 *
 * In: the options of `index.d.ts`; header fields or a request. Out: a `Validator`; verdicts. May use: addon, request,
 * this folder. Never: a rule about tokens, a challenge, an exception for what a client sent.
 */

import type {
    AccessTokenClaims,
    ClaimsOf,
    OptionalClaim,
    Refused,
    ResourceMetadata,
    Validator,
    ValidatorOptions,
    Verdict
} from "../../index.js";
import { copyOf } from "../addon/claims.js";
import {
    isVerdict,
    readRefusal,
    type NativeVerdict,
    type RequestParts,
    type RuleBits
} from "../addon/native.js";
import { Verifier } from "../addon/verifier.js";
import { readHeadersOrRequest } from "../request/request.js";
import { newNativeValidator } from "./addon-validator.js";
import { expiryBy } from "./expiry.js";
import { hostWatch } from "./host-notice.js";
import { clockReader, inheritedGetter, ruleBitsOf } from "./options.js";
import { scopesToAskFor, shortfallOf } from "./requirements.js";
import { RefusedError } from "./refused-error.js";
import { schemaReader, shapeMismatch, type SchemaOutcome } from "./schema.js";
import { toGranted, toRefused } from "./verdict.js";

export function createValidator<Claims = AccessTokenClaims, Lacking extends OptionalClaim = never>(
    options: ValidatorOptions<Claims, Lacking>
): Validator<ClaimsOf<Claims, Lacking>>;
export function createValidator<Claims>(options: ValidatorOptions<Claims, OptionalClaim>): Validator<Claims> {
    if (typeof options !== "object" || options === null || Array.isArray(options)) {
        throw new TypeError(
            "oidc-spa-native: createValidator takes an object of options, for example " +
                '{ issuerUri: "https://auth.example.com", expectedAudience: "https://api.example.com" }.'
        );
    }
    const lost = inheritedGetter(options);
    if (lost !== undefined) {
        throw new TypeError(
            `oidc-spa-native: option "${lost}" is a getter of a class, which would be lost. Write the options out: ` +
                "{ issuerUri: config.issuerUri, expectedAudience: config.audience }."
        );
    }
    const { claims, clock, ...policy } = options;
    for (const internal of ["dropIn", "ownClock"]) {
        if (internal in policy) {
            throw new TypeError(`oidc-spa-native: unknown option "${internal}".`);
        }
    }
    const applySchema = claims === undefined ? undefined : schemaReader(claims);
    const now = clock === undefined ? () => Date.now() : clockReader(clock);
    const { native, conclude, health } = newNativeValidator(
        clock === undefined ? policy : { ...policy, ownClock: true }
    );
    const verifier = new Verifier(native, conclude, policy);
    const lookAtHost = hostWatch(policy);

    // The addon has checked the value. A proxy's own certificate must not pass for its client's.
    const sources = {
        peerCertificate: (policy.clientCertificate ?? "socket") === "socket",
        pseudoScheme: false
    };

    const metadata = native.resourceMetadata();

    const refuse = (bits: RuleBits, scheme: string, debugErrorMessage: string): Refused =>
        toRefused(
            readRefusal(
                native.refuse(now(), bits, "claims_rejected", scheme, debugErrorMessage, [], [], null)
            )
        );

    /** Who came without credentials is told what to get. A token that is bad for itself may have the scopes. */
    const nameScopes = (verdict: Refused, bits: RuleBits, scopes: readonly string[]): Refused => {
        const { code, debugErrorMessage } = verdict;
        const isAnonymous = code === "credentials_missing" || code === "scheme_unsupported";
        return isAnonymous && scopes.length > 0
            ? toRefused(
                  readRefusal(native.refuse(now(), bits, code, null, debugErrorMessage, scopes, [], null))
              )
            : verdict;
    };

    const toVerdict = (
        verdict: NativeVerdict,
        bits: RuleBits
    ): Verdict<Claims> | Promise<Verdict<Claims>> => {
        if (!verdict.isGranted) {
            return toRefused(verdict);
        }
        const rawClaims = verdict.claims as AccessTokenClaims;
        if (applySchema === undefined) {
            // Without a schema, `Claims` is its default.
            return toGranted(verdict, rawClaims as Claims, rawClaims);
        }
        // A schema may change what it is given: it gets claims of its own.
        const outcome = applySchema(copyOf(rawClaims));
        const conclude = (outcome: SchemaOutcome<Claims>): Verdict<Claims> =>
            "report" in outcome
                ? refuse(bits, verdict.scheme, shapeMismatch(outcome.report))
                : toGranted(verdict, outcome.claims, rawClaims);
        return "then" in outcome ? outcome.then(conclude) : conclude(outcome);
    };

    const concluded = (verdict: NativeVerdict, bits: RuleBits, parts: RequestParts, target: unknown) => {
        // With a target, the application says which host it is.
        if (lookAtHost !== undefined && target === undefined && isGrantedWithProof(verdict)) {
            lookAtHost(parts);
        }
        return toVerdict(verdict, bits);
    };

    const validateRequest: Validator<Claims>["validateRequest"] = async (headers, target, rules) => {
        const bits = ruleBitsOf(rules);
        const parts = readHeadersOrRequest(headers, target, sources);
        const answer = verifier.request(now(), bits, parts);
        return concluded(isVerdict(answer) ? answer : await answer, bits, parts, target);
    };

    return {
        validateRequest,
        validateRequestOrThrow: async (headers, target, rules) => {
            const verdict = await validateRequest(headers, target, rules);
            if (!verdict.isSuccess) {
                throw new RefusedError(verdict);
            }
            return verdict;
        },
        validateRequestSync: (headers, target, rules) => {
            const bits = ruleBitsOf(rules);
            const parts = readHeadersOrRequest(headers, target, sources);
            const answer = verifier.requestNow(now(), bits, parts);
            const verdict = answer === null ? null : concluded(answer, bits, parts, target);
            if (verdict !== null && "then" in verdict) {
                throw new TypeError(
                    "oidc-spa-native: validateRequestSync cannot wait for the schema in `claims`, which answers with a " +
                        "Promise. Use validateRequest, or a schema without asynchronous parts."
                );
            }
            return verdict;
        },
        authorize: (verdict, requirement, rules) => {
            const bits = ruleBitsOf(rules);
            if (!verdict.isSuccess) {
                return nameScopes(verdict, bits, scopesToAskFor(requirement));
            }
            const at = now();
            const lack = shortfallOf(verdict, requirement, Math.floor(at / 1000));
            if (lack === null) {
                return verdict;
            }
            const { code, debugErrorMessage, scopes = [], acrValues = [], maxAgeSeconds = null } = lack;
            const told = native.refuse(
                at,
                bits,
                code,
                verdict.scheme,
                debugErrorMessage,
                scopes,
                acrValues,
                maxAgeSeconds
            );
            return toRefused(readRefusal(told));
        },
        // The addon has checked the value.
        ...expiryBy<Claims>(now, policy),
        dpop: options.dpop ?? "allowed",
        certificate: options.certificate ?? "allowed",
        senderConstrained: options.senderConstrained ?? "allowed",
        resourceMetadata: metadata === null ? null : (JSON.parse(metadata) as ResourceMetadata),
        ready: async ({ timeoutMs = 10_000, ...others } = {}) => {
            const [unknown] = Object.keys(others);
            if (unknown !== undefined) {
                throw new TypeError(
                    `oidc-spa-native: unknown option "${unknown}" of ready(); there is timeoutMs.`
                );
            }
            if (typeof timeoutMs !== "number" || !(timeoutMs >= 0 && timeoutMs <= 3_600_000)) {
                throw new TypeError(
                    `oidc-spa-native: timeoutMs must be a number from 0 to 3600000, but ${String(timeoutMs)} was given.`
                );
            }
            await verifier.ready(timeoutMs, false);
        },
        health
    };
}

function isGrantedWithProof(verdict: NativeVerdict): boolean {
    return verdict.isGranted && verdict.scheme === "DPoP";
}
