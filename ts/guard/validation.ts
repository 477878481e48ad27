/**
 * What is known of a request, for all guards of one validator: it is judged once, however many guards ask.
 *
 * In: a request as its framework holds it, the rules of a route. Out: its verdict. Never: what a verdict means for the
 * route.
 */

import type { Granted, RequestRules, RequestTarget, Validator, Verdict } from "../../index.js";
import { invalid, kindOf } from "../validator/members.js";
import { askedRules } from "../validator/options.js";
import { isPromise } from "../validator/synchronous.js";
import type { Incoming } from "./incoming.js";
import { fingerprintOf, isSameRequest, type Fingerprint } from "./same-request.js";

/** How a guard has its requests judged. */
interface Judging<Claims, Request> {
    readonly validator: Validator<Claims>;
    readonly requestRules: RequestRules | undefined;
    readonly target: ((request: Request) => RequestTarget) | undefined;
}

/** The verdict on a request: the one of before, where that is good under these rules too. */
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
        // Also where it failed at once: nobody must wait for what is over.
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
            // A request may have begun a connection, on which calls follow, and be asked about for hours.
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
                // That another guard's target fails is not this one's failure.
                await underway.verdict.catch(() => undefined);
            }
        }
    };
}

/** What the rule `target` says. Nothing instead would be judged by another URL than the rule's. */
function targetSaid(target: RequestTarget): RequestTarget {
    if (isPromise(target, "The rule target") || typeof target !== "object" || target === null) {
        throw invalid(`the rule "target" must return { method, url }; it returned ${kindOf(target)}`);
    }
    return target;
}

/**
 * What is known of a request. A DPoP proof is good once: of several guards of one validator the first validates, and
 * where they are asked at once (the calls of a batch), the others wait for it.
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
    // Only judgements of this validator are put in, and they are of its type.
    return found as Judgements<Claims>;
}

/** A server may put another request into the same object: it is judged anew. */
function judgementOf<Claims>(judgements: Judgements<Claims>, incoming: Incoming<unknown>): Judgement<Claims> {
    const before = judgements.get(incoming.source);
    if (before !== undefined && isSameRequest(before, incoming)) {
        return before;
    }
    const judgement = fingerprintOf(incoming);
    judgements.set(incoming.source, judgement);
    return judgement;
}

/** The rules that hold for a route: its own, or else those of the validator. */
type Accepted = Pick<Validator, keyof RequestRules>;

export const acceptedBy = (
    // A validator that an application's test makes may say nothing of them.
    { dpop = "allowed", certificate = "allowed", senderConstrained = "allowed" }: Partial<Accepted>,
    rules: RequestRules | undefined
): Accepted => ({ dpop, certificate, senderConstrained, ...(rules as Partial<Accepted> | undefined) });

/**
 * Whether what was granted under other rules is good under these. Where it is not, the validator says so, before it looks
 * at the proof.
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
