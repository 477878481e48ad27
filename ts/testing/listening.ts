/**
 * The server of a test issuer: metadata and keys over HTTP on this machine, and how they fail.
 *
 * In: keys, a path, a status to fail with. Out: a server. Never: an address that others reach, a token.
 */

import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { invalid, kindOf, readMembers, type Members } from "../validator/members.js";
import type { IssuerKeys } from "./issuer-keys.js";

/** Where a test issuer listens. */
export interface ListenOptions {
    /** Default 0: any free one. */
    port?: number | undefined;
}

const LISTEN: Members = {
    of: "listen",
    noun: "option",
    names: ["port"] satisfies (keyof ListenOptions)[],
    example: "issuer.listen({ port: 8080 })"
};

const HOST = "127.0.0.1";

/** Starts it. `path` is that of its identifier. */
export async function listenOn(
    options: ListenOptions,
    path: string,
    keys: IssuerKeys
): Promise<IssuerServer> {
    const { port = 0 }: ListenOptions = readMembers(options, LISTEN);
    const server = new IssuerServer(path === "/" ? "" : path, keys);
    await server.start(port);
    return server;
}

export class IssuerServer {
    readonly keys: IssuerKeys;
    readonly requests = { metadata: 0, jwks: 0 };
    readonly #path: string;
    readonly #server: Server;
    #port = 0;
    /** The status that every request gets; zero: the answer to it. */
    #failing = 0;

    constructor(path: string, keys: IssuerKeys) {
        this.#path = path;
        this.keys = keys;
        this.#server = createServer(({ url = "/" }, res) => this.#answer(url.split("?", 1)[0] ?? "/", res));
    }

    async start(port: number): Promise<void> {
        this.#server.listen(port, HOST);
        await once(this.#server, "listening");
        this.#port = (this.#server.address() as AddressInfo).port;
    }

    get issuerUri(): string {
        return `http://${HOST}:${this.#port}${this.#path}`;
    }

    fail(status = 503): void {
        if (!Number.isInteger(status) || status < 400 || status > 599) {
            throw invalid(`fail takes a status from 400 to 599; got ${kindOf(status)}`);
        }
        this.#failing = status;
    }

    recover(): void {
        this.#failing = 0;
    }

    async close(): Promise<void> {
        const ended = once(this.#server, "close");
        this.#server.close();
        this.#server.closeAllConnections();
        await ended;
    }

    #answer(pathname: string, res: ServerResponse): void {
        const document = this.#documentAt(pathname);
        const status = this.#failing || (document === undefined ? 404 : 200);
        res.writeHead(status, { "Content-Type": "application/json" });
        res.end(JSON.stringify(status === 200 ? document : { error: "not_available" }));
    }

    /** The paths of OpenID Connect Discovery section 4 and of RFC 8414 section 3.1. */
    #documentAt(pathname: string): object | undefined {
        const path = this.#path.replace(/\/$/, "");
        switch (pathname) {
            case `${path}/jwks`:
                this.requests.jwks++;
                return this.keys.jwks;
            case `${path}/.well-known/openid-configuration`:
            case `/.well-known/openid-configuration${path}`:
            case `/.well-known/oauth-authorization-server${path}`:
                this.requests.metadata++;
                return {
                    issuer: this.issuerUri,
                    jwks_uri: `${this.issuerUri.replace(/\/$/, "")}/jwks`,
                    id_token_signing_alg_values_supported: this.keys.algorithms
                };
            default:
                return undefined;
        }
    }
}
