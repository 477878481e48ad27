/**
 * The context of a request of tRPC: its Express, Fastify, fetch, standalone and WebSocket adapters each give another one.
 *
 * In: what `createContext` is given. Out: what the guard reads, and where fields of the response are set. May use:
 * guard's types, node, response. Never: a rule.
 */

import type { FetchRequestLike } from "../../index.js";
import type { Incoming } from "./guard.js";
import { incomingOf, type NodeRequest } from "./node.js";
import { setHeaders, type ResponseToSend } from "./response.js";

/** What `createContext` is given: with Fastify's request, `req.raw` is the one of Node.js. */
export type ContextOptions =
    | { readonly req: FetchRequestLike; readonly resHeaders: Headers }
    | { readonly req: NodeRequest | { readonly raw: NodeRequest }; readonly res: object };

/** What `protect` needs of the context. */
export interface AuthContext {
    readonly authRequest: {
        readonly incoming: Incoming<unknown>;
        readonly set: (headers: ResponseToSend["headers"]) => void;
    };
}

/** `http.ServerResponse`, or `FastifyReply`; a WebSocket has nothing of it. */
interface Reply {
    readonly headersSent?: boolean;
    readonly sent?: boolean;
    getHeader?(name: string): unknown;
    setHeader?(name: string, value: string): unknown;
    header?(name: string, value: string): unknown;
}

/** The adapter's `createContext`, or what yours spreads into its context: `{ ...createContext(options), db }`. */
export function createContext(options: ContextOptions): AuthContext {
    if ("resHeaders" in options) {
        const { req: request, resHeaders } = options;
        const incoming = { request, source: request, method: request.method, header: (name: string) => request.headers.get(name) };
        const set = (name: string, value: string) => resHeaders.set(name, value);
        return { authRequest: { incoming, set: headers => setHeaders(headers, name => resHeaders.get(name), set) } };
    }
    const { req: request } = options;
    const incoming = "raw" in request ? { ...incomingOf(request.raw), request, source: request } : incomingOf(request);
    return { authRequest: { incoming, set: headers => setOn(options.res, headers) } };
}

/** A streamed response has begun before its calls are judged: nothing can be set on it any more. */
function setOn(reply: Reply, headers: ResponseToSend["headers"]): void {
    if (reply.headersSent !== true && reply.sent !== true) {
        setHeaders(
            headers,
            name => reply.getHeader?.(name),
            (name, value) => (reply.setHeader === undefined ? reply.header?.(name, value) : reply.setHeader(name, value))
        );
    }
}
