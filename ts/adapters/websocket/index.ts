/**
 * `oidc-spa-native/websocket`: upgrades to WebSocket for `ws` and servers with its methods; handshakes of socket.io.
 *
 * In: a validator, rules, a WebSocket server. Out: a listener of `upgrade` events. Never: a claim, a status, a
 * challenge.
 */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { AccessTokenClaims } from "../../../index.js";
import { Found } from "../../guard/found.js";
import { createGuard, validatorOf, type Auth, type ValidatorOrOptions } from "../../guard/guard.js";
import { incomingOf } from "../../guard/node.js";
import { failure } from "../../guard/response.js";
import { checkNoMore, placeOf, readRules, type Fixed } from "../../guard/rules.js";
import {
    accept,
    checkNoServer,
    closeAtExpiry,
    refuse,
    survive,
    type Closable,
    type ExpiryOf,
    type UpgradeRules,
    type UpgradeServer
} from "../../guard/upgrade.js";

export { protectNamespace, type NamespaceProtection, type SocketOfNamespace } from "./socket-io.js";
export { acceptedProtocol } from "../../guard/subprotocol.js";
export { closeAtExpiry, type Closable, type ExpiryOf, type UpgradeRules, type UpgradeServer };

/**
 * A listener of `upgrade` events with `upgrade.of(req).claims`: the proof that it let a request pass. Otherwise `of`
 * throws.
 */
export interface UpgradeProtection<Found> {
    (request: IncomingMessage, socket: Duplex, head: Buffer): void;
    readonly of: (request: IncomingMessage) => Found;
}

const PLACE = placeOf("protect", 'server.on("upgrade", protect(validator, {}, sockets))', {
    but: ["subprotocolToken", "guardPreflights", "rejection"],
    and: ["closeAtExpiry"]
});

/** Upgrades a granted request: `server.on("upgrade", protect(…))`, then `sockets.on("connection", …)`. */
export function protect<Claims = AccessTokenClaims, Optional extends boolean = false>(
    validatorOrOptions: ValidatorOrOptions<Claims>,
    rules: UpgradeRules<Fixed<Claims>, IncomingMessage, Optional>,
    sockets: UpgradeServer,
    ...beyond: undefined[]
): UpgradeProtection<Auth<Claims, Optional>> {
    checkNoMore(beyond, PLACE.example, "protect takes a validator, rules and a WebSocketServer");
    const { closeAtExpiry: closes = true, ...read } = readRules<
        UpgradeRules<Claims, IncomingMessage, Optional>
    >(rules, PLACE);
    checkNoServer(sockets);
    const validator = validatorOf(validatorOrOptions);
    const guard = createGuard(validator, { ...read, subprotocolToken: true });
    const found = new Found<Auth<Claims, Optional>>(PLACE.example);
    const listener = async (req: IncomingMessage, socket: Duplex, head: Buffer) => {
        // Node.js has removed its own listener. A client that disconnects meanwhile must not end the process.
        socket.on("error", () => socket.destroy());
        const outcome = await guard(incomingOf(req)).catch((error: unknown) => ({
            response: failure(error, req.method)
        }));
        if (outcome.response !== undefined) {
            refuse(req, socket, outcome.response);
            return;
        }
        const auth = outcome.auth as Auth<Claims, Optional>;
        found.set(req, auth);
        accept(sockets, req, socket, head, outcome.headers, ws => {
            survive(ws);
            closes && closeAtExpiry(validator, ws, auth);
            sockets.emit("connection", ws, req);
        });
    };
    const onUpgrade = (req: IncomingMessage, socket: Duplex, head: Buffer) => {
        // A failure here concerns only this connection. Most likely another listener has upgraded it.
        listener(req, socket, head).catch((error: unknown) => {
            failure(error, req.method);
            socket.destroy();
        });
    };
    return Object.assign(onUpgrade, { of: found.of });
}
