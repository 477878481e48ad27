// An issuer on loopback: metadata and a JWK Set, and the ways in which they go wrong. It issues nothing.

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";

export interface LocalIssuer {
    readonly issuerUri: string;
    readonly port: number;
    /** Answers to give; they may be replaced at any time. */
    metadata: unknown;
    jwks: unknown;
    /** While set, every request gets this status. */
    failWith: number | undefined;
    /** While set, requests get no answer. */
    isSilent: boolean;
    /** While set, it writes the answer to requests for the JWK Set. */
    answerJwks: ((res: ServerResponse) => void) | undefined;
    readonly requests: { metadata: number; jwks: number };
    /** The header fields of each request, in order. */
    readonly headers: IncomingHttpHeaders[];
    close(): Promise<void>;
}

export interface LocalIssuerOptions {
    readonly keys?: readonly unknown[];
    readonly path?: string;
    readonly host?: string;
    readonly port?: number;
    /** With it, the issuer speaks https. */
    readonly tls?: ServerOptions;
    /** Host and port in its URLs, where they are not those that it listens on: behind a proxy. */
    readonly authority?: string;
}

export async function startLocalIssuer({
    keys = [],
    path = "",
    host = "127.0.0.1",
    port = 0,
    tls,
    authority
}: LocalIssuerOptions = {}): Promise<LocalIssuer> {
    const listener: RequestListener = (req, res) => {
        const { pathname } = new URL(req.url ?? "/", "http://localhost");
        const isJwks = pathname === `${path}/jwks`;
        issuer.requests[isJwks ? "jwks" : "metadata"]++;
        issuer.headers.push(req.headers);
        if (issuer.isSilent) {
            return;
        }
        const known = isJwks || pathname === `${path}/.well-known/openid-configuration`;
        const status = issuer.failWith ?? (known ? 200 : 404);
        if (isJwks && status === 200 && issuer.answerJwks !== undefined) {
            issuer.answerJwks(res);
            return;
        }
        const body = status !== 200 ? { error: "unavailable" } : isJwks ? issuer.jwks : issuer.metadata;
        res.writeHead(status, { "content-type": "application/json" });
        res.end(typeof body === "string" ? body : JSON.stringify(body));
    };
    const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
    server.listen(port, host);
    await once(server, "listening");
    const listensOn = (server.address() as AddressInfo).port;
    const origin = `${host.includes(":") ? `[${host}]` : host}:${listensOn}`;
    const issuerUri = `${tls === undefined ? "http" : "https"}://${authority ?? origin}${path}`;
    const issuer: LocalIssuer = {
        issuerUri,
        port: listensOn,
        metadata: { issuer: issuerUri, jwks_uri: `${issuerUri}/jwks` },
        jwks: { keys },
        failWith: undefined,
        isSilent: false,
        answerJwks: undefined,
        requests: { metadata: 0, jwks: 0 },
        headers: [],
        close: async () => {
            server.closeAllConnections();
            server.close();
            await once(server, "close");
        }
    };
    return issuer;
}
