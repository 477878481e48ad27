/**
 * What every adapter calls: a request in; out comes who it is, or the response to send instead of the route's.
 *
 * In: a validator, the rules of a route, a request as its framework holds it. Out: `Passed` or `Stopped`. May use:
 * authorization, validator, response, subprotocol. Never: a framework.
 */

import type {
    AccessTokenClaims,
    Granted,
    Refused,
    RequestLike,
    RequestRules,
    RequestTarget,
    Requirement,
    Validator,
    ValidatorOptions,
    Verdict
} from "../../index.js";
import { isRequirement } from "../validator/requirements.js";
import { createValidator } from "../validator/create.js";
import { REQUEST_RULES, ruleBitsOf } from "../validator/options.js";
import { messageOf } from "../validator/schema.js";
import { exposing, isSameRequest, problem, type Fingerprint, type ResponseToSend } from "./response.js";
import { tokensOf, withTokens } from "./subprotocol.js";

/** The rules of a route. */
export interface RouteRules<Claims = AccessTokenClaims, Request = unknown, Optional extends boolean = boolean>
    extends RequestRules {
    /** Let a request without credentials pass: `auth` is `null` then. Bad credentials do not pass. Default `false`. */
    optional?: Optional;
    /** What the token must permit, all of it. Judged once the token is good. */
    require?: Requirement<Claims> | readonly Requirement<Claims>[];
    /** Told of each refusal, to log it. What it throws is a warning and changes no answer. */
    onRejected?: (refusal: Refused, request: Request) => void;
    /** The request's method and URL as the client saw it, where the framework's request does not say it. */
    target?: (request: Request) => RequestTarget;
    /**
     * Take a token from the subprotocols of an upgrade to WebSocket too, `authorization_bearer_` before it. Default
     * `false`; `/websocket` does so always.
     */
    subprotocolToken?: boolean;
    /**
     * Judge CORS preflights too. Default `true`: put CORS middleware before the guard, which answers them. With `false`
     * they pass, unjudged and without `auth`: anybody can send one.
     */
    guardPreflights?: boolean;
}

/** What an adapter hands over of a request. */
export interface Incoming<Request> {
    /** As the framework's users know it, for `onRejected` and `target`. */
    readonly request: Request;
    /** Something that `validateRequest` reads. One object a request, however many routes it passes. */
    readonly source: RequestLike;
    readonly method: string | undefined;
    /** A header field of the request, by its name in lower case. */
    readonly header: (name: string) => unknown;
}

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
export interface Stopped {
    readonly passed: false;
    /** Why, for frameworks that make the response themselves of an error that is thrown. */
    readonly refusal: Refused;
    readonly response: ResponseToSend;
}

export type Outcome<Claims, Optional extends boolean> = Passed<Claims, Optional> | Preflight | Stopped;

/** Judges the requests of one route. Rejects only if this library or the application fails: never let pass then. */
export type Guard<Claims, Request, Optional extends boolean> = (
    incoming: Incoming<Request>
) => Promise<Outcome<Claims, Optional>>;

const ANONYMOUS = { passed: true, auth: null, headers: {} } as const;
const PREFLIGHT: Preflight = { ...ANONYMOUS, response: { status: 204, headers: {}, body: null } };

/** A guard with these rules. Throws TypeError where the rules make no sense. */
export function newGuard<Claims, Request, Optional extends boolean>(
    validatorOrOptions: ValidatorOrOptions<Claims>,
    rules: RouteRules<Claims, Request, Optional> = {}
): Guard<Claims, Request, Optional> {
    const validator = validatorOf(validatorOrOptions);
    const {
        optional,
        require,
        onRejected,
        target,
        subprotocolToken = false,
        guardPreflights = true
    } = checkRules(rules);
    const requestRules = requestRulesOf(rules);
    const told = newTeller(onRejected);
    const judgements = judgementsOf(validator);
    const bits = ruleBitsOf(requestRules);
    const accepted = acceptedBy(validator, requestRules);

    const judge = async (incoming: Incoming<Request>, judgement: Judgement<Claims>) => {
        try {
            const verdict = await validator.validateRequest(
                incoming.source,
                target?.(incoming.request),
                requestRules
            );
            if (verdict.isSuccess) {
                judgement.granted = verdict;
            }
            return verdict;
        } finally {
            delete judgement.underway;
        }
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
                const verdict = judge(incoming, judgement);
                judgement.underway = { verdict, bits, target };
                return verdict;
            }
            const verdict = await underway.verdict;
            if (!verdict.isSuccess && underway.bits === bits && underway.target === target) {
                return verdict;
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
        told(verdict, incoming.request);
        return { passed: false, refusal: verdict, response: problem(verdict, incoming.method) };
    };
}

export function validatorOf<Claims>(validatorOrOptions: ValidatorOrOptions<Claims>): Validator<Claims> {
    // What is neither is told so by `createValidator`.
    return "validateRequest" in Object(validatorOrOptions)
        ? (validatorOrOptions as Validator<Claims>)
        : createValidator<Claims>(validatorOrOptions as ValidatorOptions<Claims>);
}

/**
 * What is known of a request. A DPoP proof is good once: of several guards of one validator the first validates, and
 * where they are asked at once (the calls of a batch), the others wait for it.
 */
interface Judgement<Claims> extends Fingerprint {
    granted?: Granted<Claims>;
    underway?: {
        readonly verdict: Promise<Verdict<Claims>>;
        readonly bits: number;
        readonly target: unknown;
    };
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
function judgementOf<Claims>(
    judgements: Judgements<Claims>,
    { source, header }: Incoming<unknown>
): Judgement<Claims> {
    const before = judgements.get(source);
    if (before !== undefined && isSameRequest(before, header)) {
        return before;
    }
    const judgement = { authorization: header("authorization"), proof: header("dpop") };
    judgements.set(source, judgement);
    return judgement;
}

/** The rules that hold for a route: its own, or else those of the validator. */
const acceptedBy = (
    { dpop, certificate, senderConstrained }: Pick<Validator, keyof RequestRules>,
    rules: RequestRules
): Required<RequestRules> => ({ dpop, certificate, senderConstrained, ...rules });

/**
 * Whether what was granted under other rules is good under these. Where it is not, the validator says so, before it looks
 * at the proof.
 */
function accepts(
    { dpop, certificate, senderConstrained }: Required<RequestRules>,
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

const RULES: ReadonlySet<string> = new Set<keyof RouteRules>([
    "optional",
    "require",
    "onRejected",
    "target",
    "subprotocolToken",
    "guardPreflights",
    ...REQUEST_RULES
]);

/** Those of a route's rules that are the validator's to judge. */
function requestRulesOf(rules: RequestRules): RequestRules {
    const { dpop, certificate, senderConstrained } = rules;
    return {
        ...(dpop === undefined ? {} : { dpop }),
        ...(certificate === undefined ? {} : { certificate }),
        ...(senderConstrained === undefined ? {} : { senderConstrained })
    };
}

/** A rule that is misspelt must not vanish. */
function checkRules<Rules extends object>(rules: Rules): Rules {
    const unknown = Object.keys(rules).find(name => !RULES.has(name));
    if (unknown !== undefined) {
        throw new TypeError(
            `oidc-spa-native: unknown rule "${unknown}"; there are ${[...RULES].join(", ")}.`
        );
    }
    for (const [name, type] of [
        ["optional", "boolean"],
        ["subprotocolToken", "boolean"],
        ["guardPreflights", "boolean"],
        ["onRejected", "function"],
        ["target", "function"]
    ] as const) {
        const value: unknown = (rules as Record<string, unknown>)[name];
        if (value !== undefined && typeof value !== type) {
            throw new TypeError(`oidc-spa-native: the rule "${name}" must be a ${type}.`);
        }
    }
    const { require } = rules as RouteRules;
    ruleBitsOf(requestRulesOf(rules as RouteRules));
    const required: unknown[] = require === undefined ? [] : [require].flat();
    if (require !== undefined && (required.length === 0 || !required.every(isRequirement))) {
        throw new TypeError(
            'oidc-spa-native: the rule "require" is a requirement or a list of them, for example allScopes(["read"]).'
        );
    }
    return rules;
}

/** `onRejected`, whose failing is the application's to see and changes no answer. */
function newTeller<Request>(
    onRejected: ((refusal: Refused, request: Request) => unknown) | undefined
): (refusal: Refused, request: Request) => void {
    let hasWarned = false;
    const warn = (error: unknown) => {
        if (!hasWarned) {
            hasWarned = true;
            process.emitWarning(`onRejected failed: ${messageOf(error, "not with an Error")}`, {
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
