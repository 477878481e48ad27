/**
 * Tells on the tracing channel `oidc-spa-native:fetch` what is asked of issuers.
 *
 * In: beginnings and ends, as the addon tells them. Out: messages, where somebody subscribed. Never: a URL's path or query.
 */

import { channel, type Channel } from "node:diagnostics_channel";
import type { FetchContext } from "../../index.js";

/** A question to a server: without `outcome` it begins, with it it has ended. */
export interface ToldFetch {
    readonly fetch: number;
    readonly kind: FetchContext["kind"];
    readonly issuerUri: string;
    readonly server: string;
    readonly outcome?: { readonly status?: number | null; readonly bytes?: number; readonly error?: string };
}

// The channels of `tracingChannel("oidc-spa-native:fetch")`. They are held here: Node.js keeps none that nobody holds.
const at = (event: string): Channel => channel(`tracing:oidc-spa-native:fetch:${event}`);
const [start, end, asyncStart, asyncEnd, error] = [
    at("start"),
    at("end"),
    at("asyncStart"),
    at("asyncEnd"),
    at("error")
];
const all = [start, end, asyncStart, asyncEnd, error];

/** Those under way whose beginning was told, by their numbers. A process has few. */
const underWay = new Map<number, FetchContext>();
const MAX_UNDER_WAY = 1000;

export function isFetchTraced(): boolean {
    return underWay.size > 0 || all.some(channel => channel.hasSubscribers);
}

export function traceFetch({ fetch, kind, issuerUri, server, outcome }: ToldFetch): void {
    if (outcome === undefined) {
        const context: FetchContext = { kind, issuerUri, server };
        if (underWay.size < MAX_UNDER_WAY) {
            underWay.set(fetch, context);
            start.publish(context);
            end.publish(context);
        }
        return;
    }
    const context = underWay.get(fetch);
    if (context === undefined) {
        return;
    }
    underWay.delete(fetch);
    const { status, bytes, error: trouble } = outcome;
    if (typeof status === "number") {
        context.status = status;
    }
    if (bytes !== undefined) {
        context.bytes = bytes;
    }
    if (trouble !== undefined) {
        context.error = trouble;
        error.publish(context);
    }
    asyncStart.publish(context);
    asyncEnd.publish(context);
}
