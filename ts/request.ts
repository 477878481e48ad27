/**
 * Reads what the validator needs of a request, once, from any shape in which JavaScript servers hold one.
 *
 * In: a framework's request, a record of header fields, a Fetch `Headers`, or `rawHeaders`. Out: the positional
 * parts that the addon takes. May use: nothing. Never: a rule of OAuth (which scheme, which grammar, which proxy).
 */

import { AUTHORIZATION_REPEATED, DPOP_REPEATED, HOST_REPEATED, type RequestParts } from "./native.js";

/** Stands for a value that cannot have come in an HTTP field (a number, an object): no grammar accepts it. */
const UNREADABLE = "\u0000";

/** The header fields that matter, each with its value as it came; `flags` says which came more than once. */
interface Fields {
    flags: number;
    authorization: string | null;
    dpop: string | null;
    host: string | null;
    forwarded: string | null;
    xForwardedProto: string | null;
    xForwardedHost: string | null;
    xForwardedPort: string | null;
    xForwardedFor: string | null;
    /** Of the connection; no field of the request. */
    remoteAddress: string | null;
    /** HTTP/2 (RFC 9113 section 8.3.1). */
    pseudoAuthority: string | null;
    pseudoMethod: string | null;
    pseudoPath: string | null;
    pseudoScheme: string | null;
}

type FieldName = Exclude<keyof Fields, "flags" | "remoteAddress">;

type Bag = { readonly [member: string]: unknown };

/** Where a request went, as the caller of `validateRequest` says. */
interface Target {
    readonly method: string;
    readonly url: string;
}

/** Reads a framework's whole request. Throws TypeError if it is not one: that is the program's error. */
export function readRequest(request: unknown): RequestParts {
    const parts = isBag(request) ? readWhole(request, null, null) : null;
    if (parts === null) {
        throw notARequest(request, "a request of Node.js, Express, Fastify, Hono, Koa or the Fetch API");
    }
    return parts;
}

/** Reads a whole request, or header fields in any shape with the target beside them. */
export function readHeadersOrRequest(input: unknown, target: unknown): RequestParts {
    const where = readTarget(target);
    if (Array.isArray(input)) {
        return joinWithUrl(fieldsOfRawHeaders(input), where);
    }
    if (isBag(input)) {
        const parts = readWhole(input, null, where);
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
function readWhole(request: Bag, outerUrl: string | null, target: Target | null, depth = 0): RequestParts | null {
    const headers = request.headers;

    if (request.type === "unified" && isBag(headers)) {
        const pseudo = request.pseudoHeaders;
        if (isBag(pseudo)) {
            return join(
                fieldsOfRecord(headers),
                target ?? { method: text(request.method, "method"), url: text(pseudo[":path"], ":path") },
                text(pseudo[":scheme"], ":scheme"),
                text(pseudo[":authority"], ":authority")
            );
        }
    }

    // Hono and Fastify hold the request as `raw`, Koa (and Hono's and h3's context) as `req`.
    const inner = depth < 2 ? (bagOrNull(request.raw) ?? bagOrNull(request.req)) : null;
    if (inner !== null) {
        const parts = readWhole(inner, outerUrl ?? stringOrNull(request.originalUrl), target, depth + 1);
        if (parts !== null) {
            return parts;
        }
    }

    if (!isBag(headers)) {
        return null;
    }

    const get = headers.get;
    if (typeof get === "function") {
        return joinWithUrl(
            fieldsOfFetchHeaders(headers, get),
            target ?? { method: text(request.method, "method"), url: text(request.url, "url") }
        );
    }

    return readNode(request, headers, outerUrl, target);
}

function readNode(request: Bag, headers: Bag, outerUrl: string | null, target: Target | null): RequestParts {
    const fields = fieldsOfRecord(headers);
    const rawHeaders = request.rawHeaders;
    if (Array.isArray(rawHeaders)) {
        // Node keeps the first Authorization and Host and joins several DPoP fields: only here is it seen.
        fields.flags |= repeatedIn(rawHeaders);
    }
    // As oidc-spa has it, an empty field is an absent one here, and white space around a value is none of it.
    fields.authorization = fields.authorization?.trim() || null;
    fields.dpop = fields.dpop?.trim() || null;

    const socket = request.socket;
    fields.remoteAddress = isBag(socket) ? stringOrNull(socket.remoteAddress) : null;
    if (target !== null && !target.url.startsWith("/")) {
        return joinWithUrl(fields, target);
    }
    const connectionScheme =
        fields.pseudoScheme || (isBag(socket) ? (socket.encrypted === true ? "https" : "http") : null);

    return join(
        fields,
        target ?? {
            method: text(request.method ?? fields.pseudoMethod, "method"),
            // A router that is mounted under a prefix takes the prefix from `url` and leaves it in `originalUrl`.
            url: text(
                outerUrl ?? stringOrNull(request.originalUrl) ?? request.url ?? fields.pseudoPath,
                "url"
            )
        },
        connectionScheme
    );
}

/** Lays the parts out by position. */
function join(
    fields: Fields,
    target: Target | null,
    connectionScheme: string | null,
    authority: string | null = null
): RequestParts {
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
        fields.remoteAddress
    ];
}

/** As {@link join}, where the program says the URL: an absolute one says the scheme too, whatever `:scheme` says. */
function joinWithUrl(fields: Fields, target: Target | null): RequestParts {
    if (target !== null && !target.url.startsWith("/")) {
        fields.pseudoScheme = null;
    }
    return join(fields, target, null);
}

function noFields(): Fields {
    return {
        flags: 0,
        authorization: null,
        dpop: null,
        host: null,
        forwarded: null,
        xForwardedProto: null,
        xForwardedHost: null,
        xForwardedPort: null,
        xForwardedFor: null,
        remoteAddress: null,
        pseudoAuthority: null,
        pseudoMethod: null,
        pseudoPath: null,
        pseudoScheme: null
    };
}

const FIELD_BY_NAME: ReadonlyMap<string, FieldName> = new Map([
    ["authorization", "authorization"],
    ["dpop", "dpop"],
    ["host", "host"],
    ["forwarded", "forwarded"],
    ["x-forwarded-proto", "xForwardedProto"],
    ["x-forwarded-host", "xForwardedHost"],
    ["x-forwarded-port", "xForwardedPort"],
    ["x-forwarded-for", "xForwardedFor"],
    [":authority", "pseudoAuthority"],
    [":method", "pseudoMethod"],
    [":path", "pseudoPath"],
    [":scheme", "pseudoScheme"]
]);

const LONGEST_NAME = "x-forwarded-proto".length;

function fieldOf(name: string): FieldName | undefined {
    // Nearly every name is already in lower case: only the others are copied.
    return name.length > LONGEST_NAME ? undefined : (FIELD_BY_NAME.get(name) ?? FIELD_BY_NAME.get(name.toLowerCase()));
}

function flagOf(field: FieldName): number {
    switch (field) {
        case "authorization":
            return AUTHORIZATION_REPEATED;
        case "dpop":
            return DPOP_REPEATED;
        case "host":
        case "pseudoAuthority":
            return HOST_REPEATED;
        default:
            return 0;
    }
}

/** Notes one more line of a field. Values are joined as RFC 9110 section 5.2 says; the flag tells that they were. */
function add(fields: Fields, field: FieldName, value: string): void {
    const before = fields[field];
    if (before === null) {
        fields[field] = value;
        return;
    }
    fields.flags |= flagOf(field);
    fields[field] = `${before}, ${value}`;
}

/** Own members only: a polluted prototype is not a header field. */
function fieldsOfRecord(record: Bag): Fields {
    const fields = noFields();
    for (const name of Object.keys(record)) {
        const field = fieldOf(name);
        if (field === undefined) {
            continue;
        }
        const value = record[name];
        if (value === undefined || value === null) {
            continue;
        }
        if (Array.isArray(value)) {
            for (const line of value as readonly unknown[]) {
                add(fields, field, typeof line === "string" ? line : UNREADABLE);
            }
        } else {
            const line = typeof value === "string" ? value : UNREADABLE;
            // The same value under two spellings of the name is one field that was copied.
            if (fields[field] !== line) {
                add(fields, field, line);
            }
        }
    }
    return fields;
}

function fieldsOfRawHeaders(rawHeaders: readonly unknown[]): Fields {
    if (rawHeaders.length % 2 !== 0 || !rawHeaders.every(entry => typeof entry === "string")) {
        throw new TypeError(
            'oidc-spa-native: an array of header fields must be flat, as rawHeaders is: ["Host", "api.example.com", ...]'
        );
    }
    const fields = noFields();
    for (let i = 0; i < rawHeaders.length; i += 2) {
        const field = fieldOf(rawHeaders[i] as string);
        if (field !== undefined) {
            add(fields, field, rawHeaders[i + 1] as string);
        }
    }
    return fields;
}

/** Which of the fields that may come once came more often. */
function repeatedIn(rawHeaders: readonly unknown[]): number {
    let seen = 0;
    let repeated = 0;
    for (let i = 0; i < rawHeaders.length; i += 2) {
        const name = rawHeaders[i];
        const field = typeof name === "string" ? fieldOf(name) : undefined;
        // `:authority` beside `host` is one of each, not two of one.
        if (field === "authorization" || field === "dpop" || field === "host") {
            const flag = flagOf(field);
            repeated |= seen & flag;
            seen |= flag;
        }
    }
    return repeated;
}

/** `Headers` joins the lines of a field with ", ", which neither field's grammar allows: nothing is hidden by it. */
function fieldsOfFetchHeaders(headers: object, get: Function): Fields {
    const fields = noFields();
    for (const [name, field] of FIELD_BY_NAME) {
        if (name.startsWith(":")) {
            continue; // not a legal name: `Headers` throws
        }
        const value: unknown = Reflect.apply(get, headers, [name]);
        if (value !== null && value !== undefined) {
            fields[field] = typeof value === "string" ? value : UNREADABLE;
        }
    }
    return fields;
}

function readTarget(target: unknown): Target | null {
    if (target === undefined || target === null) {
        return null;
    }
    if (!isBag(target)) {
        throw new TypeError('oidc-spa-native: the target must be an object: { method: "GET", url: "https://..." }');
    }
    return { method: text(target.method, "method"), url: text(target.url, "url") };
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
    return new TypeError(`oidc-spa-native: expected ${expected}, but ${describe(input)} was given.`);
}

/** Names a value's kind, and nothing of its content. */
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
