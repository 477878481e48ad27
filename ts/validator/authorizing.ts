/**
 * `authorize`: whether a good token fulfils the requirements of the route.
 *
 * In: a verdict, requirements. Out: the same verdict, or a refusal. Never: a value of the request.
 */

import type { Refused, Validator } from "../../index.js";
import type { Settings } from "../addon/native.js";
import { invalid, kindOf } from "./members.js";
import type { Meter } from "./meter.js";
import { askedRules } from "./options.js";
import { scopesToAskFor, shortfallOf } from "./requirements.js";
import { isThenable } from "./synchronous.js";
import { isAnonymous, namesScopes, type Refuse } from "./verdict.js";

export function authorizingBy<Claims>(
    now: () => number,
    refuse: Refuse,
    settings: Settings,
    meter: Meter
): Validator<Claims>["authorize"] {
    return (verdict, requirement, rules, beyond?: unknown) => {
        const { bits } = askedRules(rules, settings);
        if (beyond !== undefined) {
            throw invalid(
                `authorize takes a verdict, what it must permit, and rules; got ${kindOf(beyond)} as well. Several ` +
                    "requirements are one list: validator.authorize(verdict, [first, second])"
            );
        }
        if (typeof (verdict as Partial<Refused> | undefined)?.isSuccess !== "boolean") {
            throw notAVerdict(verdict);
        }
        const at = now();
        if (!verdict.isSuccess) {
            // Adds the route's scopes to the challenge of an anonymous request. A bad token may have the scopes, so its
            // challenge stays the same.
            const scopes = scopesToAskFor(requirement);
            return isAnonymous(verdict) && !namesScopes(verdict, scopes)
                ? refuse(at, bits, null, { ...verdict, scopes })
                : verdict;
        }
        const lack = shortfallOf(verdict, requirement, Math.floor(at / 1000));
        if (lack === null) {
            return verdict;
        }
        meter.forbidden(lack.code, verdict.scheme);
        return refuse(at, bits, verdict.scheme, lack);
    };
}

function notAVerdict(given: unknown): TypeError {
    return invalid(
        isThenable(given)
            ? "authorize takes a verdict; got a Promise of one. Write validator.authorize(await validator.validateRequest(req), requirement)"
            : `authorize takes a verdict, the answer of validateRequest, before the requirement; got ${kindOf(given)}`
    );
}
