/**
 * The judge of a validator's requests: its addon, and the application's functions for audiences.
 *
 * In: the parts of a request. Out: verdicts, in the form of the addon. Never: a rule about tokens.
 */

import type {
    NativeExplanation,
    NativeRefusal,
    NativeValidator,
    NativeVerdict,
    RequestParts,
    RuleBits
} from "../addon/native.js";
import { isVerdict, readRefusal } from "../addon/verdict-text.js";
import { audienceObjection, type AudienceFunctions, type AudienceObjection } from "./audience.js";

/** The functions of a judge; `Verifier` has them. */
export interface Judge {
    /** `scopes` are the scopes that the route requires, separated by spaces. */
    request(
        now: number,
        rules: RuleBits,
        parts: RequestParts,
        scopes: string | null
    ): NativeVerdict | Promise<NativeVerdict>;
    /** `null` if it must wait for keys or a store. */
    requestNow(
        now: number,
        rules: RuleBits,
        parts: RequestParts,
        scopes: string | null
    ): NativeVerdict | null;
    ready(timeoutMs: number, failFast: boolean): Promise<void>;
}

/** Every check of the addon for a request, and the result of the application's function for the audience. */
export interface JudgedExplanation {
    readonly explanation: NativeExplanation;
    readonly issuerUris: readonly string[];
    /** `undefined` if no function was called; `null` if it accepts the audience. */
    readonly audience: AudienceObjection | null | undefined;
}

export type Explain = (now: number, rules: RuleBits, parts: RequestParts) => Promise<JudgedExplanation>;

/** Explains the checks of this addon and of the functions. */
export function explaining(
    ask: (now: number, rules: RuleBits, parts: RequestParts) => Promise<NativeExplanation>,
    issuerUris: readonly string[],
    functions: AudienceFunctions
): Explain {
    return async (now, rules, parts) => {
        const explanation = await ask(now, rules, parts);
        const { admitted } = explanation;
        const isExpected = admitted === null ? undefined : functions[admitted.issuer];
        if (admitted === null || isExpected === undefined) {
            return { explanation, issuerUris, audience: undefined };
        }
        const issuerUri = issuerUris[admitted.issuer] ?? "";
        const audience = audienceObjection({ claims: admitted.claims, issuerUri }, isExpected);
        return { explanation, issuerUris, audience };
    };
}

/** The same judge if no issuer has a function; otherwise one that calls the function before it grants. */
export function askingAudiences(judge: Judge, native: NativeValidator, functions: AudienceFunctions): Judge {
    if (functions.every(isExpected => isExpected === undefined)) {
        return judge;
    }
    const concluded = (verdict: NativeVerdict, now: number, rules: RuleBits): NativeVerdict => {
        const isExpected = verdict.isGranted ? functions[verdict.issuer] : undefined;
        if (!verdict.isGranted || isExpected === undefined) {
            return verdict;
        }
        const objection = audienceObjection(verdict, isExpected);
        return objection === null
            ? verdict
            : refusal(native, now, rules, objection.code, verdict.scheme, objection.debugErrorMessage);
    };
    return {
        request(now, rules, parts, scopes) {
            const answer = judge.request(now, rules, parts, scopes);
            return isVerdict(answer)
                ? concluded(answer, now, rules)
                : answer.then(verdict => concluded(verdict, now, rules));
        },
        requestNow(now, rules, parts, scopes) {
            const verdict = judge.requestNow(now, rules, parts, scopes);
            return verdict === null ? null : concluded(verdict, now, rules);
        },
        ready: (timeoutMs, failFast) => judge.ready(timeoutMs, failFast)
    };
}

/** A refusal that JavaScript decided, with its response. */
export function refusal(
    native: NativeValidator,
    now: number,
    rules: RuleBits,
    code: string,
    scheme: string | null,
    debugErrorMessage: string
): NativeRefusal {
    return readRefusal(native.refuse(now, rules, code, scheme, debugErrorMessage, [], [], null));
}
