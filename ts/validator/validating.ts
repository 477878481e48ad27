/**
 * `validateRequest` and its sisters: a request to its verdict, or to the list of its checks.
 *
 * In: header fields or a request, rules. Out: a verdict, an explanation, or a Promise of one. Never: a rule about tokens, a challenge, an
 * exception for what a client sent.
 */

import type { AccessTokenClaims, ValidateContext, Validator, Verdict } from "../../index.js";
import { copyOf } from "../addon/claims.js";
import type { NativeGrant, NativeVerdict, RequestParts, RuleBits, Settings } from "../addon/native.js";
import { isVerdict } from "../addon/verdict-text.js";
import type { PathCounts } from "../addon/verifier.js";
import { readHeadersOrRequest } from "../request/request.js";
import { explain, type Lent } from "./explain.js";
import { hostWatch } from "./host-notice.js";
import type { Explain, Judge } from "./judge.js";
import { invalid, kindOf } from "./members.js";
import { schemeOf, type Meter } from "./meter.js";
import { askedRules, type AskedRules } from "./options.js";
import type { RefusalListener } from "./listeners.js";
import { RefusedError } from "./refused-error.js";
import { shapeMismatch, type SchemaOutcome, type SchemaReader } from "./schema.js";
import type { Shadow } from "./shadow.js";
import { isTraced, tellOfRefusal, traced } from "./validate-channel.js";
import { refusedAt, toGranted, type Refuse } from "./verdict.js";

/** The parts with which a validator judges requests. */
interface Judging<Claims> {
    readonly judge: Judge;
    readonly explain: Explain;
    readonly settings: Settings;
    readonly now: () => number;
    readonly refuse: Refuse;
    readonly applySchema: SchemaReader<Claims> | undefined;
    /** Called with the refusals of requests that came without a guard. */
    readonly notify: RefusalListener | undefined;
    readonly meter: Meter;
    readonly paths: PathCounts;
    readonly shadow: Shadow | undefined;
}

type Validating<Claims> = Pick<
    Validator<Claims>,
    "validateRequest" | "validateRequestOrThrow" | "validateRequestSync" | "explain"
>;

export function validatingBy<Claims>(judging: Judging<Claims>): Validating<Claims> {
    const { judge, explain: ask, settings, now, applySchema, meter, paths, notify } = judging;
    // A proxy's own certificate must not pass for its client's.
    const sources = { peerCertificate: settings.readsPeerCertificate, pseudoScheme: false };
    const verdictOf = verdictReader(judging);
    const lent: Lent<Claims> = { now, applySchema, ask, settings };

    const judged = (
        parts: RequestParts,
        asked: AskedRules,
        target: unknown
    ): Verdict<Claims> | Promise<Verdict<Claims>> => {
        const answer = judge.request(now(), asked.bits, parts, asked.scopes);
        return isVerdict(answer)
            ? verdictOf(answer, asked, parts, target)
            : answer.then(answer => verdictOf(answer, asked, parts, target));
    };

    const watched = (parts: RequestParts, asked: AskedRules, target: unknown): Promise<Verdict<Claims>> => {
        const context: ValidateContext = { scheme: schemeOf(parts) };
        const begin = () => {
            const before = { ...paths };
            const running = timed(parts, () => judged(parts, asked, target));
            notePath(context, before, paths);
            return running;
        };
        return traced(context, { begin, ended: noteVerdict });
    };

    const timed = async (
        parts: RequestParts,
        begin: () => Verdict<Claims> | Promise<Verdict<Claims>>
    ): Promise<Verdict<Claims>> => {
        const begun = performance.now();
        const verdict = await begin();
        meter.took((performance.now() - begun) / 1000, verdict, parts);
        return verdict;
    };

    const silent: Validator<Claims>["validateRequest"] = async (headers, target, rules, beyond?: unknown) => {
        const asked = askedRules(rules, settings);
        checkLast(beyond);
        const parts = readHeadersOrRequest(headers, target, sources);
        if (isTraced()) {
            return watched(parts, asked, target);
        }
        return meter.isTiming
            ? timed(parts, () => judged(parts, asked, target))
            : judged(parts, asked, target);
    };
    const validateRequest = notify === undefined ? silent : notifying(silent, settings, notify);

    return {
        validateRequest,
        validateRequestOrThrow: async (headers, target, rules, beyond?: unknown) => {
            checkLast(beyond);
            const verdict = await validateRequest(headers, target, rules);
            if (!verdict.isSuccess) {
                throw new RefusedError(verdict);
            }
            return verdict;
        },
        validateRequestSync: (headers, target, rules, beyond?: unknown) => {
            const asked = askedRules(rules, settings);
            checkLast(beyond);
            const parts = readHeadersOrRequest(headers, target, sources);
            const answer = judge.requestNow(now(), asked.bits, parts, asked.scopes);
            const verdict = answer === null ? null : verdictOf(answer, asked, parts, target);
            if (verdict !== null && "then" in verdict) {
                throw new TypeError(
                    "oidc-spa-native: validateRequestSync cannot wait for the schema in `claims`, which answers with a " +
                        "Promise. Use validateRequest, or a schema without asynchronous parts."
                );
            }
            if (verdict?.isSuccess === false && !asked.isOfGuard) {
                notify?.(verdict, headers);
            }
            return verdict;
        },
        explain: async (headers, target, rules, beyond?: unknown) => {
            checkLast(beyond);
            return explain(lent, readHeadersOrRequest(headers, target, sources), rules);
        }
    };
}

/** The same function, which also calls the listener with each refusal, unless a guard asks. */
export function notifying<Claims>(
    validateRequest: Validator<Claims>["validateRequest"],
    settings: Pick<Settings, "dpop">,
    notify: RefusalListener
): Validator<Claims>["validateRequest"] {
    return async (...asked) => {
        const verdict = await validateRequest(...asked);
        const [headers, , rules] = asked;
        if (!verdict.isSuccess && !askedRules(rules, settings).isOfGuard) {
            notify(verdict, headers);
        }
        return verdict;
    };
}

/** A fourth argument is an error, since it would have no effect. */
function checkLast(beyond: unknown): void {
    if (beyond !== undefined) {
        throw invalid(
            `a request is judged by its header fields or itself, a target, and rules; got ${kindOf(beyond)} as well. What the ` +
                "token must permit is judged by validator.authorize(verdict, requirement)"
        );
    }
}

/** The addon's verdict on a request, with the application's schema, as `index.d.ts` describes it. */
function verdictReader<Claims>({ settings, now, refuse, applySchema, meter, shadow }: Judging<Claims>) {
    const lookAtHost = hostWatch(settings);

    // Not a function in `grant`: bundlers that keep names, as wrangler does, would define its name again in each request.
    const admit = (granted: NativeGrant, bits: RuleBits, claims: Claims): Verdict<Claims> => {
        shadow?.judge(now(), bits, granted);
        meter.granted(granted.issuerUri, granted.scheme);
        return toGranted(granted, claims, granted.claims as AccessTokenClaims);
    };

    const grant = (granted: NativeGrant, bits: RuleBits): Verdict<Claims> | Promise<Verdict<Claims>> => {
        const rawClaims = granted.claims as AccessTokenClaims;
        if (applySchema === undefined) {
            // Without a schema, `Claims` is its default.
            return admit(granted, bits, rawClaims as Claims);
        }
        // A schema may change its argument, so it gets a copy of the claims.
        const outcome = applySchema(copyOf(rawClaims));
        const conclude = (outcome: SchemaOutcome<Claims>): Verdict<Claims> => {
            if ("report" in outcome) {
                const code = "claims_rejected";
                meter.refused(code, granted.scheme);
                const reason = { code, debugErrorMessage: shapeMismatch(outcome.report) } as const;
                const refused = refuse(now(), bits, granted.scheme, reason);
                tellOfRefusal(refused, granted.scheme);
                return refused;
            }
            return admit(granted, bits, outcome.claims);
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
            const scheme = schemeOf(parts);
            meter.refused(verdict.code, scheme);
            const refused = refusedAt(verdict, scopes);
            tellOfRefusal(refused, scheme);
            return refused;
        }
        // With a target, the application decides the host.
        if (lookAtHost !== undefined && target === undefined && verdict.scheme === "DPoP") {
            lookAtHost(parts);
        }
        return grant(verdict, bits);
    };
}

/** Which way the request took, as far as the call that has just returned tells. */
function notePath(
    context: ValidateContext,
    before: PathCounts,
    { memory, inline, threads }: PathCounts
): void {
    if (memory > before.memory) {
        context.path = "memory";
    } else if (inline > before.inline) {
        context.path = "inline";
    } else if (threads > before.threads) {
        context.path = "threads";
    }
}

function noteVerdict(verdict: Verdict<unknown>, context: ValidateContext): void {
    context.outcome = verdict.isSuccess ? "granted" : "refused";
    if (verdict.isSuccess) {
        context.issuerUri = verdict.issuerUri;
    } else {
        context.code = verdict.code;
        context.status = verdict.status;
    }
}
