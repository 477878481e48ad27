/**
 * WebSocket connections: refuses a handshake, and closes a socket when its token expires.
 *
 * In: Node's request and connection, a response; a socket, a grant. Out: the response on the connection; a socket that
 * is closed. Never: a framework.
 */

import { ServerResponse, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Granted, Validator } from "../../index.js";
import { hasEnded } from "../validator/expiry.js";
import { kindOf } from "../validator/members.js";
import type { RouteRules } from "./rules.js";
import { send } from "./node.js";
import { failure, type ResponseToSend } from "./response.js";

/** The rules of an upgrade. */
export type UpgradeRules<Claims, Request, Optional extends boolean> = Omit<
    RouteRules<Claims, Request, Optional>,
    "subprotocolToken" | "guardPreflights" | "rejection"
> & {
    /**
     * Close the socket when its token expires, on `ws` with the code 4401. Default `true`; with `false` the socket outlives
     * its token.
     */
    closeAtExpiry?: boolean | undefined;
};

/** A peer may ignore the end of a connection, and go on sending. */
const GRACE_MS = 2000;

/** Answers the handshake with an HTTP response, and ends the socket. */
export function refuse(request: IncomingMessage, socket: Duplex, response: ResponseToSend): void {
    if (!socket.writable) {
        socket.destroy();
        return;
    }
    const res = new ServerResponse(request);
    res.shouldKeepAlive = false;
    try {
        // On an upgrade Node.js hands over the bare connection, which is a net.Socket or tls.TLSSocket.
        res.assignSocket(socket as ConstructorParameters<typeof IncomingMessage>[0]);
    } catch {
        // The client did not wait for the response to its request before, which still has the connection. That is no failure of
        // this library, and anybody could fill the log with it.
        socket.destroy();
        return;
    }
    // No code reads further data, and Node.js sets no time limit after an upgrade. Without these lines the connection
    // might never end.
    socket.resume();
    const grace = setTimeout(() => socket.destroy(), GRACE_MS).unref();
    // A connection that has ended is not held: it has the request, with its token.
    socket.once("close", () => clearTimeout(grace));
    res.once("finish", () => socket.end());
    send(res, response);
}

/** `WebSocketServer` of `ws`, made with `noServer: true`. */
export interface UpgradeServer {
    handleUpgrade(
        request: IncomingMessage,
        socket: Duplex,
        head: Buffer,
        done: (socket: Closable) => void
    ): void;
    on(event: "headers", listener: HeadersListener): unknown;
    off(event: "headers", listener: HeadersListener): unknown;
    emit(event: "connection", socket: Closable, request: IncomingMessage): unknown;
    readonly options?: { readonly noServer?: boolean | undefined };
}

/** A server with its own listener upgrades every request, also refused ones. */
export function checkNoServer(sockets: UpgradeServer): void {
    const given: Partial<UpgradeServer> = Object(sockets);
    if (typeof given.handleUpgrade !== "function") {
        throw new TypeError(
            `oidc-spa-native: protect takes a WebSocketServer last; got ${kindOf(sockets)}. Write server.on("upgrade", ` +
                "protect(validator, {}, new WebSocketServer({ noServer: true })))."
        );
    }
    const { options } = given;
    if (options !== undefined && options.noServer !== true) {
        throw new TypeError(
            "oidc-spa-native: expected a WebSocketServer without a listener; got one with a server or a port of its own, which " +
                "upgrades refused requests too. Write new WebSocketServer({ noServer: true })."
        );
    }
}

type HeadersListener = (lines: string[], request: IncomingMessage) => void;

/** Completes the handshake, with these fields in its response. */
export function accept(
    sockets: UpgradeServer,
    ...[request, socket, head, headers, done]: [
        IncomingMessage,
        Duplex,
        Buffer,
        ResponseToSend["headers"],
        (socket: Closable) => void
    ]
): void {
    const add: HeadersListener = (lines, about) => {
        if (about === request) {
            lines.push(...Object.entries(headers).map(field => field.join(": ")));
        }
    };
    sockets.on("headers", add);
    try {
        sockets.handleUpgrade(request, socket, head, done);
    } finally {
        sockets.off("headers", add);
    }
}

/** A socket that can be closed: of `ws`, Hono's `WSContext`, a `WebSocket` of Deno or Bun. */
export interface Closable {
    close(code: number, reason: string): unknown;
    /** The socket of `ws` inside Hono's socket. */
    readonly raw?: unknown;
}

/**
 * `ws` emits an error for an invalid frame of a client, and closes the socket itself. Without a listener this error
 * would end the process. The application's own listeners still get it.
 */
export function survive(socket: Closable): void {
    (socket as SocketOfRuntime).on?.("error", () => undefined);
}

/** A close code for applications (RFC 6455 section 7.4.2). It means: get a new token and connect again. */
const EXPIRED = 4401;

/** Members that a socket may have beside `close`: a socket of `ws` has the first four, one of Deno the last two. */
interface SocketOfRuntime extends Closable {
    on?(event: "error", listener: () => void): unknown;
    once?(event: "close", listener: () => void): unknown;
    off?(event: "close", listener: () => void): unknown;
    terminate?(): void;
    addEventListener?(event: "close", listener: () => void): unknown;
    removeEventListener?(event: "close", listener: () => void): unknown;
}

/** The functions of a validator that report the end of a grant. */
export type ExpiryOf<Claims> = Pick<Validator<Claims>, "untilExpiry">;

/**
 * Closes a socket when its token expires, with the code 4401. A socket without `auth` stays open. It does not keep the
 * process alive, and keeps no reference to a closed socket. A socket of Bun does not report its end: call the returned
 * function when it has closed.
 */
export function closeAtExpiry<Claims>(
    validator: ExpiryOf<Claims>,
    socket: Closable,
    auth: Granted<Claims> | null
): () => void {
    const { raw = socket } = socket;
    const inner = raw as SocketOfRuntime;
    const stop = atExpiry(validator, auth, () => {
        inner.close(EXPIRED, "The access token expired");
        setTimeout(() => inner.terminate?.(), GRACE_MS).unref();
    });
    if (hasEnded(inner)) {
        stop();
        return stop;
    }
    const release = onClose(inner, stop);
    return () => {
        release();
        stop();
    };
}

/** Calls a function when the socket has closed. A client may send many tokens in its time: the returned function takes this back. */
function onClose(socket: SocketOfRuntime, act: () => void): () => void {
    if (socket.once === undefined) {
        socket.addEventListener?.("close", act);
        return () => socket.removeEventListener?.("close", act);
    }
    socket.once("close", act);
    return () => socket.off?.("close", act);
}

/** Calls a function when the token expires. Returns a function that cancels this. */
export function atExpiry<Claims>(
    validator: ExpiryOf<Claims>,
    auth: Granted<Claims> | null,
    act: () => void
): () => void {
    const ended = new AbortController();
    const signal = validator.untilExpiry(auth, ended.signal);
    const expire = () => {
        if (ended.signal.aborted) {
            return;
        }
        try {
            act();
        } catch (error) {
            // No code waits for this Promise, so its rejection would end the process.
            failure(error, undefined);
        }
    };
    signal.aborted ? expire() : signal.addEventListener("abort", expire, { once: true });
    return () => ended.abort();
}
