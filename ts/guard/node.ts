/**
 * Requests and responses of `node:http` and `node:http2`, on which Express, Connect and others stand.
 *
 * In: Node's objects. Out: what the guard reads; responses sent. Never: a rule.
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

/** The request target as it came: a mounted router takes its prefix from `url`. */
export function targetOf(request: NodeRequest): string | undefined {
    return request.originalUrl ?? request.url;
}

/** Sets fields, unless somebody has answered meanwhile (a time limit): setting would throw then. */
export function setOn(response: NodeResponse, headers: ResponseToSend["headers"]): void {
    if (!response.headersSent) {
        setHeaders(
            headers,
            name => response.getHeader(name),
            (name, value) => response.setHeader(name, value)
        );
    }
}

export function send(response: NodeResponse, { status, headers, body }: ResponseToSend): void {
    if (!response.headersSent) {
        setOn(response, headers);
        response.statusCode = status;
        body === null ? response.end() : response.end(body);
    }
}
