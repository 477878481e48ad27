/**
 * The verdict on a request for all guards of one validator: it is judged once, also if several guards ask.
 *
 * In: a request as its framework holds it, the rules of a route. Out: its verdict. Never: the meaning of a verdict for
 * the route.
 */

import type { Granted, RequestRules, RequestTarget, Validator, Verdict } from "../../index.js";
import { invalid, kindOf } from "../validator/members.js";
import { askedRules } from "../validator/options.js";
import { isPromise } from "../validator/synchronous.js";
import type { Incoming } from "./incoming.js";
import { fingerprintOf, isSameRequest, type Fingerprint } from "./same-request.js";

/** The function with which a guard judges its requests. */
interface Judging<Claims, Request> {
    readonly validator: Validator<Claims>;
    readonly requestRules: RequestRules | undefined;
    readonly target: ((request: Request) => RequestTarget) | undefined;
}

/** The verdict on a request: the earlier one, if it holds under these rules too. */
export function validationBy<Claims, Request>({
    validator,
    requestRules,
    target
}: Judging<Claims, Request>): (incoming: Incoming<Request>) => Promise<Verdict<Claims>> {
    const judgements = judgementsOf(validator);
    const { bits } = askedRules(requestRules, validator);
    const accepted = acceptedBy(validator, requestRules);

    const judge = async (incoming: Incoming<Request>, judgement: Judgement<Claims>) => {
        const said = target && targetSaid(target(incoming.request));
        const verdict = await validator.validateRequest(incoming.source, said, requestRules);
        if (verdict.isSuccess) {
            judgement.granted = verdict;
        }
        return verdict;
    };

    const begin = (incoming: Incoming<Request>, judgement: Judgement<Claims>) => {
        const underway: Underway<Claims> = { verdict: judge(incoming, judgement), bits, target };
        judgement.underway = underway;
        // This runs also if it failed at once, so that no guard waits for an ended judgement.
        const end = () => {
            delete judgement.underway;
        };
        underway.verdict.then(end, end);
        return underway.verdict;
    };

    return async incoming => {
        const judgement = judgementOf(judgements, incoming);
        for (;;) {
            const { granted, underway } = judgement;
            // A request may have begun a connection. Then guards ask about it for hours.
            if (granted !== undefined && validator.hasExpired(granted)) {
                delete judgement.granted;
            } else if (granted !== undefined && accepts(accepted, granted)) {
                return granted;
            }
            if (underway === undefined) {
                return begin(incoming, judgement);
            }
            if (underway.bits === bits && underway.target === target) {
                const verdict = await underway.verdict;
                if (!verdict.isSuccess) {
                    return verdict;
                }
            } else {
                // A failing `target` of another guard is not a failure of this one.
                await underway.verdict.catch(() => undefined);
            }
        }
    };
}

/**
 * The result of the rule `target`. Without a result the request would be judged by another URL, so that is an error.
 */
function targetSaid(target: RequestTarget): RequestTarget {
    if (isPromise(target, "The rule target") || typeof target !== "object" || target === null) {
        throw invalid(`the rule "target" must return { method, url }; it returned ${kindOf(target)}`);
    }
    return target;
}

/**
 * The verdicts on a request. A DPoP proof is accepted only once. So the first of several guards of one validator
 * validates; if they run at the same time (the calls of a batch), the others wait for it.
 */
interface Judgement<Claims> extends Fingerprint {
    granted?: Granted<Claims>;
    underway?: Underway<Claims>;
}

interface Underway<Claims> {
    readonly verdict: Promise<Verdict<Claims>>;
    readonly bits: number;
    readonly target: unknown;
}

type Judgements<Claims> = WeakMap<object, Judgement<Claims>>;

const judgementsByValidator = new WeakMap<object, Judgements<unknown>>();

function judgementsOf<Claims>(validator: Validator<Claims>): Judgements<Claims> {
    const found = judgementsByValidator.get(validator) ?? new WeakMap<object, Judgement<unknown>>();
    judgementsByValidator.set(validator, found);
    // Only verdicts of this validator are stored, so they have its type.
    return found as Judgements<Claims>;
}

/** A server may use the same object for another request, which is judged again. */
function judgementOf<Claims>(judgements: Judgements<Claims>, incoming: Incoming<unknown>): Judgement<Claims> {
    const before = judgements.get(incoming.source);
    if (before !== undefined && isSameRequest(before, incoming)) {
        return before;
    }
    const judgement = fingerprintOf(incoming);
    judgements.set(incoming.source, judgement);
    return judgement;
}

/** The rules for a route: its own, or else those of the validator. */
type Accepted = Pick<Validator, keyof RequestRules>;

export const acceptedBy = (
    // A validator of an application's test may not have these members.
    { dpop = "allowed", certificate = "allowed", senderConstrained = "allowed" }: Partial<Accepted>,
    rules: RequestRules | undefined
): Accepted => ({ dpop, certificate, senderConstrained, ...(rules as Partial<Accepted> | undefined) });

/**
 * Whether a grant under other rules holds under these. If not, the validator refuses the request before it reads the
 * proof.
 */
function accepts(
    { dpop, certificate, senderConstrained }: Accepted,
    { scheme, rawClaims }: Granted<unknown>
): boolean {
    const isDpop = scheme === "DPoP";
    // It was compared with the client's when the request was granted.
    const hasCertificate = rawClaims.cnf?.["x5t#S256"] !== undefined;
    return (
        (dpop === "allowed" || (dpop === "required") === isDpop) &&
        (certificate === "allowed" || hasCertificate) &&
        (senderConstrained === "allowed" || isDpop || hasCertificate)
    );
}
