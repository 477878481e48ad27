/**
 * Requests and responses of `node:http` and `node:http2`, also for Express, Connect and others.
 *
 * In: Node's objects. Out: the request for the guard; responses sent. Never: a rule.
 */

import type { IncomingHttpHeaders } from "node:http";
import type { NodeRequestLike } from "../../index.js";
import type { Incoming } from "./incoming.js";
import { setHeaders, type ResponseToSend } from "./response.js";

/** Request of `node:http` and `node:http2`. */
export interface NodeRequest extends NodeRequestLike {
    readonly headers: IncomingHttpHeaders;
}

/** Response of `node:http` and `node:http2`. */
export interface NodeResponse {
    statusCode: number;
    readonly headersSent: boolean;
    getHeader(name: string): unknown;
    setHeader(name: string, value: string): unknown;
    end(): unknown;
    end(body: string): unknown;
}

export function incomingOf<Request extends NodeRequest>(request: Request): Incoming<Request> {
    return { request, source: request, method: request.method, header: name => request.headers[name] };
}

/** The original request target: a mounted router removes its prefix from `url`. */
export function targetOf(request: NodeRequest): string | undefined {
    return request.originalUrl ?? request.url;
}

/** Sets fields, unless other code has answered meanwhile (a time limit): then setting would throw. */
export function setOn(response: NodeResponse, headers: ResponseToSend["headers"]): void {
    if (!response.headersSent) {
        setHeaders(
            headers,
            name => response.getHeader(name),
            (name, value) => response.setHeader(name, value)
        );
    }
}

/** Sets status and fields, for an error handler that sends the response: what it leaves out must not become a 200. */
export function begin(
    response: NodeResponse,
    { status, headers }: Pick<ResponseToSend, "status" | "headers">
): void {
    if (!response.headersSent) {
        setOn(response, headers);
        response.statusCode = status;
    }
}

export function send(response: NodeResponse, { status, headers, body }: ResponseToSend): void {
    if (!response.headersSent) {
        begin(response, { status, headers });
        body === null ? response.end() : response.end(body);
    }
}
