/**
 * A warning if only `Host` decides for which URL a DPoP proof must be, and it names another host than the options.
 *
 * In: the hosts that the options name; requests whose proof was accepted. Out: one warning in each JavaScript thread.
 * Never: a verdict, an exception, a cost for each request: only the first ones are checked.
 */

import type { RequestParts, Settings } from "../addon/native.js";

/** The number of requests that a validator checks. A wrong configuration shows in each request. */
const LOOKS = 100;

let hasWarned = false;

/** Checks the host of a request that was granted with a proof; `undefined` if there is no host to compare it with. */
export function hostWatch({
    ownHosts
}: Pick<Settings, "ownHosts">): ((parts: RequestParts) => void) | undefined {
    if (ownHosts.length === 0) {
        return undefined;
    }
    let looks = LOOKS;
    return parts => {
        if (looks === 0 || hasWarned) {
            return;
        }
        looks -= 1;
        const host = hostSeen(parts);
        if (host !== undefined && !isLoopback(host) && !ownHosts.includes(host)) {
            hasWarned = true;
            process.emitWarning(
                `A request with a DPoP proof was granted for the host ${host}, but the options name ${ownHosts.join(", ")}. ` +
                    "Without trustProxy and publicBaseUrl the Host field says for which host a proof is, and a client " +
                    'writes it. Behind a proxy, set publicBaseUrl (such as "https://' +
                    `${String(ownHosts[0])}") or trustProxy, and let the server take requests for its own hosts only. ` +
                    "If both hosts are yours, publicBaseUrl or a proxy that checks Host ends this notice.",
                { type: "oidc-spa-native", code: "OIDC_SPA_NATIVE_HOST_DIFFERS" }
            );
        }
    };
}

/** The host that decided, as the validator read it: that of an absolute URL has priority over the field. */
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
