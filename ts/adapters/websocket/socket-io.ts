/**
 * Handshakes of socket.io, of which `oidc-spa-native/websocket` tells.
 *
 * In: a validator, the rules of a namespace. Out: middleware for `io.use`. May use: guard, node, response, subprotocol,
 * upgrade. Never: a claim, a status, a challenge.
 */

import type { IncomingMessage } from "node:http";
import { newGuard, validatorOf, type Auth, type ValidatorOrOptions } from "../../guard/guard.js";
import { incomingOf } from "../../guard/node.js";
import { failure, RefusedError, type ResponseToSend } from "../../guard/response.js";
import { handshake } from "../../guard/subprotocol.js";
import { atExpiry, checkCloses, type UpgradeRules } from "../../guard/upgrade.js";
import { newRecovery, type Recoverable } from "./recovery.js";

/** A socket of socket.io on the server. */
export interface SocketOfNamespace extends Recoverable {
    readonly request: IncomingMessage;
    readonly handshake: { readonly auth: { readonly [member: string]: unknown } };
    disconnect(close?: boolean): unknown;
    /** Middleware for each event that comes in. */
    use(middleware: (event: unknown[], next: (error?: Error) => void) => void): unknown;
}

/** Middleware, and the typed way to what it found: `auth.of(socket).claims`. */
export interface NamespaceProtection<Found> {
    (socket: SocketOfNamespace, next: (error?: Error) => void): void;
    readonly of: (socket: SocketOfNamespace) => Found;
}

/** Lets a socket into a namespace: `io.use(protectNamespace(…))`. Others get `connect_error`, with the problem as `data`. */
export function protectNamespace<Claims, Optional extends boolean = false>(
    validatorOrOptions: ValidatorOrOptions<Claims>,
    { closeAtExpiry: closes = true, ...rules }: UpgradeRules<Claims, IncomingMessage, Optional> = {}
): NamespaceProtection<Auth<Claims, Optional>> {
    checkCloses(closes);
    const validator = validatorOf(validatorOrOptions);
    const guard = newGuard(validator, { ...rules, guardPreflights: true });
    const found = new WeakMap<SocketOfNamespace, Auth<Claims, Optional>>();
    const recovery = newRecovery<Auth<Claims, Optional>>(auth => validator.hasExpired(auth));
    const judge = async (socket: SocketOfNamespace): Promise<Error | undefined> => {
        const outcome = await guard(handshake(incomingOf(socket.request), socket.handshake.auth));
        if (!outcome.passed) {
            return told(new RefusedError(outcome.refusal), outcome.response);
        }
        const auth = outcome.auth as Auth<Claims, Optional>;
        found.set(socket, auth);
        recovery.note(socket, auth);
        if (closes) {
            const end = () => socket.disconnect(true);
            socket.once("disconnect", atExpiry(validator, auth, end));
            // An event may come before anybody has looked at the clock.
            socket.use((_event, next) => void (validator.hasExpired(auth) ? end() : next()));
        }
        return undefined;
    };
    const middleware = (socket: SocketOfNamespace, next: (error?: Error) => void) => {
        recovery.prepare(socket);
        void judge(socket)
            .catch(error => told(new Error("Internal Server Error"), failure(error, undefined)))
            .then(next);
    };
    return Object.assign(middleware, {
        of: (socket: SocketOfNamespace) => {
            const auth = found.get(socket);
            if (auth === undefined) {
                socket.disconnect(true);
                throw new TypeError(UNJUDGED);
            }
            return auth;
        }
    });
}

const UNJUDGED =
    "oidc-spa-native: this socket was not judged. Write io.use(auth) for its namespace, and, where several processes share " +
    "sessions, connectionStateRecovery: { skipMiddlewares: false }.";

/** socket.io sends the client the error's message, and its `data`. */
function told(error: Error, { body }: ResponseToSend): Error {
    return Object.assign(error, { data: JSON.parse(body ?? "null") as unknown });
}
