// An issuer on loopback: the kit's, with the ways in which answers go wrong. It issues nothing.

import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { ServerOptions } from "node:https";
import { createTestIssuer } from "oidc-spa-native/testing";

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
    const headers: IncomingHttpHeaders[] = [];
    const listening = await createTestIssuer({ issuerUri: `https://issuer.test${path}` }).listen({
        host,
        port,
        ...(tls && { tls: { ...tls } }),
        ...(authority && { issuerUri: `${tls === undefined ? "http" : "https"}://${authority}${path}` }),
        respond: (request, response) => {
            headers.push(request.headers);
            return respond(
                new URL(request.url ?? "/", "http://localhost").pathname,
                response as ServerResponse
            );
        }
    });
    const { issuerUri, listensAt, close } = listening;
    const issuer: LocalIssuer = {
        issuerUri,
        port: Number(new URL(listensAt).port),
        metadata: { issuer: issuerUri, jwks_uri: `${issuerUri}/jwks` },
        jwks: { keys },
        failWith: undefined,
        isSilent: false,
        answerJwks: undefined,
        requests: { metadata: 0, jwks: 0 },
        headers,
        close
    };
    return issuer;

    /** Whether it has answered, or leaves the client without an answer. */
    function respond(pathname: string, res: ServerResponse): boolean {
        const isJwks = pathname === `${path}/jwks`;
        issuer.requests[isJwks ? "jwks" : "metadata"]++;
        if (issuer.isSilent) {
            return true;
        }
        const known = isJwks || pathname === `${path}/.well-known/openid-configuration`;
        const status = issuer.failWith ?? (known ? 200 : 404);
        if (isJwks && status === 200 && issuer.answerJwks !== undefined) {
            issuer.answerJwks(res);
            return true;
        }
        const body = status !== 200 ? { error: "unavailable" } : isJwks ? issuer.jwks : issuer.metadata;
        res.writeHead(status, { "content-type": "application/json" });
        res.end(typeof body === "string" ? body : JSON.stringify(body));
        return true;
    }
}
