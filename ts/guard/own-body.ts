/**
 * The application's own body of a refusal's response: what `respond` returns.
 *
 * In: the function, a refusal, a request. Out: a body and its Content-Type, or nothing where the function fails. Never: a
 * status, a header field of the application's, an exception.
 */

import type { Refused } from "../../index.js";
import { kindOf } from "../validator/members.js";
import type { Respond } from "../validator/on-refusal.js";
import { messageOf, shown } from "../validator/shown.js";
import { isThenable } from "../validator/synchronous.js";
import type { BodyToSend } from "./response.js";

/** A media type and its parameters (RFC 9110 section 8.3.1). */
const MEDIA_TYPE =
    /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(?: *; *[\w!#$&^.+-]+=(?:[\w!#$&^.+-]+|"[\w !#-[\]-~]*"))*$/;

/** The functions that a warning was about: one function may answer for many routes. */
const warned = new WeakSet<object>();

/** A function of `respond` that never fails: where it does, there is no body, and one warning. */
export function ownBodyBy<Request>(
    respond: Respond<Request>
): (refusal: Refused, request: Request) => BodyToSend | undefined {
    const warn = (trouble: string) => {
        if (!warned.has(respond)) {
            warned.add(respond);
            process.emitWarning(`respond ${trouble}. The problem document was sent in its place.`, {
                type: "oidc-spa-native",
                code: "OIDC_SPA_NATIVE_RESPOND"
            });
        }
    };
    return (refusal, request) => {
        try {
            const answer: unknown = respond(refusal, request);
            if (isThenable(answer)) {
                // That it rejects must not end the process.
                Promise.resolve(answer).catch(() => undefined);
                warn("returned a Promise; it must be synchronous");
                return undefined;
            }
            const body = bodyOf(answer);
            if (body === undefined) {
                warn(`returned ${describe(answer)}`);
            }
            return body;
        } catch (error) {
            warn(`failed: ${shown(messageOf(error, "not with an Error"))}`);
            return undefined;
        }
    };
}

/** What came in the place of a body, and what is expected. */
function describe(answer: unknown): string {
    const { contentType, body } = Object(answer) as Partial<Record<keyof BodyToSend, unknown>>;
    if (contentType === undefined || body === undefined) {
        return `${kindOf(answer)} where a text, an object or { contentType, body } is expected`;
    }
    return typeof body === "string"
        ? `{ contentType, body } whose contentType is no media type, such as "text/html; charset=utf-8"`
        : `{ contentType, body } whose body is ${kindOf(body)}: write a text, for example JSON.stringify(body)`;
}

/** `{ contentType, body }` is what it says; a text is plain, an object JSON. */
function bodyOf(answer: unknown): BodyToSend | undefined {
    if (typeof answer === "string") {
        return { contentType: "text/plain; charset=utf-8", body: answer };
    }
    if (typeof answer !== "object" || answer === null) {
        return undefined;
    }
    const { contentType, body } = answer as Partial<Record<keyof BodyToSend, unknown>>;
    if (contentType === undefined || body === undefined) {
        const text: unknown = JSON.stringify(answer);
        return typeof text === "string" ? { contentType: "application/json", body: text } : undefined;
    }
    return typeof contentType === "string" && typeof body === "string" && MEDIA_TYPE.test(contentType)
        ? { contentType, body }
        : undefined;
}
