/**
 * Connections that live longer than a call of NestJS: the client of a gateway, a socket of GraphQL, a stream of
 * server-sent events.
 *
 * In: Nest's context of a call. Out: the connection, and how it ends. Never: a rule, a clock.
 */

import type { ExecutionContext } from "@nestjs/common" with { "resolution-mode": "import" };
import type { Granted, NodeRequestLike } from "../../../index.js";
import { atExpiry, closeAtExpiry, type Closable, type ExpiryOf } from "../../guard/upgrade.js";
import { hasEnded } from "../../validator/expiry.js";
import { carrierOf, isConnection, requestOf, responseOf, socketOf } from "./context.js";

/** The metadata key, in all versions of Nest, of a method that answers with events. */
const IS_SSE = "__sse__";

/** A node of an operation that may have directives, and others within it. */
type Node = {
    readonly directives?: readonly { readonly name: { readonly value: string } }[];
    readonly selectionSet?: { readonly selections: readonly Node[] };
};
/** The information about the operation that GraphQL gives to a resolver. */
type ResolveInfo = {
    readonly operation?: Node & { readonly operation?: string };
    readonly fragments?: Readonly<Record<string, Node>>;
};

/** A client of socket.io. */
interface Client {
    disconnect(close: boolean): unknown;
    once(event: "disconnect", listener: () => void): unknown;
}

/** A response, or the bare connection: both can be destroyed. */
interface Cuttable {
    destroy(): unknown;
    once(event: "close", listener: () => void): unknown;
}

/** Ends the connection of a call when its token expires. A connection is watched once for each grant. */
export function endAtExpiry(
    validator: ExpiryOf<unknown>,
    context: ExecutionContext,
    auth: Granted<unknown>,
    watched: WeakMap<object, Granted<unknown>>
): void {
    const connection = connectionOf(context);
    if (connection === undefined || watched.get(connection) === auth) {
        return;
    }
    watched.set(connection, auth);
    // Its client may have left while the token was judged.
    if (hasEnded(connection)) {
        return;
    }
    if ("disconnect" in connection) {
        connection.once(
            "disconnect",
            atExpiry(validator, auth, () => connection.disconnect(true))
        );
    } else if ("close" in connection) {
        closeAtExpiry(validator, connection, auth);
    } else {
        connection.once(
            "close",
            atExpiry(validator, auth, () => connection.destroy())
        );
    }
}

/** `undefined` if a call ends with its response. */
function connectionOf(context: ExecutionContext): Client | Closable | Cuttable | undefined {
    if (isConnection(context)) {
        return context.getType() === "ws"
            ? context.switchToWs().getClient<Client | Closable>()
            : (socketOf(carrierOf(context))?.extra.socket ??
                  ((requestOf(context) as NodeRequestLike).socket as Cuttable));
    }
    // Nest ends the events of a response only when its connection has ended.
    const response = responseOf(context);
    return isStream(context) && response !== undefined
        ? (("raw" in response ? response.raw : response) as unknown as Cuttable)
        : undefined;
}

/** Whether the answer comes bit by bit: events of a method or of a subscription of GraphQL over HTTP, parts of a query. */
function isStream(context: ExecutionContext): boolean {
    if (context.getType<string>() !== "graphql") {
        return Reflect.getMetadata(IS_SSE, context.getHandler()) === true;
    }
    const { operation, fragments } = context.getArgByIndex<ResolveInfo | undefined>(3) ?? {};
    return (
        operation !== undefined && (operation.operation === "subscription" || isInParts(operation, fragments))
    );
}

/** By operation: each of its resolvers may have a guard that asks. */
const inParts = new WeakMap<object, boolean>();

/** Whether the operation asks for parts that come later. A server that knows none refuses it before any resolver. */
function isInParts(operation: Node, fragments: ResolveInfo["fragments"]): boolean {
    const known = inParts.get(operation);
    if (known !== undefined) {
        return known;
    }
    const left = [operation, ...Object.values(fragments ?? {})];
    let found = false;
    for (let node = left.pop(); node !== undefined && !found; node = left.pop()) {
        found =
            node.directives?.some(({ name }) => name.value === "defer" || name.value === "stream") ?? false;
        left.push(...(node.selectionSet?.selections ?? []));
    }
    inParts.set(operation, found);
    return found;
}
