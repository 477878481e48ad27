/**
 * Which server may be audited: one on this machine, or one that shows that its operator agreed.
 *
 * In: a URL. Out: one address, which every request of a run goes to. Never: a request to a host that is neither, a name that
 * is looked up twice.
 */

import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv6 } from "node:net";
import { randomBytes } from "node:crypto";

/** A server: where requests go, and the name that they give it. */
export interface Target {
    readonly url: URL;
    /**
     * The IP address. It is looked up once: a name that changes its address during a run moves no request. `localhost` has
     * two, and a server may listen at either.
     */
    readonly addresses: readonly string[];
    /** Whether all of them are this machine's own. */
    readonly isLoopback: boolean;
    /** Certificates of authorities to trust, in PEM. */
    readonly ca: string | undefined;
}

/** This server may not be audited, or cannot be. */
export class TargetError extends Error {
    override readonly name = "TargetError";
}

/** The path at which a server on another machine shows the run's code. */
export const CONFIRMATION_PATH = "/.well-known/oidc-spa-native-audit";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Whether this machine alone can be meant by this IP address. An IPv4 address in IPv6 is the IPv4 address. */
export const isLoopback = (address: string): boolean =>
    LOOPBACK.check(address, isIPv6(address) ? "ipv6" : "ipv4");

/** Reads a URL, and looks its name up once. */
export async function targetOf(given: string, ca: string | undefined): Promise<Target> {
    const url = URL.canParse(given) ? new URL(given) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) {
        throw new TargetError(
            "audit takes the URL of one route of your server, such as http://127.0.0.1:3000/me"
        );
    }
    if (url.username !== "" || url.password !== "") {
        throw new TargetError("the URL must hold no user and no password");
    }
    url.hash = "";
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    const addresses = isIP(host) === 0 ? await addressesOf(host) : [host];
    return { url, addresses, isLoopback: addresses.every(isLoopback), ca };
}

/** Those of this machine, or one of another. */
async function addressesOf(host: string): Promise<readonly string[]> {
    const found = (await lookup(host, { all: true }).catch(() => [])).map(({ address }) => address);
    const own = found.filter(isLoopback);
    if (found.length === 0) {
        throw new TargetError(`the name ${host} has no address`);
    }
    return own.length > 0 ? own : found.slice(0, 1);
}

/** What a server on another machine must show: nobody knows it before the run, and no request carries it. */
export const newConfirmation = (): string => `audit-${randomBytes(16).toString("hex")}`;
