/**
 * Reads the texts that the addon answers with.
 *
 * In: JSON texts of lists whose positions `engine/src/verdict_text.rs` names. Out: verdicts, explanations; an error if the
 * addon failed. Never: a rule about tokens.
 */

import type { ErrorCode } from "../../index.js";
import { copyOf } from "./claims.js";
import { hasOwn } from "../boundary/own.js";
import type {
    HeaderFields,
    KnownClaims,
    NativeAnswer,
    NativeExplanation,
    NativeRefusal,
    NativeUnsettled,
    NativeVerdict,
    NativeWait,
    VerdictText
} from "./native.js";

const REFUSED = -1;

/**
 * Reads a verdict on the credentials of this field, for a thread that may already have the claims. Throws if the
 * addon failed, since that is not an answer to a client.
 */
export function readVerdict(
    text: VerdictText,
    field: string | null,
    issuerUris: readonly string[],
    known: KnownClaims | undefined
): NativeVerdict {
    const read = JSON.parse(text) as GrantTuple | RefusalTuple | FailureTuple;
    if (read[0] < 0) {
        return refusalOf(read as RefusalTuple | FailureTuple);
    }
    const [tag, headers, tokenBegin, tokenEnd, from, until, epoch, number, claims] = read as GrantTuple;
    const issuer = tag >> 1;
    return {
        isGranted: true,
        claims: claims ?? copyOf((known as KnownClaims).claims),
        accessToken: field === null ? "" : field.slice(tokenBegin, tokenEnd),
        scheme: (tag & 1) === 0 ? "Bearer" : "DPoP",
        issuer,
        issuerUri: issuerUris[issuer] as string,
        headers,
        from,
        until,
        epoch,
        number
    };
}

/** Reads a verdict that cannot be a grant. */
export function readRefusal(text: VerdictText): NativeRefusal {
    return refusalOf(JSON.parse(text) as RefusalTuple | FailureTuple);
}

/** Reads an explanation. Throws if the addon failed. */
export function readExplanation(text: VerdictText): NativeExplanation {
    const read = JSON.parse(text) as NativeExplanation | FailureTuple;
    if (hasOwn(read, "checks")) {
        return read;
    }
    throw new Error(`oidc-spa-native: ${read[2]}`);
}

/** Reads the answer of `ready`: throws the reason why the keys are not there, with the code that requests get then. */
export function readReadiness(text: VerdictText): void {
    const read = JSON.parse(text) as FailureTuple | null;
    if (read !== null) {
        throw Object.assign(new Error(read[2]), { code: "keys_unavailable" satisfies ErrorCode });
    }
}

type GrantTuple = readonly [
    tag: number,
    headers: HeaderFields | null,
    tokenBegin: number,
    tokenEnd: number,
    from: number,
    until: number,
    epoch: number,
    number: number,
    claims: unknown
];

type RefusalTuple = readonly [
    tag: -1,
    headers: HeaderFields,
    code: string,
    errorCause: string,
    status: number,
    debugErrorMessage: string
];

type FailureTuple = readonly [tag: -2, headers: null, message: string];

function refusalOf(read: RefusalTuple | FailureTuple): NativeRefusal {
    if (read[0] !== REFUSED) {
        throw new Error(`oidc-spa-native: ${read[2]}`);
    }
    const [, headers, code, errorCause, status, debugErrorMessage] = read;
    return { isGranted: false, code, errorCause, debugErrorMessage, status, headers };
}

/** Whether this is a verdict, and not a Promise of one, of any realm. */
export function isVerdict(answer: NativeVerdict | Promise<NativeVerdict>): answer is NativeVerdict {
    return typeof (answer as Partial<Promise<NativeVerdict>>).then !== "function";
}

/** Whether the verdict is there. */
export function isVerdictText(answer: NativeAnswer): answer is VerdictText {
    return typeof answer === "string";
}

/** Whether the verdict comes without a further call. */
export function isWait(answer: NativeWait | NativeUnsettled): answer is NativeWait {
    return (
        hasOwn(answer, "answerUnder") || Object.hasOwn(Object.getPrototypeOf(answer) as object, "answerUnder")
    );
}
