/**
 * A validator with a given answer to requests; in everything else it is a real one.
 *
 * In: a real validator, the given answer. Out: a validator, grants and refusals. Never: a signature that is verified, a
 * fetch.
 */

import type { AccessTokenClaims, ErrorCode, Granted, Refused, Validator, Verdict } from "../../index.js";
import { errorTable, type NativeValidator } from "../addon/native.js";
import { readRefusal } from "../addon/verdict-text.js";
import { createNativeValidator } from "../validator/addon-validator.js";
import { invalid, kindOf } from "../validator/members.js";
import { onRefusalOn } from "../validator/on-refusal.js";
import { RefusedError } from "../validator/refused-error.js";
import { shown } from "../validator/shown.js";
import { notifying } from "../validator/validating.js";
import { toRefused } from "../validator/verdict.js";
import { createTestIssuer } from "./issuer.js";

/** Gives the answer to a request. It has the arguments of `validateRequest`. */
export type Answer<Claims> = (
    ...request: Parameters<Validator<Claims>["validateRequest"]>
) => Verdict<Claims> | Promise<Verdict<Claims>>;

/** The validator with this answer. `authorize` and all other members are those of the real validator. */
export function answering<Claims>(real: Validator<Claims>, answer: Answer<Claims>): Validator<Claims> {
    const answered: Validator<Claims>["validateRequest"] = async (...request) => answer(...request);
    const { notify } = onRefusalOn(real);
    const validateRequest = notify === undefined ? answered : notifying(answered, real, notify);
    return {
        ...real,
        validateRequest,
        validateRequestOrThrow: async (...request) => {
            const verdict = await validateRequest(...request);
            if (!verdict.isSuccess) {
                throw new RefusedError(verdict);
            }
            return verdict;
        },
        validateRequestSync: (...request) => {
            const verdict = answer(...request);
            if ("then" in verdict) {
                throw invalid(
                    "validateRequestSync cannot wait for what is asynchronous; use validateRequest"
                );
            }
            if (!verdict.isSuccess) {
                notify?.(verdict, request[0]);
            }
            return verdict;
        },
        explain: async (...[headers, target, rules]) => {
            const { require, ...route } = rules ?? {};
            const verdict = await answered(headers, target, route);
            const permitted = require === undefined ? verdict : real.authorize(verdict, require, route);
            if (permitted.isSuccess) {
                return { refusal: null, checks: [] };
            }
            const { code, debugErrorMessage } = permitted;
            return { refusal: { code, debugErrorMessage }, checks: [] };
        },
        ready: async () => undefined
    };
}

/** A grant with these values. */
export interface Grant<Claims> {
    readonly claims: Claims;
    readonly rawClaims: AccessTokenClaims;
    readonly accessToken: string;
    readonly scheme?: "Bearer" | "DPoP" | undefined;
}

export function granted<Claims>({ claims, rawClaims, accessToken, scheme }: Grant<Claims>): Granted<Claims> {
    return {
        isSuccess: true,
        claims,
        rawClaims,
        accessToken,
        scheme: scheme ?? (rawClaims.cnf?.["jkt"] === undefined ? "Bearer" : "DPoP"),
        issuerUri: rawClaims.iss,
        headers: {}
    };
}

let native: NativeValidator | undefined;

/** A validator that makes only refusals. */
function refusing(): NativeValidator {
    native ??= createNativeValidator({ ...createTestIssuer().options }).native;
    return native;
}

/** A refusal with the status and the challenge that a validator gives for its code. */
export function refused(code: ErrorCode, debugErrorMessage: string, now = Date.now()): Refused {
    if (!errorTable().some(row => row.code === code)) {
        const given = typeof code === "string" ? JSON.stringify(shown(code)) : kindOf(code);
        throw invalid(`there is no code ${given}. docs/errors.md lists them`);
    }
    const isAnonymous = code === "credentials_missing" || code === "scheme_unsupported";
    const scheme = isAnonymous ? null : code.startsWith("proof_") ? "DPoP" : "Bearer";
    return toRefused(readRefusal(refusing().refuse(now, 0, code, scheme, debugErrorMessage, [], [], null)));
}
