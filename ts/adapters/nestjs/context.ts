/**
 * Requests and responses of NestJS: REST, GraphQL and WebSocket gateways, on Express and on Fastify.
 *
 * In: Nest's context of a call. Out: what the guard reads; responses and exceptions. Never: a rule.
 */

import { HttpException } from "@nestjs/common";
import type { ArgumentsHost, HttpException as Exception } from "@nestjs/common" with {
    "resolution-mode": "import"
};
import type { IncomingHttpHeaders } from "node:http";
import type { Refused, RefusedError, RequestLike } from "../../../index.js";
import * as fastify from "../fastify-reply.js";
import type { Incoming } from "../../guard/incoming.js";
import * as node from "../../guard/node.js";
import type { RefusedRequest } from "../../guard/guard.js";
import { exposing, problemOf, type ResponseToSend } from "../../guard/response.js";
import type { Closable } from "../../guard/upgrade.js";
import { handshake, type SaidAtConnect } from "../../guard/subprotocol.js";

type Request = {
    readonly headers: IncomingHttpHeaders;
    readonly method: string;
    readonly res?: Response;
} & RequestLike;
type Response = node.NodeResponse | fastify.Reply;
type Call = {
    auth?: unknown;
    request?: Request;
    /** On a socket of GraphQL, Nest puts there what graphql-ws tells of it. */
    req?: Request | OnSocket;
    res?: Response;
    reply?: fastify.Reply;
    /** The client of a gateway on socket.io has it. */
    handshake?: { readonly auth: SaidAtConnect };
} & Partial<OnSocket>;
/** What graphql-ws tells of the socket of an operation. */
type OnSocket = {
    readonly extra: { readonly request?: Request; readonly socket?: Closable };
    readonly connectionParams?: SaidAtConnect;
};

// The declarations name NestJS 12's modules as what they are; else they compile only where `require` may load them.
const NestException: typeof Exception = HttpException;

/** What the guard throws. A filter of the application may catch it: the header fields but Content-Type are set then. */
export class Refusal extends NestException {
    constructor(
        refusal: Refused,
        readonly toSend: ResponseToSend
    ) {
        super(saidOf(refusal), refusal.status);
    }
}

/** What the guard throws with `rejection: "throw"`: for filters of the application, or Nest's own. */
class RefusedException extends NestException {
    constructor(cause: RefusedError) {
        super(saidOf(cause.refusal), cause.status, { cause });
    }
}

/** The members that Nest's own exceptions have: its driver for GraphQL looks for them. */
function saidOf(refusal: Refused) {
    const document = problemOf(refusal);
    return { ...document, statusCode: refusal.status, message: document.detail };
}

/** What lives as long as a call and holds `auth`: the request, GraphQL's context, the client of a gateway. */
export function carrierOf(host: ArgumentsHost): Call {
    return host.getArgByIndex<Call>(host.getType<string>() === "graphql" ? 2 : 0);
}

/** The request of a call, or the one that began its connection. */
export function requestOf(host: ArgumentsHost): Request {
    const type: string = host.getType();
    const call: Call = type === "rpc" ? {} : carrierOf(host);
    const { req, request, reply } = call;
    const source =
        type === "http"
            ? host.getArgByIndex<Request>(0)
            : ((req !== undefined && "headers" in req ? req : undefined) ??
              request ??
              socketOf(call)?.extra.request ??
              (reply?.request as Request | undefined));
    if (source === undefined) {
        throw new TypeError(
            "oidc-spa-native: no request to judge. GraphQL's context holds it as `req` (on a socket `extra.request`), the " +
                "client of a gateway as `request`; calls over other transports have none."
        );
    }
    return source;
}

export function incomingOf<Host extends ArgumentsHost>(host: Host): Incoming<Host> {
    const type: string = host.getType();
    const source = requestOf(host);
    // Only REST has preflights, and responses that lack a body by their method.
    const method = type === "http" ? source.method : undefined;
    const incoming = { request: host, source, method, header: (name: string) => source.headers[name] };
    if (!isConnection(host)) {
        return incoming;
    }
    const call = carrierOf(host);
    return handshake(incoming, call.handshake?.auth ?? socketOf(call)?.connectionParams);
}

/** What graphql-ws tells, where GraphQL's context holds it: as the application put it there, or Nest. */
export function socketOf({ extra, connectionParams, req }: Call): OnSocket | undefined {
    if (extra !== undefined) {
        return { extra, connectionParams };
    }
    return req !== undefined && "extra" in req && req.extra !== undefined ? req : undefined;
}

/** Whether the call came on a connection that outlives it. */
export function isConnection(host: ArgumentsHost): boolean {
    const type: string = host.getType();
    // Node.js says it of a request that began one; in the header fields clients may write what they like.
    return (
        type === "ws" || (type === "graphql" && (requestOf(host) as { upgrade?: unknown }).upgrade === true)
    );
}

export function responseOf(host: ArgumentsHost): Response | undefined {
    const { res, reply, req } = carrierOf(host);
    return host.getType() === "http"
        ? host.getArgByIndex<Response>(1)
        : (res ?? reply ?? (req !== undefined && "res" in req ? req.res : undefined));
}

/** Nothing happens where there is no response: at a message of a WebSocket. */
export function setOn(host: ArgumentsHost, headers: ResponseToSend["headers"]): void {
    const response = responseOf(host);
    if (response !== undefined) {
        "raw" in response ? fastify.setOn(response, headers) : node.setOn(response, headers);
    }
}

/** The exception that ends a call; the header fields are set, whoever makes the response of it. */
export async function refusalOn(host: ArgumentsHost, refused: RefusedRequest): Promise<Error> {
    const { refusal, error } = refused;
    if (host.getType() === "ws") {
        const { WsException } = await import("@nestjs/websockets");
        return new WsException(problemOf(refusal));
    }
    setOn(host, exposing(refusal.headers));
    return error === undefined ? new Refusal(refusal, refused.response) : new RefusedException(error);
}

/** Answers a REST call. */
export function send(host: ArgumentsHost, toSend: ResponseToSend): void {
    const response = host.getArgByIndex<Response>(1);
    "raw" in response ? fastify.send(response, toSend) : node.send(response, toSend);
}
