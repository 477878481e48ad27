/**
 * Replies of Fastify, for this framework and for NestJS on it.
 *
 * In: a reply, responses as data. Out: header fields set, responses sent. Never: a rule.
 */

import { setHeaders, type ResponseToSend } from "../guard/response.js";

/** The used members of Fastify's reply. */
export interface Reply {
    readonly sent: boolean;
    readonly raw: object;
    readonly request: object;
    getHeader(name: string): unknown;
    header(name: string, value: string): unknown;
    code(status: number): unknown;
    send(body?: Uint8Array): unknown;
}

export function setOn(reply: Reply, headers: ResponseToSend["headers"]): void {
    setHeaders(
        headers,
        name => reply.getHeader(name),
        (name, value) => reply.header(name, value)
    );
}

/** Sets status and fields, for an error handler that sends the response: what it leaves out must not become a 200. */
export function begin(reply: Reply, { status, headers }: Pick<ResponseToSend, "status" | "headers">): void {
    if (!reply.sent) {
        setOn(reply, headers);
        reply.code(status);
    }
}

/** If other code has answered meanwhile, a hook must return the reply without sending. */
export function send<Given extends Reply>(reply: Given, { status, headers, body }: ResponseToSend): Given {
    if (!reply.sent) {
        setOn(reply, headers);
        reply.code(status);
        // Fastify adds a charset to the Content-Type of a string.
        body === null ? reply.send() : reply.send(Buffer.from(body));
    }
    return reply;
}
