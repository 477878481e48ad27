// An issuer on loopback: metadata and a JWK Set, and the ways in which they go wrong. It issues nothing.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface LocalIssuer {
    readonly issuerUri: string;
    /** Answers to give; they may be replaced at any time. */
    metadata: unknown;
    jwks: unknown;
    /** While set, every request gets this status. */
    failWith: number | undefined;
    /** While set, requests get no answer. */
    isSilent: boolean;
    readonly requests: { metadata: number; jwks: number };
    close(): Promise<void>;
}

export async function startLocalIssuer({ keys = [] as readonly unknown[], path = "" } = {}): Promise<LocalIssuer> {
    const server = createServer((req, res) => {
        const { pathname } = new URL(req.url ?? "/", "http://localhost");
        const isJwks = pathname === `${path}/jwks`;
        issuer.requests[isJwks ? "jwks" : "metadata"]++;
        if (issuer.isSilent) {
            return;
        }
        const known = isJwks || pathname === `${path}/.well-known/openid-configuration`;
        const status = issuer.failWith ?? (known ? 200 : 404);
        const body = status !== 200 ? { error: "unavailable" } : isJwks ? issuer.jwks : issuer.metadata;
        res.writeHead(status, { "content-type": "application/json" });
        res.end(typeof body === "string" ? body : JSON.stringify(body));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const issuerUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
    const issuer: LocalIssuer = {
        issuerUri,
        metadata: { issuer: issuerUri, jwks_uri: `${issuerUri}/jwks` },
        jwks: { keys },
        failWith: undefined,
        isSilent: false,
        requests: { metadata: 0, jwks: 0 },
        close: async () => {
            server.closeAllConnections();
            server.close();
            await once(server, "close");
        }
    };
    return issuer;
}
