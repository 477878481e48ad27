/**
 * What every adapter calls: a request in; out comes who it is, or the response to send instead of the route's.
 *
 * In: a validator, the rules of a route as `rules` read them, a request as its framework holds it. Out: `Passed` or
 * `RefusedRequest`. Never: a framework.
 */

import type {
    Granted,
    Refused,
    RequestRules,
    RequestTarget,
    Validator,
    ValidatorOptions,
    Verdict
} from "../../index.js";
import { createValidator, seesNoCertificate } from "../validator/create.js";
import { invalid, kindOf } from "../validator/members.js";
import { ruleBitsOf } from "../validator/options.js";
import { messageOf, shown } from "../validator/shown.js";
import { isPromise, isThenable } from "../validator/synchronous.js";
import { requestRulesOf, type Read, type RouteRules } from "./rules.js";
import type { Incoming } from "./incoming.js";
import { exposing, problem, type ResponseToSend } from "./response.js";
import { fingerprintOf, isSameRequest, type Fingerprint } from "./same-request.js";
import { tokensOf, withTokens } from "./subprotocol.js";

/** Who it is; `null` for a request without credentials, where the route takes it. */
export type Auth<Claims, Optional extends boolean> = Granted<Claims> | (Optional extends true ? null : never);

export type ValidatorOrOptions<Claims> = Validator<Claims> | ValidatorOptions<Claims>;

/** The request may go on. */
export interface Passed<Claims, Optional extends boolean> {
    readonly passed: true;
    readonly auth: Auth<Claims, Optional>;
    /** To be set on the response, whatever the route answers. */
    readonly headers: ResponseToSend["headers"];
    readonly response?: never;
}

/** A CORS preflight, which nobody judged. */
export interface Preflight {
    readonly passed: true;
    readonly auth: null;
    readonly headers: ResponseToSend["headers"];
    /** To be sent where the route's own code would have to take it: that code expects `auth`. */
    readonly response: ResponseToSend;
}

/** The request ends here. */
export interface RefusedRequest {
    readonly passed: false;
    /** Why, for frameworks that make the response themselves of an error that is thrown. */
    readonly refusal: Refused;
    readonly response: ResponseToSend;
}

export type Outcome<Claims, Optional extends boolean> = Passed<Claims, Optional> | Preflight | RefusedRequest;

/** Judges the requests of one route. Rejects only if this library or the application fails: never let pass then. */
export type Guard<Claims, Request, Optional extends boolean> = (
    incoming: Incoming<Request>
) => Promise<Outcome<Claims, Optional>>;

const ANONYMOUS = { passed: true, auth: null, headers: {} } as const;
const PREFLIGHT: Preflight = { ...ANONYMOUS, response: { status: 204, headers: {}, body: null } };

/** A guard with these rules. Throws TypeError where there is no validator. */
export function createGuard<Claims, Request, Optional extends boolean>(
    validatorOrOptions: ValidatorOrOptions<Claims>,
    rules: Read<RouteRules<Claims, Request, Optional>>
): Guard<Claims, Request, Optional> {
    const validator = validatorOf(validatorOrOptions);
    const {
        optional,
        require,
        onRejected,
        target,
        subprotocolToken = false,
        guardPreflights = true
        // An adapter may have spread them: without a prototype, what is not there stays so.
    } = Object.assign(Object.create(null), rules) as Read<RouteRules<Claims, Request, Optional>>;
    const requestRules = requestRulesOf(rules);
    checkCertificates(validator, rules);
    const notifyRejected = createRejectionListener(onRejected);
    const judgements = judgementsOf(validator);
    const bits = ruleBitsOf(requestRules);
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

    const validate = async (incoming: Incoming<Request>): Promise<Verdict<Claims>> => {
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

    return async request => {
        const incoming = subprotocolToken ? withTokens(request, tokensOf(request)) : request;
        if (!guardPreflights && isPreflight(incoming)) {
            return PREFLIGHT;
        }
        const valid = await validate(incoming);
        const verdict = require === undefined ? valid : validator.authorize(valid, require, requestRules);
        if (verdict.isSuccess) {
            return { passed: true, auth: verdict, headers: exposing(verdict.headers) };
        }
        if (optional === true && verdict.code === "credentials_missing") {
            return ANONYMOUS as Passed<Claims, Optional>;
        }
        notifyRejected(verdict, incoming.request);
        return { passed: false, refusal: verdict, response: problem(verdict, incoming.method) };
    };
}

/** Throws where a route asks for certificates that nobody shows: everybody would be refused. */
export function checkCertificates<Claims, Request>(
    validator: Validator<Claims>,
    rules: Read<RouteRules<Claims, Request>>
): void {
    const { dpop, certificate, senderConstrained } = acceptedBy(validator, requestRulesOf(rules));
    const isNeeded = certificate === "required" || (senderConstrained === "required" && dpop === "disabled");
    // The rule may pass the certificate along.
    if (isNeeded && rules.target === undefined && seesNoCertificate(validator)) {
        throw invalid(
            `the route asks for a client certificate (${certificate === "required" ? 'certificate: "required"' : 'senderConstrained: "required" without DPoP'}), ` +
                "and the validator looks at none (clientCertificate: false). Take one of the two away, or pass the certificate by " +
                "the rule target: request => ({ method, url, clientCertificate })"
        );
    }
}

/** What the rule `target` says. Nothing instead would be judged by another URL than the rule's. */
function targetSaid(target: RequestTarget): RequestTarget {
    if (isPromise(target, "The rule target") || typeof target !== "object" || target === null) {
        throw invalid(`the rule "target" must return { method, url }; it returned ${kindOf(target)}`);
    }
    return target;
}

/** A validator as it is, or one that is made of options. `write` is the right line, for whoever wrote another. */
export function validatorOf<Claims>(
    given: ValidatorOrOptions<Claims>,
    write = "protect(createValidator({ issuerUri, expectedAudience }))"
): Validator<Claims> {
    if (isThenable(given)) {
        throw invalid(
            `expected a validator, or options for one; got a Promise. Wait for it first: const validator = await …`
        );
    }
    if (given === undefined || given === null) {
        throw invalid(
            `expected a validator, or options for one, as the first argument; got ${String(given)}. Write ${write}, or see ` +
                "whether the file that makes the validator imports this one, so that it is not made yet"
        );
    }
    if (typeof given === "function") {
        const hint =
            (given as unknown) === createValidator
                ? "the function createValidator, which was not called"
                : "a function";
        throw invalid(`expected a validator, or options for one; got ${hint}. Write ${write}`);
    }
    // What is neither is told so by `createValidator`.
    return typeof (given as Partial<Validator> | null | undefined)?.validateRequest === "function"
        ? (given as Validator<Claims>)
        : createValidator<Claims>(given as ValidatorOptions<Claims>);
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

const acceptedBy = (
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

/** A CORS preflight (Fetch standard, section 3.3.2). */
function isPreflight({ method, header }: Incoming<unknown>): boolean {
    return (
        method === "OPTIONS" &&
        typeof header("origin") === "string" &&
        typeof header("access-control-request-method") === "string"
    );
}

/** `onRejected`, whose failing is the application's to see and changes no answer. */
function createRejectionListener<Request>(
    onRejected: ((refusal: Refused, request: Request) => unknown) | undefined
): (refusal: Refused, request: Request) => void {
    let hasWarned = false;
    const warn = (error: unknown) => {
        if (!hasWarned) {
            hasWarned = true;
            process.emitWarning(`onRejected failed: ${shown(messageOf(error, "not with an Error"))}`, {
                type: "oidc-spa-native",
                code: "OIDC_SPA_NATIVE_ON_REJECTED"
            });
        }
    };
    return (refusal, request) => {
        if (onRejected !== undefined) {
            // In a Promise of its own, so that an async function's failing is caught too.
            new Promise(resolve => resolve(onRejected(refusal, request))).catch(warn);
        }
    };
}
