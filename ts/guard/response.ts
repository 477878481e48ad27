/**
 * Responses as data: a refusal as a problem document (RFC 9457), and header fields that are joined with existing ones.
 *
 * In: a refusal, header fields. Out: `ResponseToSend`. Never: a framework, a text of the request.
 */

import { STATUS_CODES } from "node:http";
import type { Refused } from "../../index.js";
import { publicTextOf } from "../validator/refused-error.js";
import { messageOf, shown } from "../validator/shown.js";

/** A response, whole. `null`: without body. */
export interface ResponseToSend {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | null;
}

/** A body and what it is. */
export interface BodyToSend {
    readonly contentType: string;
    readonly body: string;
}

const EXPOSED = "Access-Control-Expose-Headers";

/** Fields that a script of another origin may always read (Fetch standard, section 3.3.3), or does not need. */
const NOT_EXPOSED: ReadonlySet<string> = new Set(["Cache-Control"]);

/** The fields, and beside them the names of those that a client in a browser needs (RFC 9449 sections 7.1 and 8). */
export function exposing(headers: Readonly<Record<string, string>>): Record<string, string> {
    const names = Object.keys(headers).filter(name => !NOT_EXPOSED.has(name));
    return names.length === 0 ? { ...headers } : { ...headers, [EXPOSED]: names.join(", ") };
}

/** The problem document of a refusal. What it says is of the table of codes alone, and its random name. */
export const problemOf = ({ code, status, refusalId }: Refused) => ({
    type: "about:blank",
    title: STATUS_CODES[status],
    status,
    detail: publicTextOf(code),
    code,
    refusalId
});

/** The response to a refused request, with this body in the place of the problem document. */
export function responseTo(
    refusal: Refused,
    method: string | undefined,
    own: BodyToSend = { contentType: "application/problem+json", body: JSON.stringify(problemOf(refusal)) }
): ResponseToSend {
    return {
        status: refusal.status,
        headers: { ...exposing(refusal.headers), "Content-Type": own.contentType },
        body: bodyFor(method, own.body)
    };
}

/** The response if the application or this library failed. The error becomes a warning, since no other code sees it. */
export function failure(error: unknown, method: string | undefined): ResponseToSend {
    const status = 500;
    // As text, since Node.js does not accept an Error of another realm. Its message is left out, since it may hold a
    // part of the request.
    process.emitWarning(shown(messageOf(error, "A request could not be judged")), {
        type: "oidc-spa-native",
        code: "OIDC_SPA_NATIVE_FAILURE",
        detail: framesOf(error)
    });
    return {
        status,
        headers: { "Content-Type": "application/problem+json" },
        body: bodyFor(method, JSON.stringify({ type: "about:blank", title: STATUS_CODES[status], status }))
    };
}

/** The stack of an error, for developers, without its message. */
function framesOf(error: unknown): string {
    const frames = stackOf(error)
        .split("\n")
        .filter(line => /^ {4}at /.test(line))
        .slice(0, MAX_FRAMES);
    return frames.map(line => shown(line)).join("\n");
}

/** The number of lines that V8 shows by default. */
const MAX_FRAMES = 10;

function stackOf(error: unknown): string {
    try {
        const { stack } = Object(error) as { stack?: unknown };
        return typeof stack === "string" ? stack : "";
    } catch {
        return ""; // a getter that throws
    }
}

/** A response to HEAD has the fields of one to GET, and no body (RFC 9110 section 9.3.2). */
export function bodyFor(method: string | undefined, body: string): string | null {
    return method === "HEAD" ? null : body;
}

/** Sets fields on a response that may hold some already: names to be exposed are added to those that are there. */
export function setHeaders(
    headers: Readonly<Record<string, string>>,
    get: (name: string) => unknown,
    set: (name: string, value: string) => void
): void {
    for (const [name, value] of Object.entries(headers)) {
        set(name, name === EXPOSED ? joined(get(name), value) : value);
    }
}

function joined(present: unknown, added: string): string {
    const names = [present, added]
        .flat()
        .flatMap(names => (typeof names === "string" ? names.split(",") : []));
    const trimmed = names.map(name => name.trim()).filter(name => name !== "");
    const isFirst = (name: string, i: number) =>
        trimmed.findIndex(other => other.toLowerCase() === name.toLowerCase()) === i;
    return trimmed.filter(isFirst).join(", ");
}
