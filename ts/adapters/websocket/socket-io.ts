/**
 * Handshakes of socket.io, for `oidc-spa-native/websocket`.
 *
 * In: a validator, the rules of a namespace. Out: middleware for `io.use`. Never: a claim, a status, a challenge.
 */

import type { IncomingMessage } from "node:http";
import type { AccessTokenClaims, Granted, Validator } from "../../../index.js";
import { Found } from "../../guard/found.js";
import { createGuard, validatorOf, type Auth, type ValidatorOrOptions } from "../../guard/guard.js";
import { incomingOf } from "../../guard/node.js";
import { failure, responseTo, type ResponseToSend } from "../../guard/response.js";
import { checkNoMore, placeOf, readRules, type Fixed } from "../../guard/rules.js";
import { hasEnded } from "../../validator/expiry.js";
import { RefusedError } from "../../validator/refused-error.js";
import { handshake } from "../../guard/subprotocol.js";
import { atExpiry, type UpgradeRules } from "../../guard/upgrade.js";
import { createRecovery, type Recoverable } from "./recovery.js";

/** A socket of socket.io on the server. */
export interface SocketOfNamespace extends Recoverable {
    readonly request: IncomingMessage;
    readonly handshake: { readonly auth: { readonly [member: string]: unknown } };
    /** The connection, which several namespaces may share. */
    readonly conn?: { once(event: "close", listener: () => void): unknown };
    disconnect(close?: boolean): unknown;
    once(event: "disconnect", listener: () => void): unknown;
    /** Middleware for each incoming event. */
    use(middleware: (event: unknown[], next: (error?: Error) => void) => void): unknown;
}

/** Middleware with `auth.of(socket).claims`: the proof that it let a socket in. `of` throws if it did not. */
export interface NamespaceProtection<Found> {
    (socket: SocketOfNamespace, next: (error?: Error) => void): void;
    readonly of: (socket: SocketOfNamespace) => Found;
}

/**
 * A server that recovers connections skips middleware. In another process than before, such a socket was not judged.
 */
const WRITE =
    "io.use(protectNamespace(validator)) for this namespace, connectionStateRecovery: { skipMiddlewares: false } where several " +
    "processes share sessions";

const PLACE = placeOf("protectNamespace", "io.use(protectNamespace(validator))", {
    but: ["subprotocolToken", "guardPreflights", "respond", "rejection"],
    and: ["closeAtExpiry"]
});

/**
 * Lets a socket into a namespace: `io.use(protectNamespace(…))`. Refused sockets get `connect_error`, with the problem
 * document as `data`.
 */
export function protectNamespace<Claims = AccessTokenClaims, Optional extends boolean = false>(
    validatorOrOptions: ValidatorOrOptions<Claims>,
    rules: UpgradeRules<Fixed<Claims>, IncomingMessage, Optional> = {},
    ...beyond: undefined[]
): NamespaceProtection<Auth<Claims, Optional>> {
    checkNoMore(beyond, PLACE.example);
    const { closeAtExpiry: closes = true, ...read } = readRules<
        UpgradeRules<Claims, IncomingMessage, Optional>
    >(rules, PLACE);
    const validator = validatorOf(validatorOrOptions);
    const guard = createGuard(validator, read);
    const found = new Found<Auth<Claims, Optional>>(WRITE);
    const prepare = createRecovery<Auth<Claims, Optional>>(
        socket => found.get(socket as SocketOfNamespace),
        auth => validator.hasExpired(auth)
    );
    const judge = async (socket: SocketOfNamespace): Promise<Error | undefined> => {
        const outcome = await guard(handshake(incomingOf(socket.request), socket.handshake.auth));
        if (!outcome.passed) {
            return errorWith(new RefusedError(outcome.refusal), responseTo(outcome.refusal, undefined));
        }
        const auth = outcome.auth as Auth<Claims, Optional>;
        found.set(socket, auth);
        if (closes) {
            const end = () => socket.disconnect(true);
            onceGone(socket, atExpiry(validator, auth, end));
            // An event may come before the clock was read.
            socket.use((_event, next) => void (isOver(validator, auth) ? end() : next()));
        }
        return undefined;
    };
    const middleware = (socket: SocketOfNamespace, next: (error?: Error) => void) => {
        prepare(socket);
        void judge(socket)
            .catch(error => errorWith(new Error("Internal Server Error"), failure(error, undefined)))
            .then(next);
    };
    return Object.assign(middleware, {
        of: (socket: SocketOfNamespace) => {
            if (found.get(socket) === undefined) {
                socket.disconnect?.(true);
            }
            return found.of(socket);
        }
    });
}

/** If the clock fails, the token may have expired. An error thrown here would end the process. */
function isOver<Claims>(validator: Validator<Claims>, auth: Granted<Claims> | null): boolean {
    try {
        return validator.hasExpired(auth);
    } catch (error) {
        failure(error, undefined);
        return true;
    }
}

/** By connection, so that it gets one listener for all namespaces of its client. */
const waiting = new WeakMap<object, Set<() => void>>();

/**
 * If a client disconnects before its socket is accepted, the socket gets no `disconnect` event; only its connection
 * closes.
 */
function onceGone(socket: Pick<SocketOfNamespace, "conn" | "once">, act: () => void): void {
    const { conn } = socket;
    if (conn === undefined) {
        socket.once("disconnect", act);
        return;
    }
    if (hasEnded(conn)) {
        act();
        return;
    }
    let acts = waiting.get(conn);
    if (acts === undefined) {
        const all = new Set<() => void>();
        conn.once("close", () => all.forEach(act => act()));
        waiting.set(conn, all);
        acts = all;
    }
    const all = acts.add(act);
    socket.once("disconnect", () => {
        all.delete(act);
        act();
    });
}

/** socket.io sends the client the error's message, and its `data`. */
function errorWith(error: Error, { body }: ResponseToSend): Error {
    return Object.assign(error, { data: JSON.parse(body ?? "null") as unknown });
}
