/**
 * What an answer of the audited server says: got in, refused, or neither; and what is wrong with the answer itself.
 *
 * In: an answer, the request that it came to. Out: a reading, faults. Never: text of the server that is passed on.
 */

import type { Answer, NoAnswer } from "./exchange.js";

/** How a server took a request. */
export type Reading = "in" | "refused" | "crashed" | "throttled";

export const isAnswer = (given: Answer | NoAnswer): given is Answer => "status" in given;

/**
 * 2xx: it got in. 4xx: it was refused. 3xx is a refusal too: a page to sign in at. 5xx and no answer: the server failed.
 * 429: it limits how many requests it takes, and said nothing about this one.
 */
export function readingOf(given: Answer | NoAnswer): Reading {
    if (!isAnswer(given) || given.status >= 500) {
        return "crashed";
    }
    return given.status === 429 ? "throttled" : given.status >= 200 && given.status < 300 ? "in" : "refused";
}

/** In a word, for a table: a status, or how there was none. */
export const shownAnswer = (given: Answer | NoAnswer): string =>
    isAnswer(given) ? String(given.status) : given.failure;

/** Something that is wrong with an answer, whatever the verdict. */
export interface FaultKind {
    readonly name: string;
    readonly clause: string;
    readonly meaning: string;
}

const FAULTS = {
    challenge: {
        name: "401 without WWW-Authenticate",
        clause: "RFC 6750 section 3, RFC 9110 section 11.6.1",
        meaning: "clients are not told how to get in"
    },
    dpopChallenge: {
        name: "401 to a DPoP request without a DPoP challenge",
        clause: "RFC 9449 section 7.1",
        meaning: "clients are not told that, and with which algorithms, DPoP is taken"
    },
    nonce: {
        name: "use_dpop_nonce without a DPoP-Nonce field",
        clause: "RFC 9449 section 9",
        meaning: "clients are asked for a nonce that they do not get"
    },
    forbidden: {
        name: "403 for a token that is not valid",
        clause: "RFC 6750 section 3.1",
        meaning: "clients do not learn that a new token would help"
    },
    redirect: {
        name: "a redirect in the place of a refusal",
        clause: "RFC 6750 section 3.1",
        meaning: "programs follow it and take a page for the answer"
    },
    token: {
        name: "the token, or a part of it, in the answer",
        clause: "RFC 6750 section 5.3",
        meaning: "whoever sees answers or logs of them can use the token"
    },
    trace: {
        name: "a stack trace in the body",
        clause: "CWE-209",
        meaning: "attackers learn which files and versions the server is made of"
    }
} as const satisfies Record<string, FaultKind>;

/**
 * Lines of a stack of JavaScript, Python, Java or Go. The server wrote the text, so no part may match a run of line ends.
 */
const TRACE =
    /\n[ \t]+at [^\n]{1,300}:\d+:\d+\)?|Traceback \(most recent call last\)|\n[ \t]+at [\w.$]+\([\w.]+\.java:\d+\)|goroutine \d+ \[running\]/;

/** Characters of a token that would not be there by chance. */
const PART = 24;

/** What is wrong with an answer to a request that must be refused. */
export function faultsOf(
    answer: Answer,
    { fields, expected }: { fields: readonly (readonly [string, string])[]; expected: number | null },
    isDpopTaken: boolean
): readonly FaultKind[] {
    const { status, body } = answer;
    const challenge = answer.fields["www-authenticate"] ?? "";
    const authorization = fields.find(([name]) => name.toLowerCase() === "authorization")?.[1] ?? "";
    const found: FaultKind[] = [];
    if (status === 401 && challenge === "") {
        found.push(FAULTS.challenge);
    } else if (
        status === 401 &&
        isDpopTaken &&
        /^dpop /i.test(authorization) &&
        !/\bdpop\b/i.test(challenge)
    ) {
        found.push(FAULTS.dpopChallenge);
    }
    if (/\berror="?use_dpop_nonce/.test(challenge) && answer.fields["dpop-nonce"] === undefined) {
        found.push(FAULTS.nonce);
    }
    if (status === 403 && expected === 401) {
        found.push(FAULTS.forbidden);
    }
    if (status >= 300 && status < 400) {
        found.push(FAULTS.redirect);
    }
    const said = `${body}\n${Object.values(answer.fields).join("\n")}`;
    const parts = authorization.split(/[ .,]+/).filter(part => part.length >= PART);
    if (parts.some(part => said.includes(part.slice(-PART)))) {
        found.push(FAULTS.token);
    }
    if (TRACE.test(body)) {
        found.push(FAULTS.trace);
    }
    return found;
}

/** The nonce that the server asks for (RFC 9449 section 9), if it does. */
export function askedNonce(given: Answer | NoAnswer): string | undefined {
    if (!isAnswer(given) || given.status !== 401) {
        return undefined;
    }
    const isAsked = /\berror="?use_dpop_nonce/.test(given.fields["www-authenticate"] ?? "");
    return isAsked ? given.fields["dpop-nonce"] : undefined;
}
