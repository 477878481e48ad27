/**
 * Tells on the tracing channel `oidc-spa-native:fetch` what is asked of issuers.
 *
 * In: beginnings and ends, as the addon tells them. Out: messages, where somebody subscribed. Never: a URL's path or query.
 */

import type { FetchContext } from "../../index.js";
import { isHeard, traceChannels } from "./tracing.js";

/** A question to a server: without `outcome` it begins, with it it has ended. */
export interface FetchEvent {
    readonly fetch: number;
    readonly kind: FetchContext["kind"];
    readonly issuerUri: string;
    readonly server: string;
    readonly outcome?: { readonly status?: number | null; readonly bytes?: number; readonly error?: string };
}

const channels = traceChannels("oidc-spa-native:fetch");
const { start, end, asyncStart, asyncEnd, error } = channels;

/** Those under way whose beginning was told, by their numbers. A process has few. */
const underWay = new Map<number, FetchContext>();
const MAX_UNDER_WAY = 1000;

export function isFetchTraced(): boolean {
    return underWay.size > 0 || isHeard(channels);
}

export function traceFetch({ fetch, kind, issuerUri, server, outcome }: FetchEvent): void {
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
