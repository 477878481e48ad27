/**
 * The context of a request of tRPC: the adapters for Express, Fastify, fetch, standalone servers and WebSockets give
 * different ones.
 *
 * In: the argument of `createContext`. Out: the request for the guard, and the object on which response fields are set.
 * Never: a rule.
 */

import type { FetchRequestLike } from "../../../index.js";
import type { Incoming } from "../../guard/incoming.js";
import { incomingOf, type NodeRequest } from "../../guard/node.js";
import { setHeaders, type ResponseToSend } from "../../guard/response.js";
import { handshake, type SaidAtConnect } from "../../guard/subprotocol.js";
import { invalid, kindOf } from "../../validator/members.js";

/** The argument of `createContext`. With Fastify's request, `req.raw` is the request of Node.js. */
export type ContextOptions =
    | { readonly req: FetchRequestLike; readonly resHeaders: Headers }
    | {
          readonly req: NodeRequest | { readonly raw: NodeRequest };
          readonly res: object;
          readonly info?: ConnectInfo;
      };

/** The information of tRPC about a call; on a WebSocket, also the client's connection parameters. */
type ConnectInfo = { readonly connectionParams?: SaidAtConnect };

/** The members of the context that `protect` needs. */
export interface AuthContext {
    readonly authRequest: {
        readonly incoming: Incoming<unknown>;
        readonly set: (headers: ResponseToSend["headers"]) => void;
    };
}

/** `http.ServerResponse`, or `FastifyReply`. */
interface Reply {
    readonly headersSent?: boolean;
    readonly sent?: boolean;
    getHeader?(name: string): unknown;
    setHeader?(name: string, value: string): unknown;
    header?(name: string, value: string): unknown;
}

/**
 * The adapter's `createContext`. Use it directly, or spread its result into your context:
 * `{ ...createContext(options), db }`.
 */
export function createContext(options: ContextOptions): AuthContext {
    const { req: asked }: Partial<ContextOptions> = Object(options);
    if (typeof asked !== "object") {
        throw invalid(
            `createContext takes what tRPC gives, { req, res } or { req, resHeaders }; got ${kindOf(asked === undefined ? options : asked)}. ` +
                "Write createContext: options => ({ ...createContext(options), db })"
        );
    }
    if ("resHeaders" in options) {
        const { req: request, resHeaders } = options;
        const incoming = {
            request,
            source: request,
            method: request.method,
            header: (name: string) => request.headers.get(name)
        };
        const set = (name: string, value: string) => resHeaders.set(name, value);
        return {
            authRequest: { incoming, set: headers => setHeaders(headers, name => resHeaders.get(name), set) }
        };
    }
    const { req: request, res, info } = options;
    const incoming: Incoming<unknown> =
        "raw" in request ? { ...incomingOf(request.raw), request, source: request } : incomingOf(request);
    if (!isResponse(res)) {
        return {
            authRequest: { incoming: handshake(incoming, info?.connectionParams), set: () => undefined }
        };
    }
    // Not with `connectionParams`: over HTTP they are in the URL, where no token may be (RFC 9700 section 4.3.2).
    const set = (name: string, value: string) => res.setHeader?.(name, value) ?? res.header?.(name, value);
    // A streamed response begins before its calls are judged, so no field can be set on it.
    const hasBegun = () => res.headersSent === true || res.sent === true;
    return {
        authRequest: {
            incoming,
            set: headers => hasBegun() || setHeaders(headers, name => res.getHeader?.(name), set)
        }
    };
}

/** Otherwise it is a WebSocket. */
const isResponse = (res: object): res is Reply => "setHeader" in res || "header" in res;
