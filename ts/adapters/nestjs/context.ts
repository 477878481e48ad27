/**
 * Requests and responses of NestJS: REST, GraphQL and WebSocket gateways, on Express and on Fastify.
 *
 * In: Nest's context of a call. Out: the request for the guard; responses and exceptions. Never: a rule.
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
    /** On a socket of GraphQL, Nest puts the data of graphql-ws here. */
    req?: Request | OnSocket;
    res?: Response;
    reply?: fastify.Reply;
    /** The client of a gateway on socket.io has it. */
    handshake?: { readonly auth: SaidAtConnect };
} & Partial<OnSocket>;
/** The data of graphql-ws about the socket of an operation. */
type OnSocket = {
    readonly extra: { readonly request?: Request; readonly socket?: Closable };
    readonly connectionParams?: SaidAtConnect;
};

// The declarations import NestJS 12 as ECMAScript modules; otherwise they compile only where `require` may load such
// modules.
const NestException: typeof Exception = HttpException;

/**
 * The exception of the guard. If a filter of the application catches it, status and all header fields except
 * Content-Type are already set.
 */
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

/**
 * The object that lives as long as a call and holds `auth`: the request, GraphQL's context, or the client of a gateway.
 */
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
    // Only REST has preflights, and methods whose responses have no body.
    const method = type === "http" ? source.method : undefined;
    const incoming = { request: host, source, method, header: (name: string) => source.headers[name] };
    if (!isConnection(host)) {
        return incoming;
    }
    const call = carrierOf(host);
    return handshake(incoming, call.handshake?.auth ?? socketOf(call)?.connectionParams);
}

/** The data of graphql-ws in GraphQL's context, from the application or from Nest. */
export function socketOf({ extra, connectionParams, req }: Call): OnSocket | undefined {
    if (extra !== undefined) {
        return { extra, connectionParams };
    }
    return req !== undefined && "extra" in req && req.extra !== undefined ? req : undefined;
}

/** Whether the call came on a connection that lives longer than the call. */
export function isConnection(host: ArgumentsHost): boolean {
    const type: string = host.getType();
    // Node.js marks a request that began a connection. Header fields do not show it, since clients write them.
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

/** Does nothing for a message of a WebSocket, which has no response. */
export function setOn(host: ArgumentsHost, headers: ResponseToSend["headers"]): void {
    const response = responseOf(host);
    if (response !== undefined) {
        "raw" in response ? fastify.setOn(response, headers) : node.setOn(response, headers);
    }
}

/** Sets the fields, and where the response is that of the call alone also its status: a filter may leave it out. */
function begin(host: ArgumentsHost, refused: Pick<ResponseToSend, "status" | "headers">): void {
    const response = responseOf(host);
    if (host.getType() !== "http" || response === undefined) {
        setOn(host, refused.headers);
    } else {
        "raw" in response ? fastify.begin(response, refused) : node.begin(response, refused);
    }
}

/**
 * The exception that ends a call. The header fields are set here, so they do not depend on the code that sends the
 * response.
 */
export async function refusalOn(host: ArgumentsHost, refused: RefusedRequest): Promise<Error> {
    const { refusal, error } = refused;
    if (host.getType() === "ws") {
        const { WsException } = await import("@nestjs/websockets");
        return new WsException(problemOf(refusal));
    }
    begin(host, { status: refusal.status, headers: exposing(refusal.headers) });
    return error === undefined ? new Refusal(refusal, refused.response) : new RefusedException(error);
}

/** Answers a REST call. */
export function send(host: ArgumentsHost, toSend: ResponseToSend): void {
    const response = host.getArgByIndex<Response>(1);
    "raw" in response ? fastify.send(response, toSend) : node.send(response, toSend);
}
