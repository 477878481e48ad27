/**
 * The option `network.fetch`: the application's function that makes the requests for keys.
 *
 * In: the option `network`. Out: the same for the addon, and the function under a number. Never: a request that is made in the
 * context of a request of the application, a call of the function that throws into the addon.
 */

import type { FetchFunction } from "../../index.js";
import { apart, weakly } from "../boundary/apart.js";
import { exchange, type WantedRequest } from "../boundary/exchange.js";
import { numberedFetch, type NumberedFetch } from "../boundary/functions.js";
import { hasOwn } from "../boundary/own.js";
import { NativeFetches, newFetchNumber } from "./native.js";

/** The option for the addon, and the function, if there is one. */
export interface FetchAccess {
    readonly option: unknown;
    readonly made: NumberedFetch | undefined;
}

/** Reads the option. The function stays here; the addon learns its number. */
export function fetchAccess(network: unknown): FetchAccess {
    if (typeof network !== "object" || network === null || !Object.hasOwn(network, "fetch")) {
        return { option: network, made: undefined };
    }
    const { fetch, ...others } = network as { readonly fetch: unknown };
    // With the prototype of the original, which may be a wrong one.
    const option: unknown = Object.assign(
        Object.create(Object.getPrototypeOf(network) as object | null),
        others
    );
    if (fetch === undefined) {
        return { option, made: undefined };
    }
    if (typeof fetch !== "function") {
        throw new TypeError(
            `oidc-spa-native: network.fetch: expected a function with the signature of fetch, which makes the requests for keys; ` +
                `got ${fetch === null ? "null" : `a value of type ${typeof fetch}`}.`
        );
    }
    return { option, made: numberedFetch(fetch as FetchFunction, newFetchNumber) };
}

let fetches: NativeFetches | undefined;

/** What the addon asks for requests; `undefined` if the engine makes them itself. */
export function theFetches(): NativeFetches | undefined {
    const Fetches = NativeFetches;
    if (Fetches !== undefined) {
        fetches ??= apart(() => new Fetches(weakly(carryOut)));
    }
    return fetches;
}

function carryOut(ticket: number, text: string): void {
    void apart(async () => {
        const got = await exchange(JSON.parse(text) as WantedRequest);
        if (hasOwn(got, "kind")) {
            fetches?.failed(ticket, got.kind, got.message);
        } else {
            fetches?.answered(ticket, got.status, JSON.stringify(got.headers), got.body);
        }
    });
}
