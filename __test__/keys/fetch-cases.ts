// What servers of keys answer, right and wrong, and what must come of it: the same, whoever makes the requests. fetches.spec.ts
// runs each case through every way of making them.

import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import type { ValidatorOptions } from "oidc-spa-native";

/** Who makes the requests. */
export const WAYS = ["the engine", "network.fetch: fetch", "network.fetch: undici"] as const;
export type Way = (typeof WAYS)[number];

export interface FetchCase {
    readonly name: string;
    /** Answers a request for this path. `origin` is the server's own. */
    readonly answer: (path: string, response: ServerResponse, origin: string) => void;
    /** Default: the keys are at `/jwks`. */
    readonly options?: (origin: string) => Partial<ValidatorOptions>;
    /** The paths that are asked for, in order. */
    readonly asked: readonly string[];
    /** `granted`, or the whole of `lastError`, where {origin} stands for the server's. */
    readonly expected: string;
    /** When the issuer is asked next: seconds from the end of the fetch, from and to. */
    readonly wait?: readonly [from: number, to: number];
    /** Default: `null`, since the server sends no `Date`. */
    readonly clockSkewSeconds?: number;
    /** Where the clients say it in words of their own, or see it otherwise: a pattern for each, and the reason. */
    readonly otherwise?: { readonly reason: string } & { readonly [client in Client]?: RegExp };
}

/** The addon's own client; the run time's `fetch`, which the engine in WebAssembly uses by itself; undici. */
export type Client = "reqwest" | "fetch" | "undici";

const FAILED = "Failed to fetch public key and algorithm from {origin}/jwks: ";
const OPENID = "/.well-known/openid-configuration";
const OAUTH = "/.well-known/oauth-authorization-server";

/** The pause after a failure for which the server asks for none. */
const SOON = [0.5, 1] as const;

type Fields = { readonly [name: string]: string };

const reply =
    (status: number, fields: Fields = {}, body: string | Buffer = "") =>
    (response: ServerResponse): void =>
        void response.writeHead(status, fields).end(body);

const httpDate = (secondsFromNow: number): string =>
    new Date(Date.now() + secondsFromNow * 1000).toUTCString();

/** `keys` is a JWK Set whose keys sign the tokens. */
export function fetchCases(keys: string): readonly FetchCase[] {
    const ok = (fields: Fields = {}) => reply(200, fields, keys);
    const always = (answer: (response: ServerResponse) => void) => ({
        answer: (_: string, response: ServerResponse) => answer(response),
        asked: ["/jwks"]
    });
    const status = (code: number, text: string, fields: Fields = {}): FetchCase => ({
        name: `status ${code}`,
        ...always(reply(code, fields)),
        expected: `${FAILED}expected HTTP status 200, got ${text}`,
        wait: SOON
    });
    const pause = (name: string, retryAfter: () => string, wait: FetchCase["wait"]): FetchCase => ({
        ...status(503, "503 Service Unavailable"),
        name: `Retry-After: ${name}`,
        ...always(response => reply(503, { "retry-after": retryAfter() })(response)),
        wait
    });
    const fresh = (name: string, fields: () => Fields, seconds: number): FetchCase => ({
        name,
        ...always(response => ok(fields())(response)),
        expected: "granted",
        // From 80 to 100 % of the time.
        wait: [seconds * 0.8 - 2, seconds]
    });
    const redirect = (
        name: string,
        location: (origin: string) => string,
        expected: string,
        code = 302
    ): FetchCase => ({
        name: `redirect ${code} ${name}`,
        answer: (path, response, origin) =>
            path === "/jwks" ? reply(code, { location: location(origin) })(response) : ok()(response),
        asked: expected === "granted" ? ["/jwks", "/moved"] : ["/jwks"],
        expected: expected === "granted" ? expected : `${FAILED}${expected}`
    });
    const ANOTHER = "a redirect to another origin is not followed: write the URL where it leads as `jwksUri`";
    const body = (name: string, text: string | Buffer, expected: string): FetchCase => ({
        name,
        ...always(reply(200, {}, text)),
        expected
    });
    const shape = (what: string): string => `{origin}/jwks does not have the expected shape: ${what}`;
    const ofMetadata = (origin: string) => ({ issuerUri: origin, jwksUri: undefined });
    const noMetadata = (openid: string, oauth: string): string =>
        `Failed to fetch openid configuration of the issuerUri: {origin}; {origin}${OPENID}: ${openid}; {origin}${OAUTH}: ` +
        `${oauth}. If it publishes no metadata, write where its keys are as \`jwksUri\``;
    const metadata = (origin: string, over: object = {}): string =>
        JSON.stringify({ issuer: origin, jwks_uri: `${origin}/jwks`, ...over });
    const TIMED_OUT = "no complete answer within 0.3 seconds (`network.timeoutMs`)";
    const short = () => ({ network: { timeoutMs: 300 } });
    const TOO_LONG = "the answer is longer than 1024 bytes (`limits.jwkSetBytes`)";
    const small = () => ({ limits: { jwkSetBytes: 1024 } });
    const ownWords = "each client has its own words for what happened to a connection";

    return [
        { name: "a JWK Set", ...always(ok()), expected: "granted", wait: [480, 600] },
        status(204, "204 No Content"),
        status(206, "206 Partial Content"),
        status(300, "300 Multiple Choices", { location: "/moved" }),
        status(301, "301 Moved Permanently"),
        status(304, "304 Not Modified"),
        status(400, "400 Bad Request; if the server speaks TLS at this port, write an https URL"),
        status(401, "401 Unauthorized; `network.headers` are sent to the configured origin"),
        status(403, "403 Forbidden; `network.headers` are sent to the configured origin"),
        status(404, "404 Not Found"),
        status(429, "429 Too Many Requests"),
        status(500, "500 Internal Server Error"),
        pause("seconds", () => "7", [6, 7]),
        pause("a date", () => httpDate(20), [16, 20]),
        pause("a date of the past", () => httpDate(-20), SOON),
        pause("a word", () => "soon", SOON),
        pause("a negative number", () => "-5", SOON),
        pause("a day", () => "86400", [298, 300]),

        redirect("within the origin", () => "/moved", "granted"),
        redirect("within the origin", () => "/moved", "granted", 301),
        redirect("within the origin", () => "/moved", "granted", 303),
        redirect("within the origin", () => "/moved", "granted", 307),
        redirect("within the origin", origin => `${origin}/moved`, "granted", 308),
        redirect("to another origin", () => "http://127.0.0.2:1/moved", ANOTHER),
        redirect("to another scheme", origin => origin.replace("http:", "https:"), ANOTHER),
        redirect("to another name of the host", origin => origin.replace("127.0.0.1", "localhost"), ANOTHER),
        redirect(
            "with a user",
            origin => `${origin.replace("//", "//user:secret@")}/moved`,
            "a redirect that names a user or a password is not followed"
        ),
        redirect("to no URL", () => "http://[", "expected HTTP status 200, got 302 Found"),
        {
            name: "redirects without end",
            answer: (_, response) => reply(302, { location: "/jwks" })(response),
            asked: ["/jwks", "/jwks", "/jwks", "/jwks"],
            expected: `${FAILED}too many redirects`
        },

        fresh("max-age", () => ({ "cache-control": "max-age=120" }), 120),
        fresh("max-age less Age", () => ({ "cache-control": "max-age=200", age: "100" }), 100),
        fresh("no-store", () => ({ "cache-control": "no-store" }), 60),
        fresh("no-cache with max-age", () => ({ "cache-control": "no-cache, max-age=600" }), 60),
        fresh("max-age that is no number", () => ({ "cache-control": "max-age=long" }), 600),
        fresh("Expires", () => ({ expires: httpDate(200) }), 200),
        fresh("Expires of the past", () => ({ expires: httpDate(-200) }), 60),
        fresh("Expires that is no date", () => ({ expires: "0" }), 600),
        fresh("max-age and Expires", () => ({ "cache-control": "max-age=100", expires: httpDate(900) }), 100),
        {
            name: "a clock that is ahead",
            ...always(response => ok({ date: httpDate(100) })(response)),
            expected: "granted",
            clockSkewSeconds: 100
        },
        {
            name: "a clock that is ahead, by the word of a cache",
            ...always(response => ok({ date: httpDate(100), age: "1" })(response)),
            expected: "granted"
        },

        {
            name: "a body without a length",
            ...always(response => {
                response.write(keys);
                response.end();
            }),
            expected: "granted"
        },
        body("a byte order mark", `\ufeff${keys}`, "granted"),
        { name: "another media type", ...always(ok({ "content-type": "text/html" })), expected: "granted" },
        {
            name: "a body in gzip",
            ...always(reply(200, { "content-encoding": "gzip" }, gzipSync(keys))),
            expected: "granted"
        },
        {
            name: "a body that is no gzip",
            ...always(ok({ "content-encoding": "gzip" })),
            expected: `${FAILED}the body is not of its content coding gzip`,
            otherwise: {
                reason: ownWords,
                fetch: /: incorrect header check/,
                undici: /: incorrect header check/
            }
        },
        {
            name: "a bomb in gzip",
            ...always(reply(200, { "content-encoding": "gzip" }, gzipSync(Buffer.alloc(64 << 20, " ")))),
            options: small,
            expected: `${FAILED}${TOO_LONG}`
        },
        {
            name: "a body beyond the limit",
            ...always(reply(200, {}, " ".repeat(1025))),
            options: small,
            expected: `${FAILED}${TOO_LONG}`
        },
        {
            name: "a body without an end",
            ...always(response => {
                const more = (): void => {
                    while (!response.destroyed && response.write(" ".repeat(10_000))) {}
                };
                response.on("drain", more);
                more();
            }),
            options: small,
            expected: `${FAILED}${TOO_LONG}`
        },
        body(
            "an empty body",
            "",
            shape("the JWK Set is not valid JSON: the text ends early (line 1, column 0)")
        ),
        body(
            "HTML",
            "<html>",
            shape(
                "expected a JWK Set as JSON, got a page (HTML or XML): something else answers here, such as a login form, a proxy " +
                    "or an application in the browser"
            )
        ),
        body("no list of keys", "{}", shape("the JWK Set has no `keys` array")),
        body(
            "an empty list of keys",
            '{"keys":[]}',
            shape("the JWK Set has no key that can verify signatures")
        ),

        {
            name: "no head in time",
            ...always(() => undefined),
            options: short,
            expected: `${FAILED}${TIMED_OUT}`,
            wait: SOON
        },
        {
            name: "no end of the body in time",
            ...always(response => void response.write("{")),
            options: short,
            expected: `${FAILED}${TIMED_OUT}`,
            wait: SOON
        },
        {
            name: "a connection that is reset",
            ...always(response => void response.socket?.resetAndDestroy()),
            expected: FAILED,
            wait: SOON,
            otherwise: {
                reason: ownWords,
                reqwest: /: .*reset/i,
                fetch: /: .*(closed|RESET)/,
                undici: /: .*(closed|RESET)/
            }
        },
        {
            name: "a connection that ends within the body",
            ...always(response => {
                response.writeHead(200, { "content-length": "100" });
                response.write("{", () => response.destroy());
            }),
            expected: FAILED,
            wait: SOON,
            otherwise: { reason: ownWords, reqwest: /: ./, fetch: /: ./, undici: /: ./ }
        },
        {
            name: "no TLS at an https URL",
            ...always(ok()),
            options: origin => ({ jwksUri: `${origin.replace("http:", "https:")}/jwks` }),
            asked: [],
            expected: FAILED,
            wait: SOON,
            otherwise: { reason: ownWords, reqwest: /: ./, fetch: /: .*SSL/i, undici: /: .*SSL/i }
        },

        {
            name: "metadata, then the JWK Set",
            answer: (path, response, origin) =>
                path === OPENID ? reply(200, {}, metadata(origin))(response) : ok()(response),
            options: ofMetadata,
            asked: [OPENID, "/jwks"],
            expected: "granted"
        },
        {
            name: "metadata at the other place",
            answer: (path, response, origin) =>
                path === OPENID
                    ? reply(404)(response)
                    : path === OAUTH
                      ? reply(200, {}, metadata(origin))(response)
                      : ok()(response),
            options: ofMetadata,
            asked: [OPENID, OAUTH, "/jwks"],
            expected: "granted"
        },
        {
            name: "metadata nowhere, with two pauses",
            answer: (path, response) =>
                reply(path === OPENID ? 404 : 500, { "retry-after": path === OPENID ? "9" : "3" })(response),
            options: ofMetadata,
            asked: [OPENID, OAUTH],
            expected: noMetadata(
                "expected HTTP status 200, got 404 Not Found",
                "expected HTTP status 200, got 500 Internal Server Error"
            ),
            wait: [8, 9]
        },
        {
            name: "metadata beyond the limit",
            answer: (_, response) => reply(200, {}, " ".repeat(1025))(response),
            options: origin => ({ ...ofMetadata(origin), limits: { metadataBytes: 1024 } }),
            asked: [OPENID, OAUTH],
            expected: noMetadata(
                "the answer is longer than 1024 bytes (`limits.metadataBytes`)",
                "the answer is longer than 1024 bytes (`limits.metadataBytes`)"
            )
        },
        {
            name: "metadata whose keys are elsewhere",
            answer: (path, response, origin) =>
                path === OPENID
                    ? reply(200, {}, metadata(origin, { jwks_uri: "http://127.0.0.1:1/jwks" }))(response)
                    : reply(404)(response),
            options: ofMetadata,
            asked: [OPENID],
            expected: FAILED,
            otherwise: {
                reason: ownWords,
                reqwest: /127\.0\.0\.1:1\/jwks: .*nothing listens/,
                fetch: /127\.0\.0\.1:1\/jwks: /,
                undici: /127\.0\.0\.1:1\/jwks: /
            }
        },
        {
            name: "the second of several URLs",
            answer: (path, response) => (path === "/jwks" ? reply(500)(response) : ok()(response)),
            options: origin => ({ jwksUri: [`${origin}/jwks`, `${origin}/other`] }),
            asked: ["/jwks", "/other"],
            expected: "granted"
        },
        {
            name: "none of several URLs, with two pauses",
            answer: (path, response) => reply(503, { "retry-after": path === "/jwks" ? "9" : "5" })(response),
            options: origin => ({ jwksUri: [`${origin}/jwks`, `${origin}/other`] }),
            asked: ["/jwks", "/other"],
            expected:
                `${FAILED}expected HTTP status 200, got 503 Service Unavailable; Failed to fetch public key and algorithm from ` +
                "{origin}/other: expected HTTP status 200, got 503 Service Unavailable",
            wait: [4, 5]
        }
    ];
}
