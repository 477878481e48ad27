/**
 * Reads the header fields that the validator needs, from every kind of object in which JavaScript holds header fields.
 *
 * In: a record, `rawHeaders`, a Fetch `Headers`. Out: `Fields`. Never: the meaning of a value.
 */

import { AUTHORIZATION_REPEATED, DPOP_REPEATED, HOST_REPEATED } from "../boundary/interface.js";

/** Stands for a value that cannot have come in an HTTP field (a number, an object): no grammar accepts it. */
const UNREADABLE = "\u0000";

/** The needed header fields, each with its original value; `flags` says which came more than once. */
export interface Fields {
    flags: number;
    authorization: string | null;
    dpop: string | null;
    host: string | null;
    forwarded: string | null;
    xForwardedProto: string | null;
    xForwardedHost: string | null;
    xForwardedPort: string | null;
    xForwardedFor: string | null;
    xForwardedPrefix: string | null;
    clientCert: string | null;
    /** From the connection; not a field of the request. */
    remoteAddress: string | null;
    /** Of the connection: the client's certificate in DER. */
    peerCertificate: Uint8Array | null;
    /** HTTP/2 (RFC 9113 section 8.3.1). */
    pseudoAuthority: string | null;
    pseudoMethod: string | null;
    pseudoPath: string | null;
    pseudoScheme: string | null;
}

type FieldName = Exclude<keyof Fields, "flags" | "remoteAddress" | "peerCertificate">;

/** An object of any kind, its members unread. */
export type Bag = { readonly [member: string]: unknown };

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
        xForwardedPrefix: null,
        clientCert: null,
        remoteAddress: null,
        peerCertificate: null,
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
    ["x-forwarded-prefix", "xForwardedPrefix"],
    ["client-cert", "clientCert"],
    [":authority", "pseudoAuthority"],
    [":method", "pseudoMethod"],
    [":path", "pseudoPath"],
    [":scheme", "pseudoScheme"]
]);

const LONGEST_NAME = "x-forwarded-prefix".length;

function fieldOf(name: string): FieldName | undefined {
    // Nearly every name is already in lower case; only other names are copied.
    return name.length > LONGEST_NAME
        ? undefined
        : (FIELD_BY_NAME.get(name) ?? FIELD_BY_NAME.get(name.toLowerCase()));
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

/**
 * Notes one more line of a field. Values are joined as RFC 9110 section 5.2 says; the flag says that they were joined.
 */
function add(fields: Fields, field: FieldName, value: string): void {
    const before = fields[field];
    if (before === null) {
        fields[field] = value;
        return;
    }
    fields.flags |= flagOf(field);
    fields[field] = `${before}, ${value}`;
}

/**
 * Lines of one field, and entries of `rawHeaders`, that are read. A server reads far fewer; an array without values, such as
 * `new Array(4e9)`, would be read for minutes.
 */
const MAX_ENTRIES = 65_536;

const linesOf = (value: readonly unknown[]): readonly unknown[] =>
    value.length > MAX_ENTRIES ? [UNREADABLE] : value;

/** Own members only: a polluted prototype is not a header field. */
export function fieldsOfRecord(record: Bag): Fields {
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
            for (const line of linesOf(value)) {
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

export function fieldsOfRawHeaders(rawHeaders: readonly unknown[]): Fields {
    const isFlat = rawHeaders.length % 2 === 0 && rawHeaders.length <= MAX_ENTRIES;
    if (!isFlat || !rawHeaders.every(entry => typeof entry === "string")) {
        throw new TypeError(
            "oidc-spa-native: expected names and values by turns, as in rawHeaders; got a list of another form. Write " +
                'req.rawHeaders, or ["Host", "api.example.com", ...].'
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

/** The fields that came more than once, although they may come only once. */
export function repeatedIn(rawHeaders: readonly unknown[]): number {
    if (rawHeaders.length > MAX_ENTRIES) {
        return AUTHORIZATION_REPEATED | DPOP_REPEATED | HOST_REPEATED;
    }
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

/**
 * `Headers` joins the lines of a field with ", ", which the grammar of neither field allows. So a repeated field is
 * noticed.
 */
export function fieldsOfFetchHeaders(headers: object, get: Function): Fields {
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
