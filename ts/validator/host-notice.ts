/**
 * A notice where `Host` alone decides for which URL a DPoP proof is, and names another host than the configuration.
 *
 * In: the options; requests whose proof was accepted. Out: one warning a JavaScript thread. Never: a verdict, an
 * exception, a cost for each request: the first ones are looked at, and no others.
 */

import type { RequestParts } from "../addon/native.js";

/** Requests that a validator looks at. A wrong `Host` is in each of them. */
const LOOKS = 100;

/** What the option names may hold; the addon has checked it. */
type HostPolicy = Readonly<Record<string, unknown>>;

let hasWarned = false;

/** Looks at the host of a request that was granted with a proof; `undefined` where there is nothing to compare it with. */
export function hostWatch(policy: HostPolicy): ((parts: RequestParts) => void) | undefined {
    const hosts = hostsOf(policy);
    if (hosts.length === 0 || (policy.trustProxy ?? false) !== false || policy.publicBaseUrl !== undefined) {
        return undefined;
    }
    let looks = LOOKS;
    return parts => {
        if (looks === 0 || hasWarned) {
            return;
        }
        looks -= 1;
        const host = hostSeen(parts);
        if (host !== undefined && !isLoopback(host) && !hosts.includes(host)) {
            hasWarned = true;
            process.emitWarning(
                `A request with a DPoP proof was granted for the host ${host}, but the options name ${hosts.join(", ")}. ` +
                    "Without trustProxy and publicBaseUrl the Host field says for which host a proof is, and a client " +
                    'writes it. Behind a proxy, set publicBaseUrl (such as "https://' +
                    `${String(hosts[0])}") or trustProxy, and let the server take requests for its own hosts only. ` +
                    "If both hosts are yours, publicBaseUrl or a proxy that checks Host ends this notice.",
                { type: "oidc-spa-native", code: "OIDC_SPA_NATIVE_HOST_DIFFERS" }
            );
        }
    };
}

/** The hosts of the https URLs that name this API. */
function hostsOf({ expectedAudience, issuers, resource }: HostPolicy): string[] {
    const others = Array.isArray(issuers)
        ? issuers.map((issuer: { expectedAudience?: unknown }) => issuer.expectedAudience)
        : [];
    const names = [expectedAudience, ...others, resource].flat();
    const hosts = names.map(name =>
        typeof name === "string" && name.startsWith("https://") ? hostOf(name) : undefined
    );
    return [...new Set(hosts.filter(host => host !== undefined))];
}

/** The host that decided, as the validator read it: that of an absolute URL goes before the field. */
function hostSeen(parts: RequestParts): string | undefined {
    if (parts.length === 2) {
        return undefined;
    }
    const [, , , , url, , host] = parts;
    return url !== null && !url.startsWith("/") ? hostOf(url) : hostOf(`https://${host ?? ""}`);
}

function hostOf(url: string): string | undefined {
    try {
        return new URL(url).hostname;
    } catch {
        return undefined;
    }
}

function isLoopback(host: string): boolean {
    return host === "localhost" || host.endsWith(".localhost") || host.startsWith("127.") || host === "[::1]";
}
