/**
 * Handshakes of socket.io, of which `oidc-spa-native/websocket` tells.
 *
 * In: a validator, the rules of a namespace. Out: middleware for `io.use`. May use: guard, node, response, subprotocol,
 * upgrade. Never: a claim, a status, a challenge.
 */

import type { IncomingMessage } from "node:http";
import type { AccessTokenClaims } from "../../../index.js";
import { Found } from "../../guard/found.js";
import { newGuard, type Auth, type ValidatorOrOptions } from "../../guard/guard.js";
import { incomingOf } from "../../guard/node.js";
import { failure, RefusedError, type ResponseToSend } from "../../guard/response.js";
import { checkNoMore, placeOf, readRules, type Fixed } from "../../guard/rules.js";
import { handshake } from "../../guard/subprotocol.js";
import { atExpiry, type UpgradeRules } from "../../guard/upgrade.js";

/** A socket of socket.io on the server. */
export interface SocketOfNamespace {
    readonly request: IncomingMessage;
    readonly handshake: { readonly auth: { readonly [member: string]: unknown } };
    disconnect(close?: boolean): unknown;
    once(event: "disconnect", listener: () => void): unknown;
}

/** Middleware, and the proof that it let a socket in: `auth.of(socket).claims`. `of` throws where it did not. */
export interface NamespaceProtection<Found> {
    (socket: SocketOfNamespace, next: (error?: Error) => void): void;
    readonly of: (socket: SocketOfNamespace) => Found;
}

const PLACE = placeOf("protectNamespace", "io.use(protectNamespace(validator, { closeAtExpiry: true }))", {
    but: ["subprotocolToken", "guardPreflights"],
    and: ["closeAtExpiry"]
});

/** Lets a socket into a namespace: `io.use(protectNamespace(…))`. Others get `connect_error`, with the problem as `data`. */
export function protectNamespace<Claims = AccessTokenClaims, Optional extends boolean = false>(
    validator: ValidatorOrOptions<Claims>,
    rules: UpgradeRules<Fixed<Claims>, IncomingMessage, Optional> = {},
    ...beyond: undefined[]
): NamespaceProtection<Auth<Claims, Optional>> {
    checkNoMore(beyond, PLACE.example);
    const { closeAtExpiry: closes = false, ...read } = readRules<
        UpgradeRules<Claims, IncomingMessage, Optional>
    >(rules, PLACE);
    const guard = newGuard(validator, read);
    const found = new Found<Auth<Claims, Optional>>(PLACE.example);
    const judge = async (socket: SocketOfNamespace): Promise<Error | undefined> => {
        const outcome = await guard(handshake(incomingOf(socket.request), socket.handshake.auth));
        if (!outcome.passed) {
            return told(new RefusedError(outcome.refusal), outcome.response);
        }
        const auth = outcome.auth as Auth<Claims, Optional>;
        found.set(socket, auth);
        closes &&
            socket.once(
                "disconnect",
                atExpiry(auth, () => socket.disconnect(true))
            );
        return undefined;
    };
    const middleware = (socket: SocketOfNamespace, next: (error?: Error) => void) => {
        void judge(socket)
            .catch(error => told(new Error("Internal Server Error"), failure(error, undefined)))
            .then(next);
    };
    return Object.assign(middleware, { of: found.of });
}

/** socket.io sends the client the error's message, and its `data`. */
function told(error: Error, { body }: ResponseToSend): Error {
    return Object.assign(error, { data: JSON.parse(body ?? "null") as unknown });
}
