/**
 * Reads a token from a script in a browser. Such a script can set only the subprotocols of an upgrade (RFC 6455 section
 * 4.1), so the token is among these, or in the first message of the connection.
 *
 * In: a request as the guard reads it. Out: the same with the token in its place. Never: a framework, a check of the
 * token.
 */

import type { FetchRequestLike, NodeRequestLike, RequestLike } from "../../index.js";
import type { Incoming } from "./incoming.js";
import { fingerprintOf, isSameRequest, type Fingerprint } from "./same-request.js";

/** The text before the token, as in the guides of oidc-spa. */
const PREFIX = "authorization_bearer_";
const PROTOCOLS = "sec-websocket-protocol";

/**
 * Which of the offered subprotocols to accept, for `handleProtocols` of `ws`: the first one without a token. If there
 * is no other, the one with the token: a browser closes the connection if the server accepts none.
 */
export function acceptedProtocol(offered: Iterable<string>): string | false {
    const protocols = [...offered];
    return protocols.find(protocol => !protocol.startsWith(PREFIX)) ?? protocols[0] ?? false;
}

/** The tokens that came as subprotocols. */
export function tokensOf({ header }: Incoming<unknown>): string[] {
    const value = header(PROTOCOLS);
    const protocols = typeof value === "string" ? value.split(",").map(protocol => protocol.trim()) : [];
    return protocols
        .filter(protocol => protocol.startsWith(PREFIX))
        .map(protocol => protocol.slice(PREFIX.length));
}

/** The first message of clients: `auth` of socket.io, `connectionParams` of tRPC. It may hold any value. */
export type SaidAtConnect = { readonly token?: unknown } | null | undefined;

/**
 * The request that began a connection, with the token of the client's first message. A value that is not a text is not
 * a token.
 */
export function handshake<Request>(incoming: Incoming<Request>, said: SaidAtConnect): Incoming<Request> {
    const token = said?.token ?? null;
    const tokens = token === null ? [] : [typeof token === "string" ? token : ""];
    return withTokens(incoming, [...tokensOf(incoming), ...tokens]);
}

/**
 * The request with these tokens among its credentials. More than one token, or a token beside the field, is refused
 * later.
 */
export function withTokens<Request>(
    incoming: Incoming<Request>,
    tokens: readonly string[]
): Incoming<Request> {
    if (tokens.length === 0) {
        return incoming;
    }
    const lines = [incoming.header("authorization"), ...tokens.map(token => `Bearer ${token}`)];
    const authorization = lines.filter(line => typeof line === "string" && line !== "") as string[];
    const joined = authorization.join(", ");
    const before = readable.get(incoming.source);
    const isSame = before?.joined === joined && isSameRequest(before.fingerprint, incoming);
    const source = isSame ? before.source : withAuthorization(incoming.source, authorization);
    isSame || readable.set(incoming.source, { joined, source, fingerprint: fingerprintOf(incoming) });
    return {
        ...incoming,
        source,
        header: name => (name === "authorization" ? joined : incoming.header(name))
    };
}

/** One object for each request, so that its proof is used only once. */
const readable = new WeakMap<
    object,
    { readonly joined: string; readonly source: RequestLike; readonly fingerprint: Fingerprint }
>();

function withAuthorization(source: RequestLike, authorization: readonly string[]): RequestLike {
    if ("raw" in source) {
        return {
            raw: withAuthorization(source.raw, authorization) as typeof source.raw,
            originalUrl: source.originalUrl
        };
    }
    if ("req" in source) {
        return {
            req: withAuthorization(source.req, authorization) as typeof source.req,
            originalUrl: source.originalUrl
        };
    }
    if (isOfFetch(source)) {
        const { headers, method, url } = source;
        const get = (name: string) =>
            name === "authorization" ? authorization.join(", ") : headers.get(name);
        return { headers: { get }, method, url };
    }
    const { headers, rawHeaders = [], method, url, originalUrl, socket } = source;
    return { headers: { ...headers, authorization }, rawHeaders, method, url, originalUrl, socket };
}

function isOfFetch(source: FetchRequestLike | NodeRequestLike): source is FetchRequestLike {
    return typeof source.headers.get === "function";
}
