/**
 * `createValidator`: the addon's validator with the application's schema, its clock and its types.
 *
 * In: the options of `index.d.ts`; header fields or a request. Out: a `Validator`; verdicts. Never: a rule about
 * tokens, a challenge, an exception for what a client sent.
 */

import type {
    AccessTokenClaims,
    ClaimsOf,
    OptionalClaim,
    Refused,
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
import { createNativeValidator } from "./addon-validator.js";
import { expiryBy } from "./expiry.js";
import { explain, type Lent } from "./explain.js";
import { hostWatch } from "./host-notice.js";
import {
    checkNothingBeyond,
    checkNothingInherited,
    invalid,
    kindOf,
    readMembers,
    type Members
} from "./members.js";
import { clockReader, ruleBitsOf } from "./options.js";
import { RefusedError } from "./refused-error.js";
import { scopesToAskFor, shortfallOf } from "./requirements.js";
import { schemaReader, shapeMismatch, type SchemaOutcome } from "./schema.js";
import { isThenable } from "./synchronous.js";
import { toGranted, toRefused } from "./verdict.js";

export function createValidator<Claims = AccessTokenClaims, Lacking extends OptionalClaim = never>(
    options: ValidatorOptions<Claims, Lacking>
): Validator<ClaimsOf<Claims, Lacking>>;
export function createValidator<Claims>(
    options: ValidatorOptions<Claims, OptionalClaim>,
    ...beyond: undefined[]
): Validator<Claims> {
    checkNothingBeyond(beyond, EXAMPLE, "createValidator takes one object of options");
    const policy = readOptions(options);
    const { claims, clock } = policy;
    delete policy.claims;
    delete policy.clock;
    const applySchema = claims === undefined ? undefined : schemaReader(claims);
    const now = clock === undefined ? () => Date.now() : clockReader(clock);
    const { native, settings, conclude, health } = createNativeValidator(
        { ...policy },
        { ownClock: clock !== undefined }
    );
    const verifier = new Verifier(native, conclude, settings);
    const lookAtHost = hostWatch({ ...policy });

    // A proxy's own certificate must not pass for its client's.
    const sources = { peerCertificate: settings.readsPeerCertificate, pseudoScheme: false };

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

    const lent: Lent<Claims> = {
        now,
        issuerUris: settings.issuerUris,
        applySchema,
        ask: (at, bits, parts) => verifier.explain(at, bits, parts)
    };

    const validateRequest: Validator<Claims>["validateRequest"] = async (headers, target, rules) => {
        const bits = ruleBitsOf(rules);
        const parts = readHeadersOrRequest(headers, target, sources);
        const answer = verifier.request(now(), bits, parts);
        return concluded(isVerdict(answer) ? answer : await answer, bits, parts, target);
    };

    const validator: Validator<Claims> = {
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
        explain: async (headers, target, rules) =>
            explain(lent, readHeadersOrRequest(headers, target, sources), rules),
        authorize: (verdict, requirement, rules) => {
            const bits = ruleBitsOf(rules);
            if (typeof (verdict as Partial<Refused> | undefined)?.isSuccess !== "boolean") {
                throw notAVerdict(verdict);
            }
            if (!verdict.isSuccess) {
                return nameScopes(verdict, bits, scopesToAskFor(requirement));
            }
            const at = now();
            const lack = shortfallOf(verdict, requirement, Math.floor(at / 1000));
            if (lack === null) {
                return verdict;
            }
            const { code, debugErrorMessage, scopes = [], acrValues = [], maxAgeSeconds = null } = lack;
            const text = native.refuse(
                at,
                bits,
                code,
                verdict.scheme,
                debugErrorMessage,
                scopes,
                acrValues,
                maxAgeSeconds
            );
            return toRefused(readRefusal(text));
        },
        // The addon has checked the value.
        ...expiryBy<Claims>(now, policy),
        dpop: settings.dpop,
        certificate: settings.certificate,
        senderConstrained: settings.senderConstrained,
        resourceMetadata: settings.resourceMetadata,
        ready: async (options = {}) => {
            const { timeoutMs = 10_000 } = readMembers(options, READY_OPTIONS);
            if (typeof timeoutMs !== "number" || !(timeoutMs >= 0 && timeoutMs <= 3_600_000)) {
                throw new TypeError(
                    `oidc-spa-native: timeoutMs must be a number from 0 to 3600000, but ${String(timeoutMs)} was given.`
                );
            }
            await verifier.ready(timeoutMs, false);
        },
        health
    };
    if (policy.clientCertificate === false) {
        withoutCertificates.add(validator);
    }
    return validator;
}

const withoutCertificates = new WeakSet<object>();

/** Whether a validator looks at no certificate but those that are passed beside a request. */
export const seesNoCertificate = (validator: object): boolean => withoutCertificates.has(validator);

function isGrantedWithProof(verdict: NativeVerdict): boolean {
    return verdict.isGranted && verdict.scheme === "DPoP";
}

const READY_OPTIONS: Members = {
    of: "ready()",
    noun: "option",
    names: ["timeoutMs"],
    example: "await validator.ready({ timeoutMs: 10_000 })",
    instead: { timeout: "timeoutMs: 10_000" }
};

/** Rules of a route, which are no options of a validator; `dpop` is both. */
const RULES: readonly string[] = [
    "require",
    "optional",
    "onRejected",
    "target",
    "subprotocolToken",
    "guardPreflights",
    "closeAtExpiry"
];

const EXAMPLE =
    'createValidator({ issuerUri: "https://auth.example.com", expectedAudience: "https://api.example.com" })';

/** The own members, without a prototype. The addon knows their names. */
function readOptions<Claims>(
    options: ValidatorOptions<Claims, OptionalClaim>
): ValidatorOptions<Claims, OptionalClaim> {
    if (typeof options !== "object" || options === null || Array.isArray(options)) {
        throw invalid(`createValidator takes an object of options; got ${kindOf(options)}. Write ${EXAMPLE}`);
    }
    if (isThenable(options)) {
        throw invalid(
            "createValidator takes an object of options; got a Promise. Write createValidator(await options)"
        );
    }
    checkNothingInherited(options, { of: "createValidator", noun: "option", example: EXAMPLE });
    const own = Object.assign(Object.create(null), options) as ValidatorOptions<Claims, OptionalClaim>;
    for (const name of Object.keys(own)) {
        if (RULES.includes(name)) {
            throw invalid(
                `unknown option "${name}". It is a rule of a route: protect(validator, { ${name}: … })`
            );
        }
    }
    return own;
}

function notAVerdict(given: unknown): TypeError {
    return invalid(
        isThenable(given)
            ? "authorize takes a verdict; got a Promise of one. Write validator.authorize(await validator.validateRequest(req), requirement)"
            : `authorize takes a verdict, the answer of validateRequest, before the requirement; got ${kindOf(given)}`
    );
}
