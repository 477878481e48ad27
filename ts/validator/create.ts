/**
 * `createValidator`: the addon's validator with the application's schema, its clock and its types.
 *
 * In: the options of `index.d.ts`; header fields or a request. Out: a `Validator`; verdicts. Never: a rule about
 * tokens, a challenge, an exception for what a client sent.
 */

import type { AccessTokenClaims, ClaimsOf, OptionalClaim, Validator, ValidatorOptions } from "../../index.js";
import { authorizingBy } from "./authorizing.js";
import { expiryBy } from "./expiry.js";
import { judgeOf } from "./judge-of-options.js";
import {
    checkNothingBeyond,
    checkNothingInherited,
    checkNothingNear,
    invalid,
    kindOf,
    readMembers,
    unexpected,
    type Members
} from "./members.js";
import { Meter } from "./meter.js";
import { clockReader } from "./options.js";
import { warnerCalling } from "../addon/warnings.js";
import { warningListenerOf } from "./listeners.js";
import { keepOnRefusal, onRefusalOf } from "./on-refusal.js";
import { schemaReader } from "./schema.js";
import { noteCertificates } from "./seen-certificates.js";
import { Shadow } from "./shadow.js";
import { isThenable } from "./synchronous.js";
import { validatingBy } from "./validating.js";
import { refusingBy } from "./verdict.js";

export function createValidator<Claims = AccessTokenClaims, Lacking extends OptionalClaim = never>(
    options: ValidatorOptions<Claims, Lacking>
): Validator<ClaimsOf<Claims, Lacking>>;
export function createValidator<Claims>(
    options: ValidatorOptions<Claims, OptionalClaim>,
    ...beyond: undefined[]
): Validator<Claims> {
    checkNothingBeyond(beyond, EXAMPLE, "createValidator takes one object of options");
    const { claims, clock, onRejected, respond, rejection, onWarning, ...policy } = readOptions(options);
    const onRefusal = onRefusalOf({ onRejected, respond, rejection });
    const { notify } = onRefusal;
    const now = clock === undefined ? () => Date.now() : clockReader(clock);
    const { judge, explain, native, settings, health, forgetIssuer, paths, counted } = judgeOf(
        policy,
        { ownClock: clock !== undefined },
        onWarning === undefined ? undefined : warnerCalling(warningListenerOf(onWarning))
    );
    const refuse = refusingBy(native);
    const applySchema = claims === undefined ? undefined : schemaReader(claims);
    const meter = new Meter();
    const shadow = settings.hasShadow ? new Shadow(native) : undefined;
    const validator: Validator<Claims> = {
        ...validatingBy<Claims>({
            judge,
            explain,
            settings,
            now,
            refuse,
            applySchema,
            meter,
            paths,
            shadow,
            notify
        }),
        authorize: authorizingBy<Claims>(now, refuse, settings, meter),
        ...expiryBy<Claims>(now, settings),
        dpop: settings.dpop,
        certificate: settings.certificate,
        senderConstrained: settings.senderConstrained,
        resourceMetadata: settings.resourceMetadata,
        ready: async (options = {}) => judge.ready(readTimeout(options), false),
        health,
        metrics: () => ({
            ...meter.read(),
            verifications: { ...paths },
            ...counted(),
            shadow: shadow?.read() ?? null
        }),
        snapshot: () => native.snapshot(),
        forgetIssuer: iss => {
            if (typeof iss !== "string") {
                throw invalid(`forgetIssuer takes the name of an issuer, as in iss; got ${kindOf(iss)}`);
            }
            return forgetIssuer(iss);
        }
    };
    noteCertificates(validator, settings);
    keepOnRefusal(validator, onRefusal);
    return validator;
}

function readTimeout(options: unknown): number {
    const { timeoutMs = 10_000 } = readMembers(options, READY_OPTIONS);
    if (typeof timeoutMs !== "number" || !(timeoutMs >= 0 && timeoutMs <= 3_600_000)) {
        throw unexpected(
            "option",
            "timeoutMs",
            "a number of milliseconds from 0 to 3600000",
            timeoutMs,
            READY_OPTIONS.example
        );
    }
    return timeoutMs;
}

const READY_OPTIONS: Members = {
    of: "ready()",
    noun: "option",
    names: ["timeoutMs"],
    example: "await validator.ready({ timeoutMs: 10_000 })",
    instead: { timeout: "timeoutMs: 10_000" }
};

/** Rules of a route that are not options of a validator. `dpop` is both. */
const RULES: readonly string[] = [
    "require",
    "optional",
    "target",
    "subprotocolToken",
    "guardPreflights",
    "closeAtExpiry"
];

const FUNCTIONS: readonly string[] = ["onRejected", "onWarning", "respond"];

const EXAMPLE =
    'createValidator({ issuerUri: "https://auth.example.com", expectedAudience: "https://api.example.com" })';

/** The own members, without a prototype. The addon checks their names. */
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
    // A function by another name would be told to be no option's value.
    checkNothingNear(own, "the options of createValidator", FUNCTIONS);
    return own;
}
