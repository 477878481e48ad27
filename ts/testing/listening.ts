/**
 * The server of a test issuer: metadata, keys and what becomes of tokens, over HTTP on this machine, and their failures.
 *
 * In: keys, a path, a status to fail with. Out: a server. Never: a new token, an answer to other machines unless a test
 * says so.
 */

import { once } from "node:events";
import {
    createServer,
    type IncomingMessage,
    type RequestListener,
    type Server,
    type ServerResponse
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { invalid, kindOf, readMembers, unexpected, type Members } from "../validator/members.js";
import { answerClient, CLIENT_AUTHENTICATION, notStored, type Reply } from "./client-endpoint.js";
import { readClient, type IntrospectionClient } from "./introspection-client.js";
import type { IssuerKeys } from "./issuer-keys.js";
import { TokenStatus, type TokensOf } from "./token-status.js";
import { functionOf, recordOf, textOf } from "./values.js";

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
     * The client that may ask whether a token is active, for a gateway whose settings are written already. Default: one
     * with a new secret.
     */
    introspectionClient?: IntrospectionClient | undefined;
    /**
     * Called first for every request, for other faults. `true`, or a Promise of it: it has answered, or leaves the client
     * without an answer. `false`: the issuer answers, with the fields that it has set.
     */
    respond?:
        | ((request: ReceivedRequest, response: ResponseToWrite) => boolean | Promise<boolean>)
        | undefined;
}

const LISTEN: Members = {
    of: "listen",
    noun: "option",
    names: [
        "port",
        "host",
        "tls",
        "issuerUri",
        "introspectionClient",
        "respond"
    ] satisfies (keyof ListenOptions)[],
    example: "issuer.listen({ port: 8080 })",
    instead: { hostname: 'host: "127.0.0.1"', https: "tls: { key, cert }" }
};

/** Starts it. `path` is that of its identifier. */
export async function listenOn(
    options: ListenOptions,
    path: string,
    issuer: Pick<TokensOf, "keys" | "now">
): Promise<IssuerServer> {
    const read: ListenOptions = readMembers(options, LISTEN);
    checkListening(read);
    const server = new IssuerServer(read, path === "/" ? "" : path, issuer);
    await server.start(read.port ?? 0);
    return server;
}

function checkListening({ port, host, tls, issuerUri, respond }: ListenOptions): void {
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
        throw unexpected("option", "port", "a port from 0 to 65535", port);
    }
    if (textOf("host", host, 'host: "127.0.0.1"') === "") {
        throw unexpected("option", "host", "an address", host, 'host: "127.0.0.1"');
    }
    recordOf("tls", tls);
    if (issuerUri !== undefined && (typeof issuerUri !== "string" || !URL.canParse(issuerUri))) {
        throw unexpected("option", "issuerUri", "a URL", issuerUri, 'issuerUri: "https://auth.test"');
    }
    functionOf("respond", respond, "respond: (request, response) => false");
}

export class IssuerServer {
    readonly keys: IssuerKeys;
    readonly now: () => number;
    readonly requests = { metadata: 0, jwks: 0, introspection: 0, revocation: 0 };
    readonly client: IntrospectionClient;
    readonly tokens = new TokenStatus(this);
    readonly #options: ListenOptions;
    readonly #host: string;
    readonly #path: string;
    readonly #server: Server;
    /** All of them: `closeAllConnections` does not know those without a finished handshake of TLS. */
    readonly #connections = new Set<Socket>();
    #port = 0;
    /** The status that every request gets; zero: the answer to it. */
    #failing = 0;

    constructor(options: ListenOptions, path: string, { keys, now }: Pick<TokensOf, "keys" | "now">) {
        this.#options = options;
        this.#host = options.host ?? "127.0.0.1";
        this.#path = path;
        this.keys = keys;
        this.now = now;
        this.client = readClient(options.introspectionClient);
        const listener: RequestListener = (req, res) => void this.#serve(req, res);
        this.#server =
            options.tls === undefined
                ? createServer(listener)
                : createTlsServer({ ...options.tls }, listener);
        // If this side closed a pooled connection at the moment of a request, that would be an unintended failure.
        this.#server.keepAliveTimeout = 60_000;
        this.#server.on("connection", (connection: Socket) => {
            this.#connections.add(connection);
            connection.once("close", () => this.#connections.delete(connection));
        });
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

    /** The URL of one of its endpoints. */
    urlOf(name: string): string {
        return `${this.issuerUri.replace(/\/$/, "")}/${name}`;
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
            this.#connections.forEach(connection => connection.destroy());
            await ended;
        }
    }

    async reopen(): Promise<void> {
        if (!this.#server.listening) {
            await this.start(this.#port);
        }
    }

    async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
        const endpoint = this.#endpointAt(request.url?.split("?", 1)[0] ?? "/");
        if (await this.#isAnswered(request, response)) {
            return;
        }
        await this.#answer(endpoint, request).then(
            ({ status, fields, body }) => response.writeHead(status, fields).end(body),
            () => response.destroy()
        );
    }

    /** An error of the test's function is not caught, so that the test shows it. Its client does not wait meanwhile. */
    async #isAnswered(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
        try {
            const answered: unknown = await this.#options.respond?.(request, response);
            if (answered !== true && response.headersSent) {
                throw invalid(
                    `respond has answered, and then it must return true; it returned ${kindOf(answered)}`
                );
            }
            return answered === true;
        } catch (error) {
            response.destroy();
            throw error;
        }
    }

    async #answer(endpoint: Endpoint, request: IncomingMessage): Promise<Reply> {
        const status = this.#failing || (endpoint === undefined ? 404 : 200);
        return status === 200 && endpoint !== undefined
            ? endpoint(request)
            : document({ error: "not_available" }, status);
    }

    /** The paths of OpenID Connect Discovery section 4 and of RFC 8414 section 3.1. Requests are counted. */
    #endpointAt(pathname: string): Endpoint {
        const path = this.#path.replace(/\/$/, "");
        switch (pathname) {
            case `${path}/jwks`:
                this.requests.jwks++;
                return () => document(this.keys.jwks);
            case `${path}/.well-known/openid-configuration`:
            case `/.well-known/openid-configuration${path}`:
            case `/.well-known/oauth-authorization-server${path}`:
                this.requests.metadata++;
                return () => document(this.#metadata());
            case `${path}/introspect`:
                this.requests.introspection++;
                return request => this.#introspect(request);
            case `${path}/revoke`:
                this.requests.revocation++;
                return request => this.#revoke(request);
            default:
                return undefined;
        }
    }

    #metadata(): object {
        return {
            issuer: this.issuerUri,
            jwks_uri: this.urlOf("jwks"),
            id_token_signing_alg_values_supported: this.keys.algorithms,
            introspection_endpoint: this.urlOf("introspect"),
            introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
            introspection_signing_alg_values_supported: this.keys.algorithms.slice(0, 1),
            revocation_endpoint: this.urlOf("revoke"),
            revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION
        };
    }

    /** RFC 7662, and RFC 9701 for those who ask for a JWT. */
    #introspect(request: IncomingMessage): Promise<Reply> {
        return answerClient(request, this.client, form => {
            const token = form.get("token") ?? "";
            return request.headers.accept?.toLowerCase().includes(INTROSPECTION_JWT) === true
                ? notStored(200, INTROSPECTION_JWT, this.tokens.signedAnswerTo(token, this.client.clientId))
                : notStored(200, "application/json", JSON.stringify(this.tokens.answerTo(token)));
        });
    }

    /** RFC 7009 section 2.2: a token that is not this issuer's is no error. */
    #revoke(request: IncomingMessage): Promise<Reply> {
        return answerClient(request, this.client, form => {
            this.tokens.revoke(form.get("token") ?? "");
            return notStored(200, "application/json", "{}");
        });
    }
}

/** `undefined`: there is none at this path. */
type Endpoint = ((request: IncomingMessage) => Reply | Promise<Reply>) | undefined;

const INTROSPECTION_JWT = "application/token-introspection+jwt";

const document = (body: object, status = 200): Reply => ({
    status,
    fields: { "Content-Type": "application/json" },
    body: JSON.stringify(body)
});
