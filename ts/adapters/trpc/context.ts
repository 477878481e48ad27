/**
 * The context of a request of tRPC: its Express, Fastify, fetch, standalone and WebSocket adapters each give another one.
 *
 * In: what `createContext` is given. Out: what the guard reads, and where fields of the response are set. Never: a
 * rule.
 */

import type { FetchRequestLike } from "../../../index.js";
import type { Incoming } from "../../guard/incoming.js";
import { incomingOf, type NodeRequest } from "../../guard/node.js";
import { setHeaders, type ResponseToSend } from "../../guard/response.js";
import { handshake, type SaidAtConnect } from "../../guard/subprotocol.js";
import { invalid, kindOf } from "../../validator/members.js";

/** What `createContext` is given: with Fastify's request, `req.raw` is the one of Node.js. */
export type ContextOptions =
    | { readonly req: FetchRequestLike; readonly resHeaders: Headers }
    | {
          readonly req: NodeRequest | { readonly raw: NodeRequest };
          readonly res: object;
          readonly info?: ConnectInfo;
      };

/** What tRPC says of a call; on a WebSocket, what the client said as it connected. */
type ConnectInfo = { readonly connectionParams?: SaidAtConnect };

/** What `protect` needs of the context. */
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

/** The adapter's `createContext`, or what yours spreads into its context: `{ ...createContext(options), db }`. */
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
    // A streamed response has begun before its calls are judged: nothing can be set on it any more.
    const hasBegun = () => res.headersSent === true || res.sent === true;
    return {
        authRequest: {
            incoming,
            set: headers => hasBegun() || setHeaders(headers, name => res.getHeader?.(name), set)
        }
    };
}

/** Else it is a WebSocket. */
const isResponse = (res: object): res is Reply => "setHeader" in res || "header" in res;
