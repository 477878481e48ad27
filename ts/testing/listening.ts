/**
 * The server of a test issuer: metadata and keys over HTTP on this machine, and their failures.
 *
 * In: keys, a path, a status to fail with. Out: a server. Never: a token, an answer to other machines unless a test
 * says so.
 */

import { once } from "node:events";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { invalid, kindOf, readMembers, type Members } from "../validator/members.js";
import type { IssuerKeys } from "./issuer-keys.js";

/** A request of `node:http`. */
export interface ReceivedRequest {
    readonly method?: string | undefined;
    readonly url?: string | undefined;
    readonly headers: { readonly [name: string]: string | string[] | undefined };
}

/** Its response of `node:http`. */
export interface ResponseToWrite {
    setHeader(name: string, value: string): unknown;
    writeHead(status: number, headers?: { [name: string]: string | number }): unknown;
    end(body?: string | Uint8Array): unknown;
}

/** Options of a test issuer's server. */
export interface ListenOptions {
    /** The port. Default 0: any free one. */
    port?: number | undefined;
    /** The address. Default `"127.0.0.1"`, which only this machine reaches. */
    host?: string | undefined;
    /** Options of a server of `node:https`, such as `{ key, cert }`. With them it speaks https. */
    tls?: { readonly [option: string]: unknown } | undefined;
    /** Its identifier, if it is not the address at which it listens: for example behind a proxy. */
    issuerUri?: string | undefined;
    /**
     * Called first for every request, for other faults. `true`: it has answered, or leaves the client without an
     * answer. `false`: the issuer answers, with the fields that it has set.
     */
    respond?: ((request: ReceivedRequest, response: ResponseToWrite) => boolean) | undefined;
}

const LISTEN: Members = {
    of: "listen",
    noun: "option",
    names: ["port", "host", "tls", "issuerUri", "respond"] satisfies (keyof ListenOptions)[],
    example: "issuer.listen({ port: 8080 })",
    instead: { hostname: 'host: "127.0.0.1"', https: "tls: { key, cert }" }
};

/** Starts it. `path` is that of its identifier. */
export async function listenOn(
    options: ListenOptions,
    path: string,
    keys: IssuerKeys
): Promise<IssuerServer> {
    const read: ListenOptions = readMembers(options, LISTEN);
    const server = new IssuerServer(read, path === "/" ? "" : path, keys);
    await server.start(read.port ?? 0);
    return server;
}

export class IssuerServer {
    readonly keys: IssuerKeys;
    readonly requests = { metadata: 0, jwks: 0 };
    readonly #options: ListenOptions;
    readonly #host: string;
    readonly #path: string;
    readonly #server: Server;
    #port = 0;
    /** The status that every request gets; zero: the answer to it. */
    #failing = 0;

    constructor(options: ListenOptions, path: string, keys: IssuerKeys) {
        this.#options = options;
        this.#host = options.host ?? "127.0.0.1";
        this.#path = path;
        this.keys = keys;
        const listener: RequestListener = (req, res) => {
            const document = this.#documentAt(req.url?.split("?", 1)[0] ?? "/");
            if (options.respond?.(req, res) !== true) {
                this.#answer(document, res);
            }
        };
        this.#server =
            options.tls === undefined
                ? createServer(listener)
                : createTlsServer({ ...options.tls }, listener);
        // If this side closed a pooled connection at the moment of a request, that would be an unintended failure.
        this.#server.keepAliveTimeout = 60_000;
    }

    async start(port: number): Promise<void> {
        this.#server.listen(port, this.#host);
        await once(this.#server, "listening");
        this.#port = (this.#server.address() as AddressInfo).port;
    }

    get origin(): string {
        const host = this.#host.includes(":") ? `[${this.#host}]` : this.#host;
        return `${this.#options.tls === undefined ? "http" : "https"}://${host}:${this.#port}`;
    }

    get issuerUri(): string {
        return this.#options.issuerUri ?? `${this.origin}${this.#path}`;
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
        if (this.#server.listening) {
            const ended = once(this.#server, "close");
            this.#server.close();
            this.#server.closeAllConnections();
            await ended;
        }
    }

    async reopen(): Promise<void> {
        if (!this.#server.listening) {
            await this.start(this.#port);
        }
    }

    #answer(document: (() => object) | undefined, res: ServerResponse): void {
        const status = this.#failing || (document === undefined ? 404 : 200);
        const body = status === 200 ? document?.() : { error: "not_available" };
        res.writeHead(status, { "Content-Type": "application/json" });
        res.end(JSON.stringify(body));
    }

    /** The paths of OpenID Connect Discovery section 4 and of RFC 8414 section 3.1. Requests are counted. */
    #documentAt(pathname: string): (() => object) | undefined {
        const path = this.#path.replace(/\/$/, "");
        switch (pathname) {
            case `${path}/jwks`:
                this.requests.jwks++;
                return () => this.keys.jwks;
            case `${path}/.well-known/openid-configuration`:
            case `/.well-known/openid-configuration${path}`:
            case `/.well-known/oauth-authorization-server${path}`:
                this.requests.metadata++;
                return () => ({
                    issuer: this.issuerUri,
                    jwks_uri: `${this.issuerUri.replace(/\/$/, "")}/jwks`,
                    id_token_signing_alg_values_supported: this.keys.algorithms
                });
            default:
                return undefined;
        }
    }
}
