/**
 * Reads what the validator needs of a request, once, from any shape in which JavaScript servers hold one.
 *
 * In: a framework's request, a record of header fields, a Fetch `Headers`, or `rawHeaders`. Out: the positional parts
 * that the addon takes. Never: a rule of OAuth (which scheme, which grammar, which proxy).
 */

import { types } from "node:util";
import {
    fieldsOfFetchHeaders,
    fieldsOfRawHeaders,
    fieldsOfRecord,
    repeatedIn,
    type Bag,
    type Fields
} from "./fields.js";
import type { RequestParts } from "../addon/native.js";
import { certificateOfConnection } from "./peer-certificate.js";

/** Method and URL of a request, from the caller of `validateRequest`. */
interface Target {
    readonly method: string;
    readonly url: string;
    readonly clientCertificate: Uint8Array | null;
}

/** The members of a Node.js request that are read beside its header fields. */
export interface Sources {
    /** The certificate of the client's connection. */
    readonly peerCertificate: boolean;
    /** `:scheme` of HTTP/2, which the client writes, has priority over the connection. */
    readonly pseudoScheme: boolean;
    /** Other values for `Authorization` and `DPoP` of a Node.js request, if the original ones must not count. */
    readonly valueOfNode?: (value: string) => string | null;
}

/** Reads a framework's whole request. Throws TypeError if it is not one: that is the program's error. */
export function readRequest(request: unknown, sources: Sources): RequestParts {
    const parts = isBag(request) ? readWhole(request, null, null, sources) : null;
    if (parts === null) {
        throw notARequest(request, "a request of Node.js, Express, Fastify, Hono, Koa or the Fetch API");
    }
    return parts;
}

/** Reads a whole request, or header fields in any shape with the target beside them. */
export function readHeadersOrRequest(input: unknown, target: unknown, sources: Sources): RequestParts {
    const where = readTarget(target);
    if (Array.isArray(input)) {
        return joinWithUrl(fieldsOfRawHeaders(input), where);
    }
    if (isBag(input)) {
        if (where === null && isLambdaEvent(input)) {
            throw new TypeError(
                "oidc-spa-native: an event of AWS Lambda is no request. Write validateRequest(event.headers, { method, url }), " +
                    "with the method and the URL of event.requestContext, as docs/deploying.md shows."
            );
        }
        const parts = readWhole(input, null, where, sources);
        if (parts !== null) {
            return parts;
        }
        const get = input.get;
        if (typeof get === "function") {
            return joinWithUrl(fieldsOfFetchHeaders(input, get), where);
        }
        // Class instances other than header records (a Buffer, a Date, a response) are most likely a mistake.
        if (isRecord(input)) {
            return joinWithUrl(fieldsOfRecord(input), where);
        }
    }
    throw notARequest(input, "a whole request, a record of header fields, a Fetch Headers or rawHeaders");
}

/**
 * The parts of a whole request, or `null` if `request` is not one.
 *
 * A record of header fields may hold names such as `raw`, `req` or `type` that a client chose: each shape is
 * recognised by members that are objects, which no header field is.
 */
function readWhole(
    request: Bag,
    outerUrl: string | null,
    target: Target | null,
    sources: Sources,
    depth = 0
): RequestParts | null {
    const headers = request.headers;

    if (request.type === "unified" && isBag(headers)) {
        const pseudo = request.pseudoHeaders;
        if (isBag(pseudo)) {
            return join(
                fieldsOfRecord(headers),
                target ?? targetOf(request.method, pseudo[":path"], ":path"),
                text(pseudo[":scheme"], ":scheme"),
                text(pseudo[":authority"], ":authority")
            );
        }
    }

    // Hono and Fastify hold the request as `raw`, Koa (and Hono's and h3's context) as `req`.
    const inner = depth < 2 ? (bagOrNull(request.raw) ?? bagOrNull(request.req)) : null;
    if (inner !== null) {
        const parts = readWhole(
            inner,
            outerUrl ?? stringOrNull(request.originalUrl),
            target,
            sources,
            depth + 1
        );
        if (parts !== null) {
            return parts;
        }
    }

    if (!isBag(headers)) {
        return null;
    }

    const get = headers.get;
    if (typeof get === "function") {
        const fields = fieldsOfFetchHeaders(headers, get);
        // The framework made this URL, most likely from Host: the addon gets both.
        return target === null || target.url === request.url
            ? join(fields, target ?? targetOf(request.method, request.url), null)
            : joinWithUrl(fields, target);
    }

    return readNode(request, headers, outerUrl, target, sources);
}

function readNode(
    request: Bag,
    headers: Bag,
    outerUrl: string | null,
    target: Target | null,
    sources: Sources
): RequestParts {
    const fields = fieldsOfRecord(headers);
    const rawHeaders = request.rawHeaders;
    if (Array.isArray(rawHeaders)) {
        // Node keeps the first Authorization and Host and joins several DPoP fields: only this place can notice it.
        fields.flags |= repeatedIn(rawHeaders);
    }
    const { valueOfNode } = sources;
    if (valueOfNode !== undefined) {
        fields.authorization = fields.authorization === null ? null : valueOfNode(fields.authorization);
        fields.dpop = fields.dpop === null ? null : valueOfNode(fields.dpop);
    }

    const socket = request.socket;
    fields.remoteAddress = isBag(socket) ? stringOrNull(socket.remoteAddress) : null;
    const isEncrypted = isBag(socket) && socket.encrypted === true;
    if (isEncrypted && sources.peerCertificate) {
        fields.peerCertificate = certificateOfConnection(request, socket);
    }
    // A client may send its target in absolute form. So `req.url` is the client's value, also if a program passes it.
    const isOwn = target !== null && (target.url === request.url || target.url === request.originalUrl);
    if (target !== null && !isOwn && !target.url.startsWith("/")) {
        return joinWithUrl(fields, target);
    }
    const schemeOfSocket = isBag(socket) ? (isEncrypted ? "https" : "http") : null;
    const connectionScheme = sources.pseudoScheme ? fields.pseudoScheme || schemeOfSocket : schemeOfSocket;

    return join(
        fields,
        target ??
            targetOf(
                request.method ?? fields.pseudoMethod,
                // A router that is mounted under a prefix takes the prefix from `url` and leaves it in `originalUrl`.
                outerUrl ?? stringOrNull(request.originalUrl) ?? request.url ?? fields.pseudoPath
            ),
        connectionScheme
    );
}

/** Puts the parts in their order. */
function join(
    fields: Fields,
    target: Target | null,
    connectionScheme: string | null,
    authority: string | null = null
): RequestParts {
    const certificate = target?.clientCertificate ?? fields.peerCertificate;
    if (fields.dpop === null && fields.clientCert === null && certificate === null) {
        return [fields.flags, fields.authorization];
    }
    const method = target === null ? fields.pseudoMethod : target.method;
    const url = target === null ? fields.pseudoPath : target.url;
    return [
        fields.flags,
        fields.authorization,
        fields.dpop,
        method,
        url,
        connectionScheme ?? fields.pseudoScheme,
        authority ?? (fields.pseudoAuthority || fields.host),
        fields.forwarded,
        fields.xForwardedProto,
        fields.xForwardedHost,
        fields.xForwardedPort,
        fields.xForwardedFor,
        fields.remoteAddress,
        fields.xForwardedPrefix,
        fields.clientCert,
        certificate
    ];
}

/**
 * As {@link join}, if the program gives the URL: an absolute URL decides scheme and host, and the fields do not count.
 */
function joinWithUrl(fields: Fields, target: Target | null): RequestParts {
    if (target !== null && !target.url.startsWith("/")) {
        fields.pseudoScheme = null;
        fields.pseudoAuthority = null;
        fields.host = null;
    }
    return join(fields, target, null);
}

function readTarget(target: unknown): Target | null {
    if (target === undefined || target === null) {
        return null;
    }
    if (!isBag(target)) {
        throw new TypeError(
            'oidc-spa-native: the target must be an object: { method: "GET", url: "https://..." }'
        );
    }
    const { clientCertificate = null } = target;
    checkCertificateIsSpelt(target);
    if (clientCertificate !== null && !types.isUint8Array(clientCertificate)) {
        throw new TypeError(
            `oidc-spa-native: the target's clientCertificate is ${describe(clientCertificate)} where a Uint8Array is ` +
                "expected: the certificate in DER, as getPeerX509Certificate().raw has it."
        );
    }
    return { method: text(target.method, "method"), url: text(target.url, "url"), clientCertificate };
}

/** A whole request may be the target, with further members. Only a misspelt name of these members is an error. */
function checkCertificateIsSpelt(target: Bag): void {
    for (const name of Object.keys(target)) {
        // Before the pattern: nearly every target has these members, and each request brings one.
        const isMember = name === "method" || name === "url" || name === "clientCertificate";
        if (!isMember && /^client_?cert/i.test(name)) {
            throw new TypeError(
                `oidc-spa-native: the target's "${name}" is no member; did you mean "clientCertificate"?`
            );
        }
    }
}

/** Method and URL from the request itself. */
function targetOf(method: unknown, url: unknown, urlMember = "url"): Target {
    return { method: text(method, "method"), url: text(url, urlMember), clientCertificate: null };
}

/** No request has this member, and no header field is an object. */
function isLambdaEvent({ requestContext, headers, method }: Bag): boolean {
    return isBag(requestContext) && isBag(headers) && typeof method !== "string";
}

function text(value: unknown, member: string): string {
    if (typeof value !== "string") {
        throw new TypeError(
            `oidc-spa-native: the request's ${member} is ${describe(value)} where a string is expected. ` +
                "A request that a server received has one."
        );
    }
    return value;
}

function notARequest(input: unknown, expected: string): TypeError {
    return new TypeError(`oidc-spa-native: expected ${expected}; got ${describe(input)}.`);
}

/** Names a value's type, and shows no content. */
function describe(value: unknown): string {
    if (value === null || value === undefined) {
        return String(value);
    }
    if (Array.isArray(value)) {
        return "an array";
    }
    return typeof value === "object" ? "an object of another kind" : `a ${typeof value}`;
}

function isBag(value: unknown): value is Bag {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bagOrNull(value: unknown): Bag | null {
    return isBag(value) ? value : null;
}

function stringOrNull(value: unknown): string | null {
    return typeof value === "string" ? value : null;
}

/** An object literal, or one without a prototype. */
function isRecord(value: object): boolean {
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}
