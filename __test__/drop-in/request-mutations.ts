// Requests in the five shapes of `extractRequestAuthContext`, with every header that matters in every form.

import type { AnyRequest } from "oidc-spa-native/server";

export interface ExtractCase {
    readonly id: string;
    readonly request: AnyRequest;
    readonly trustProxy: boolean;
}

/** A request, before it takes a shape. */
interface Arrived {
    readonly method: string;
    readonly scheme: "http" | "https";
    readonly host: string | undefined;
    readonly path: string;
    /** Lower-case names. */
    readonly headers: Readonly<Record<string, string>>;
}

const HEADER_NAMES = ["Authorization", "DPoP", "Forwarded", "X-Forwarded-Proto", "X-Forwarded-Host"] as const;

const SHAPES: Readonly<Record<string, (arrived: Arrived) => AnyRequest>> = {
    unified: ({ method, scheme, host, path, headers }) => ({
        type: "unified",
        method,
        pseudoHeaders: { ":scheme": scheme, ":authority": host ?? "", ":path": path },
        headers: Object.fromEntries(
            HEADER_NAMES.map(name => [name, headers[name.toLowerCase()]])
        ) as AnyRequest.Unified["headers"]
    }),
    fetch: fetchRequest,
    node: nodeRequest,
    hono: arrived => ({ raw: fetchRequest(arrived) }),
    fastify: arrived => ({ raw: nodeRequest(arrived) })
};

function fetchRequest({ method, scheme, host, path, headers }: Arrived): AnyRequest.RequestLike {
    return {
        method,
        url: `${scheme}://${host ?? ""}${path}`,
        headers: { get: name => headers[name.toLowerCase()] ?? null }
    };
}

function nodeRequest({ method, scheme, host, path, headers }: Arrived): AnyRequest.IncomingMessageLike {
    return {
        method,
        url: path,
        headers: { ...headers, ...(host === undefined ? {} : { host }) },
        socket: { encrypted: scheme === "https" }
    };
}

const USUAL: Arrived = {
    method: "GET",
    scheme: "https",
    host: "api.example.com",
    path: "/v1/items?x=1",
    headers: { authorization: "DPoP a.b.c", dpop: "d.e.f" }
};

export function requestCases(): ExtractCase[] {
    const cases: ExtractCase[] = [];
    const add = (
        id: string,
        changes: Partial<Arrived>,
        trustProxy = false,
        shapes = Object.keys(SHAPES)
    ): void => {
        for (const shape of shapes) {
            const request = (SHAPES[shape] as (typeof SHAPES)[string])({ ...USUAL, ...changes });
            cases.push({ id: `${id}/${shape}`, request, trustProxy });
        }
    };

    const authorizations: Record<string, string | undefined> = {
        absent: undefined,
        empty: "",
        "I05 scheme alone": "Bearer",
        "I05 scheme and space": "Bearer ",
        Bearer: "Bearer a.b.c",
        DPoP: "DPoP a.b.c",
        "lower case bearer": "bearer a.b.c",
        "upper case bearer": "BEARER a.b.c",
        "lower case dpop": "dpop a.b.c",
        "I06 spaces": "Bearer   a.b.c",
        "I07 tab": "Bearer\ta.b.c",
        "I07 no-break space": "Bearer\u00a0a.b.c",
        "white space around": " Bearer a.b.c ",
        "white space alone": " ",
        "tabs around": "\tBearer a.b.c\t",
        "no-break space around": "\u00a0Bearer a.b.c\u00a0",
        "no-break space alone": "\u00a0",
        "next line": "Bearer\u0085a.b.c",
        "next line after": "Bearer a.b.c\u0085",
        "byte order mark": "Bearer\ufeffa.b.c",
        "I02 Basic": "Basic dXNlcjpwYXNz",
        Negotiate: "Negotiate",
        BearerX: "BearerX a.b.c",
        "DPoP alone": "DPoP",
        "I08 trailing text": "Bearer a b",
        "I08 list": "Bearer a.b.c, DPoP d.e.f",
        "I08 list of proofs": "DPoP a.b.c, DPoP a.b.c",
        "I08 parameter": "Bearer a.b.c;x=y",
        "I09 quoted": 'Bearer "a.b.c"',
        "I18 latin1": "Bearer a.é.c",
        "I18 latin1, space after": "DPoP é.b.éc\u00a0 ",
        "B18 twice": "Bearer Bearer a.b.c",
        padded: "Bearer abc==",
        "padding alone": "Bearer =",
        "comma alone": ",",
        "no scheme": "a.b.c"
    };
    for (const [name, authorization] of Object.entries(authorizations)) {
        const headers: Record<string, string> = { dpop: "d.e.f" };
        if (authorization !== undefined) {
            headers["authorization"] = authorization;
        }
        add(`request/authorization/${name}`, { headers });
    }

    const proofs: Record<string, string | undefined> = {
        "J01 absent": undefined,
        empty: "",
        "white space around": " d.e.f ",
        "J02 two": "d.e.f, g.h.i",
        "not a JWT": "x"
    };
    for (const [name, dpop] of Object.entries(proofs)) {
        for (const authorization of ["DPoP a.b.c", "Bearer a.b.c"]) {
            const headers: Record<string, string> = { authorization };
            if (dpop !== undefined) {
                headers["dpop"] = dpop;
            }
            add(`request/dpop/${name}/${authorization.slice(0, 6).trim()}`, { headers });
        }
    }

    for (const method of ["GET", "POST", "get", "PATCH", "M-SEARCH"]) {
        add(`request/method/${method}`, { method });
    }

    const paths: Record<string, string> = {
        plain: "/v1/items",
        root: "/",
        "K47 fragment": "/v1/items#f",
        "query with slash": "/v1/items?next=//evil.example/",
        "K45 two slashes": "//evil.example/x",
        "double slash": "/v1//items",
        "K24 dot segments": "/a/../v1/./items",
        "K16 encoded unreserved": "/v1/%7Euser",
        "K16 unreserved": "/v1/~user",
        "K17 lower-case percent": "/v1/a%2fb",
        "K17 upper-case percent": "/v1/a%2Fb",
        "K21 malformed percent": "/v1/%GG",
        "K23 encoded dots": "/v1/x/%2e%2e/items",
        "K28 backslash": "/v1\\items",
        "trailing slash": "/v1/items/",
        long: `/${"x".repeat(4_000)}`,
        "other characters": "/a:b@c!$&'()*+,;=-._~"
    };
    for (const [name, path] of Object.entries(paths)) {
        add(`request/path/${name}`, { path });
    }
    for (const [name, path] of Object.entries({
        "K46 asterisk": "*",
        "K46 authority": "api.example.com:443",
        absolute: "http://other.example/x",
        "absolute, of this host": "https://api.example.com/v1/items",
        empty: "",
        relative: "v1/items"
    })) {
        add(`request/target/${name}`, { path }, false, ["unified", "node", "fastify"]);
    }

    const hosts: Record<string, string | undefined> = {
        "with port": "api.example.com:8443",
        "default port": "api.example.com:443",
        "port of the other scheme": "api.example.com:80",
        "empty port": "api.example.com:",
        "K07 upper case": "API.Example.COM",
        "K38 userinfo": "user@api.example.com",
        "K38 path": "api.example.com/x",
        "K38 query": "api.example.com?x",
        "K38 fragment": "api.example.com#x",
        "K38 space": "api example.com",
        "port too large": "api.example.com:99999",
        "K10 port with zero": "api.example.com:0443",
        "K31 IPv6": "[::1]:3000",
        IPv4: "127.0.0.1:3000",
        "K30 hex IPv4": "0x7f.1",
        "K33 trailing dot": "api.example.com.",
        "K32 not ASCII": "bücher.example",
        underscore: "my_api.example.com",
        localhost: "localhost"
    };
    for (const [name, host] of Object.entries(hosts)) {
        add(`request/host/${name}`, { host });
    }
    add("request/host/plain http", { scheme: "http" });
    add("request/host/plain http with port", { scheme: "http", host: "127.0.0.1:3000" });
    add("request/host/K37 absent", { host: undefined }, false, ["node", "fastify"]);
    add("request/host/empty", { host: "" }, false, ["node", "fastify"]);
    add("request/host/list", { host: "api.example.com, evil.example" }, false, ["node", "fastify"]);

    const forwarded: Record<string, Record<string, string>> = {
        proto: { "x-forwarded-proto": "https" },
        "proto http": { "x-forwarded-proto": "http" },
        "proto list": { "x-forwarded-proto": "https, http" },
        "proto upper case": { "x-forwarded-proto": "HTTPS" },
        "proto with colon": { "x-forwarded-proto": "https:" },
        "proto unknown": { "x-forwarded-proto": "ftp" },
        "proto wss": { "x-forwarded-proto": "wss" },
        "proto wss in Forwarded": { forwarded: "proto=wss" },
        "proto empty": { "x-forwarded-proto": "" },
        host: { "x-forwarded-host": "pub.example.com" },
        "host with port": { "x-forwarded-host": "pub.example.com:8443" },
        "host with default port": { "x-forwarded-host": "pub.example.com:443" },
        "host with port of the other scheme": {
            "x-forwarded-proto": "https",
            "x-forwarded-host": "pub.example.com:80"
        },
        "host list": { "x-forwarded-host": "pub.example.com, inner.example.com" },
        "host upper case": { "x-forwarded-host": "PUB.example.com" },
        "host empty": { "x-forwarded-host": "" },
        "host with userinfo": { "x-forwarded-host": "a@pub.example.com" },
        "host with path": { "x-forwarded-host": "pub.example.com/x" },
        prefix: { "x-forwarded-prefix": "/api" },
        port: { "x-forwarded-port": "8443" },
        "port of the other scheme": { "x-forwarded-proto": "https", "x-forwarded-port": "80" },
        "Client-Cert": { "client-cert": ":AAAA:" },
        "proto and host": { "x-forwarded-proto": "https", "x-forwarded-host": "pub.example.com" },
        Forwarded: { forwarded: "for=192.0.2.1;proto=https;host=pub.example.com" },
        "Forwarded quoted": { forwarded: 'for="192.0.2.1";proto="https";host="pub.example.com:8443"' },
        "Forwarded case": { forwarded: "Proto=HTTPS; Host=pub.example.com" },
        "Forwarded list": {
            forwarded: "host=pub.example.com;proto=https, host=inner.example.com;proto=http"
        },
        "Forwarded without host": { forwarded: "for=192.0.2.1" },
        "Forwarded proto only": { forwarded: "proto=https", "x-forwarded-host": "pub.example.com" },
        "Forwarded wins": {
            forwarded: "host=pub.example.com;proto=https",
            "x-forwarded-host": "x.example.com",
            "x-forwarded-proto": "http"
        },
        "Forwarded against Host": { forwarded: "host=pub.example.com", "x-forwarded-proto": "https" },
        "Forwarded host twice": { forwarded: "host=pub.example.com;host=x.example.com" },
        "Forwarded proto against the others": { forwarded: "proto=http", "x-forwarded-proto": "https" },
        "Forwarded quote without end": { forwarded: 'for="x, host=pub.example.com' },
        "Forwarded as the others": {
            forwarded: "host=pub.example.com;proto=https",
            "x-forwarded-host": "pub.example.com",
            "x-forwarded-proto": "https"
        },
        "Forwarded empty": { forwarded: "" },
        "Forwarded nonsense": { forwarded: ";;=;host" },
        "Forwarded IPv6": { forwarded: 'host="[2001:db8::1]:8443"' }
    };
    for (const [name, headers] of Object.entries(forwarded)) {
        for (const trustProxy of [true, false]) {
            for (const [origin, changes] of Object.entries({
                "https default port": {},
                "http inner port": { scheme: "http", host: "10.0.0.5:3000" }
            } satisfies Record<string, Partial<Arrived>>)) {
                add(
                    `request/forwarded/${name}/${trustProxy ? "trusted" : "not trusted"}/${origin}`,
                    { ...changes, headers: { ...USUAL.headers, ...headers } },
                    trustProxy
                );
            }
        }
    }
    // X-Forwarded-Port is not in the unified shape.
    for (const shape of ["fetch", "node"]) {
        add(
            "request/forwarded/K41 port/trusted",
            {
                scheme: "http",
                host: "10.0.0.5",
                headers: {
                    ...USUAL.headers,
                    "x-forwarded-proto": "https",
                    "x-forwarded-host": "pub.example.com",
                    "x-forwarded-port": "8443"
                }
            },
            true,
            [shape]
        );
    }

    // --- What only Node's shape has.
    const node = (changes: object, headers: Record<string, string | string[]> = {}): AnyRequest =>
        ({
            ...nodeRequest(USUAL),
            headers: { ...nodeRequest(USUAL).headers, ...headers },
            ...changes
        }) as AnyRequest;
    const push = (id: string, request: AnyRequest): void => {
        cases.push({ id: `request/node/${id}`, request, trustProxy: false });
    };
    push("K48 mounted router", node({ url: "/items", originalUrl: "/v1/items?x=1" }));
    push(
        "I23 HTTP/2 pseudo headers",
        node({}, { ":authority": "h2.example.com", ":scheme": "http", ":path": "/v1/items" })
    );
    push(
        "I23 :authority goes before host",
        node({}, { ":authority": "h2.example.com", host: "other.example.com" })
    );
    push("I12 Authorization as list of one", node({}, { authorization: ["Bearer a.b.c"] }));
    push("I12 Authorization as list of two", node({}, { authorization: ["Bearer a.b.c", "Bearer d.e.f"] }));
    push("I12 DPoP as list of two", node({}, { dpop: ["d.e.f", "g.h.i"] }));
    push(
        "I10 two Authorization lines",
        node(
            {
                rawHeaders: [
                    "Host",
                    "api.example.com",
                    "Authorization",
                    "Bearer a.b.c",
                    "authorization",
                    "Bearer x.y.z"
                ]
            },
            { authorization: "Bearer a.b.c" }
        )
    );
    push(
        "rawHeaders with one of each",
        node({ rawHeaders: ["Host", "api.example.com", "Authorization", "DPoP a.b.c", "DPoP", "d.e.f"] })
    );
    push("no socket", { ...(nodeRequest(USUAL) as object), socket: {} } as AnyRequest);
    push("I24 no method", node({ method: undefined }));
    push("I24 no url", node({ url: undefined }));
    return cases;
}
