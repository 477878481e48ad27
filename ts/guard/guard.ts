/**
 * The guard that every adapter calls: a request in; the grant out, or the response to send instead of the route's.
 *
 * In: a validator, the rules of a route as `rules` read them, a request as its framework holds it. Out: `Passed` or
 * `RefusedRequest`. Never: a framework.
 */

import type { Granted, Refused, Validator, ValidatorOptions } from "../../index.js";
import { createValidator } from "../validator/create.js";
import { invalid } from "../validator/members.js";
import { createRefusalListener } from "../validator/listeners.js";
import { onRefusalOn, type Answering } from "../validator/on-refusal.js";
import { RefusedError } from "../validator/refused-error.js";
import { seesNoCertificate } from "../validator/seen-certificates.js";
import { isThenable } from "../validator/synchronous.js";
import { requestRulesOf, type Read, type RouteRules } from "./rules.js";
import type { Incoming } from "./incoming.js";
import { ownBodyBy } from "./own-body.js";
import { exposing, responseTo, type ResponseToSend } from "./response.js";
import { tokensOf, withTokens } from "./subprotocol.js";
import { acceptedBy, validationBy } from "./validation.js";

/** The grant; `null` for a request without credentials, if the route allows it. */
export type Auth<Claims, Optional extends boolean> = Granted<Claims> | (Optional extends true ? null : never);

export type ValidatorOrOptions<Claims> = Validator<Claims> | ValidatorOptions<Claims>;

/** The request may go on. */
export interface Passed<Claims, Optional extends boolean> {
    readonly passed: true;
    readonly auth: Auth<Claims, Optional>;
    /** Fields to set on every response of the route. */
    readonly headers: ResponseToSend["headers"];
    readonly response?: never;
}

/** A CORS preflight, which was not judged. */
export interface Preflight {
    readonly passed: true;
    readonly auth: null;
    readonly headers: ResponseToSend["headers"];
    /** The response if the adapter wraps the handler: the handler expects `auth`, so it must not get a preflight. */
    readonly response: ResponseToSend;
}

/** The request ends here. */
export interface RefusedRequest {
    readonly passed: false;
    /** The refusal, for frameworks that make the response from a thrown error. */
    readonly refusal: Refused;
    /** Made when it is asked for: not everything that is refused is answered with HTTP. */
    readonly response: ResponseToSend;
    /** Where the application wants it: handed to the framework's own error handler, and no response is sent. */
    readonly error: RefusedError | undefined;
}

export type Outcome<Claims, Optional extends boolean> = Passed<Claims, Optional> | Preflight | RefusedRequest;

/**
 * Judges the requests of one route. It rejects only if this library or the application fails; then the request must not
 * pass.
 */
export type Guard<Claims, Request, Optional extends boolean> = (
    incoming: Incoming<Request>
) => Promise<Outcome<Claims, Optional>>;

const ANONYMOUS = { passed: true, auth: null, headers: {} } as const;
const PREFLIGHT: Preflight = { ...ANONYMOUS, response: { status: 204, headers: {}, body: null } };

/** A guard with these rules. Throws TypeError without a validator. */
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
        // An adapter may have spread them. The copy has no prototype, so absent rules stay absent.
    } = Object.assign(Object.create(null), rules) as Read<RouteRules<Claims, Request, Optional>>;
    const { notify, ...ofValidator } = onRefusalOn(validator);
    const refused = refusing(ofValidator, rules);
    const notifyRoute = onRejected && createRefusalListener(onRejected);
    const requestRules = requestRulesOf(rules, require, notify !== undefined);
    checkCertificates(validator, rules);
    const validate = validationBy({ validator, requestRules, target });

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
        notifyRoute?.(verdict, incoming.request);
        notify?.(verdict, incoming.request);
        return refused(verdict, incoming);
    };
}

/** How refused requests end. What a route says goes before what its validator says. */
function refusing<Request>(
    ofValidator: Answering,
    { respond, rejection }: Answering<Request>
): (refusal: Refused, incoming: Incoming<Request>) => RefusedRequest {
    const isOwn = respond !== undefined || rejection !== undefined;
    const throws = (isOwn ? rejection : ofValidator.rejection) === "throw";
    const chosen = throws ? undefined : (respond ?? ofValidator.respond);
    const ownBody = chosen === undefined ? undefined : ownBodyBy(chosen);
    return (refusal, { method, request }) => {
        let response: ResponseToSend | undefined;
        return {
            passed: false,
            refusal,
            get response() {
                response ??= responseTo(refusal, method, ownBody?.(refusal, request));
                return response;
            },
            error: throws ? errorOf(refusal) : undefined
        };
    };
}

/** With the fields that a client in a browser needs. */
function errorOf(refusal: Refused): RefusedError {
    return Object.assign(new RefusedError(refusal), { headers: exposing(refusal.headers) });
}

/** Throws if a route requires certificates that no source gives: every request would be refused. */
export function checkCertificates<Claims, Request>(
    validator: Validator<Claims>,
    rules: Read<RouteRules<Claims, Request>>
): void {
    const { dpop, certificate, senderConstrained } = acceptedBy(validator, requestRulesOf(rules, undefined));
    const isNeeded = certificate === "required" || (senderConstrained === "required" && dpop === "disabled");
    // The rule `target` may pass the certificate.
    if (isNeeded && rules.target === undefined && seesNoCertificate(validator)) {
        throw invalid(
            `the route asks for a client certificate (${certificate === "required" ? 'certificate: "required"' : 'senderConstrained: "required" without DPoP'}), ` +
                "and the validator looks at none (clientCertificate: false). Take one of the two away, or pass the certificate by " +
                "the rule target: request => ({ method, url, clientCertificate })"
        );
    }
}

/** A validator, or one that is made from options. `write` is the correct line, for the error message. */
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
    // For any other value `createValidator` throws the error.
    return typeof (given as Partial<Validator> | null | undefined)?.validateRequest === "function"
        ? (given as Validator<Claims>)
        : createValidator<Claims>(given as ValidatorOptions<Claims>);
}

/** A CORS preflight (Fetch standard, section 3.3.2). */
function isPreflight({ method, header }: Incoming<unknown>): boolean {
    return (
        method === "OPTIONS" &&
        typeof header("origin") === "string" &&
        typeof header("access-control-request-method") === "string"
    );
}
