/**
 * `validateRequest` and its sisters: a request to its verdict, or to the list of the checks that it went through.
 *
 * In: header fields or a request, rules. Out: a verdict, an explanation, or a Promise of one. Never: a rule about tokens, a challenge, an
 * exception for what a client sent.
 */

import type { AccessTokenClaims, Validator, Verdict } from "../../index.js";
import { copyOf } from "../addon/claims.js";
import {
    isVerdict,
    type NativeGrant,
    type NativeVerdict,
    type RequestParts,
    type RuleBits,
    type Settings
} from "../addon/native.js";
import { readHeadersOrRequest } from "../request/request.js";
import { explain, type Lent } from "./explain.js";
import { hostWatch } from "./host-notice.js";
import type { Explain, Judge } from "./judge.js";
import { schemeOf, type Meter } from "./meter.js";
import { askedRules, type AskedRules } from "./options.js";
import { RefusedError } from "./refused-error.js";
import { shapeMismatch, type SchemaOutcome, type SchemaReader } from "./schema.js";
import { refusedAt, toGranted, type Refuse } from "./verdict.js";

/** What a validator judges requests with. */
interface Judging<Claims> {
    readonly judge: Judge;
    readonly explain: Explain;
    readonly settings: Settings;
    readonly now: () => number;
    readonly refuse: Refuse;
    readonly applySchema: SchemaReader<Claims> | undefined;
    readonly meter: Meter;
}

type Validating<Claims> = Pick<
    Validator<Claims>,
    "validateRequest" | "validateRequestOrThrow" | "validateRequestSync" | "explain"
>;

export function validatingBy<Claims>(judging: Judging<Claims>): Validating<Claims> {
    const { judge, explain: ask, settings, now, applySchema } = judging;
    // A proxy's own certificate must not pass for its client's.
    const sources = { peerCertificate: settings.readsPeerCertificate, pseudoScheme: false };
    const verdictOf = verdictReader(judging);
    const lent: Lent<Claims> = { now, applySchema, ask };

    const validateRequest: Validator<Claims>["validateRequest"] = async (headers, target, rules) => {
        const asked = askedRules(rules);
        const parts = readHeadersOrRequest(headers, target, sources);
        const answer = judge.request(now(), asked.bits, parts, asked.scopes);
        return verdictOf(isVerdict(answer) ? answer : await answer, asked, parts, target);
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
            const asked = askedRules(rules);
            const parts = readHeadersOrRequest(headers, target, sources);
            const answer = judge.requestNow(now(), asked.bits, parts, asked.scopes);
            const verdict = answer === null ? null : verdictOf(answer, asked, parts, target);
            if (verdict !== null && "then" in verdict) {
                throw new TypeError(
                    "oidc-spa-native: validateRequestSync cannot wait for the schema in `claims`, which answers with a " +
                        "Promise. Use validateRequest, or a schema without asynchronous parts."
                );
            }
            return verdict;
        },
        explain: async (headers, target, rules) =>
            explain(lent, readHeadersOrRequest(headers, target, sources), rules)
    };
}

/** What the addon says of a request, with the application's schema, as `index.d.ts` describes it. */
function verdictReader<Claims>({ settings, now, refuse, applySchema, meter }: Judging<Claims>) {
    const lookAtHost = hostWatch(settings);

    const grant = (granted: NativeGrant, bits: RuleBits): Verdict<Claims> | Promise<Verdict<Claims>> => {
        const rawClaims = granted.claims as AccessTokenClaims;
        if (applySchema === undefined) {
            meter.granted(granted.issuerUri, granted.scheme);
            // Without a schema, `Claims` is its default.
            return toGranted(granted, rawClaims as Claims, rawClaims);
        }
        // A schema may change what it is given: it gets claims of its own.
        const outcome = applySchema(copyOf(rawClaims));
        const conclude = (outcome: SchemaOutcome<Claims>): Verdict<Claims> => {
            if ("report" in outcome) {
                const code = "claims_rejected";
                meter.refused(code, granted.scheme);
                const reason = { code, debugErrorMessage: shapeMismatch(outcome.report) } as const;
                return refuse(now(), bits, granted.scheme, reason);
            }
            meter.granted(granted.issuerUri, granted.scheme);
            return toGranted(granted, outcome.claims, rawClaims);
        };
        return "then" in outcome ? outcome.then(conclude) : conclude(outcome);
    };

    return (
        verdict: NativeVerdict,
        { bits, scopes }: AskedRules,
        parts: RequestParts,
        target: unknown
    ): Verdict<Claims> | Promise<Verdict<Claims>> => {
        if (!verdict.isGranted) {
            meter.refused(verdict.code, schemeOf(parts));
            return refusedAt(verdict, scopes);
        }
        // With a target, the application says which host it is.
        if (lookAtHost !== undefined && target === undefined && verdict.scheme === "DPoP") {
            lookAtHost(parts);
        }
        return grant(verdict, bits);
    };
}
