// Clients of a proxy that ends TLS, and the servers behind it.

import { once } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import { text } from "node:stream/consumers";
import type { Authority, Pair } from "./certificates.js";
import { nowInSeconds, type Fixtures } from "./fixtures.js";

/** Fields of a request. */
export type Sent = Record<string, string>;

/** Clients come from another address than the proxy, as they do elsewhere. */
const FROM = { family: 4, localAddress: "127.0.0.2" };

/** What a client is answered over HTTP/1.1. */
export async function askProxy(
    authority: Authority,
    port: number,
    path: string,
    headers: Sent,
    pair?: Pair
): Promise<string> {
    const to = { ...FROM, port, host: "localhost", servername: "localhost", path, headers };
    const request = https.get({ ...to, ca: authority.ca, agent: false, ...pair });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return text(response);
}

/** What a client is answered to each of these requests, over one connection of HTTP/2. */
export async function askProxyOverHttp2(
    authority: Authority,
    origin: string,
    path: string,
    requests: readonly Sent[]
): Promise<string[]> {
    const options = { ca: authority.ca, ...FROM } as http2.SecureClientSessionOptions;
    const session = http2.connect(origin, options);
    try {
        return await Promise.all(requests.map(sent => text(session.request({ ":path": path, ...sent }))));
    } finally {
        session.destroy();
    }
}

/** Credentials with a proof for this URL. */
export function withProofFor(f: Fixtures, htu: string): Sent {
    const token = f.boundToken(nowInSeconds());
    return {
        authorization: `DPoP ${token}`,
        dpop: f.proof(nowInSeconds(), token, { jti: crypto.randomUUID(), htu })
    };
}

export function closeServers(servers: readonly Server[]): void {
    for (const server of servers) {
        server.closeAllConnections();
        server.close();
    }
}
