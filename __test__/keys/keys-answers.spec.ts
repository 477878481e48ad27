// What servers of keys answer that is right in its way: packed, marked, under another media type, at another place, and
// to those alone who bring a header field.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import {
    createValidator,
    type IssuerHealth,
    type NetworkOptions,
    type ValidatorOptions
} from "oidc-spa-native";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testOfAddon } from "../support/engine.js";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { outcome } from "../support/reaching.js";

let f: Fixtures;
let keys: string;
const open: { close(): Promise<unknown> }[] = [];

beforeAll(async () => {
    f = await createFixtures();
    open.push(f.issuer);
    keys = JSON.stringify(f.issuer.jwks);
});

afterAll(() => Promise.all(open.map(one => one.close())));

type Respond = (req: IncomingMessage, res: ServerResponse, origin: string) => void;

/** A server on loopback that answers as it is told to. */
async function startServer(respond: Respond) {
    const asked: { url: string; headers: IncomingMessage["headers"] }[] = [];
    const server = createServer((req, res) => {
        asked.push({ url: req.url as string, headers: req.headers });
        respond(req, res, `http://${req.headers.host}`);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    open.push({
        close: async () => {
            server.closeAllConnections();
            server.close();
        }
    });
    return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const ISSUER = "https://auth.example.com";

let attempts = 0;

/** The first attempt's end, with keys from this URL or by the metadata of this issuer. */
function attempt(changes: Partial<ValidatorOptions>, network?: NetworkOptions): Promise<string> {
    // Validators with the same limits share what the first of them fetched.
    const limits = { metadataBytes: 256 * 1024 + attempts++ };
    const common = { issuerUri: ISSUER, expectedAudience: AUDIENCE, limits };
    const options = { ...common, ...changes, ...(network && { network }) };
    return outcome(f, createValidator(options as ValidatorOptions) as never, options.issuerUri);
}

describe("a body that nobody asked to be packed", () => {
    const codings: Record<string, (text: string | Buffer) => Buffer> = {
        gzip: gzipSync,
        "x-gzip": gzipSync,
        deflate: deflateSync,
        "deflate without its frame": deflateRawSync,
        br: brotliCompressSync
    };

    // `fetch` undoes codings itself: exchange.spec.ts.
    testOfAddon.each(Object.keys(codings))("%s", async coding => {
        const pack = codings[coding] as (text: string | Buffer) => Buffer;
        const name = coding.split(" ")[0] as string;
        const bomb = pack(Buffer.alloc(64 << 20, " "));
        const { origin, asked } = await startServer(({ url }, res) => {
            const body = url === "/bomb" ? bomb : url === "/plain" ? Buffer.from(keys) : pack(keys);
            res.writeHead(200, { "content-encoding": url === "/twice" ? `${name}, ${name}` : name }).end(
                body
            );
        });
        expect(await attempt({ jwksUri: `${origin}/keys` })).toBe("granted");
        expect(asked[0]?.headers["accept-encoding"]).toBeUndefined();
        expect(await attempt({ jwksUri: `${origin}/plain` })).toMatch(/^failed: .*not of its content coding/);
        expect(await attempt({ jwksUri: `${origin}/twice` })).toMatch(
            /^failed: .*content coding gzip, deflate/
        );
        const before = process.memoryUsage().rss;
        expect(await attempt({ jwksUri: `${origin}/bomb` })).toMatch(/^failed: .*524288.*limits.jwkSetBytes/);
        expect(process.memoryUsage().rss - before).toBeLessThan(48 << 20);
    });

    testOfAddon("another coding is named", async () => {
        const { origin } = await startServer((_req, res) =>
            res.writeHead(200, { "content-encoding": "zstd" }).end(keys)
        );
        expect(await attempt({ jwksUri: origin })).toMatch(/^failed: .*expected the content coding.*"zstd"/);
    });
});

test("a byte order mark and white space before the document are passed over", async () => {
    const { origin } = await startServer(({ url }, res) => {
        res.end(
            { "/mark": `\ufeff${keys}`, "/both": `\ufeff \r\n\t${keys}\n` }[url as string] ?? ` \ufeff${keys}`
        );
    });
    expect(await attempt({ jwksUri: `${origin}/mark` })).toBe("granted");
    expect(await attempt({ jwksUri: `${origin}/both` })).toBe("granted");
    expect(await attempt({ jwksUri: `${origin}/within` })).toMatch(/^failed: /);
});

test("a server that knows one media type of key sets alone is asked for it", async () => {
    for (const type of ["application/jwk-set+json", "application/json", "text/plain"]) {
        const { origin } = await startServer((req, res) => {
            const accepts = (req.headers.accept ?? "").split(",").map(range => range.split(";")[0]?.trim());
            res.writeHead(accepts.includes(type) || accepts.includes("*/*") ? 200 : 406).end(keys);
        });
        expect(await attempt({ jwksUri: origin })).toBe("granted");
    }
});

describe("metadata", () => {
    const OPENID = "/.well-known/openid-configuration";
    const OAUTH = "/.well-known/oauth-authorization-server";
    const places = [`/a/b${OPENID}`, `${OAUTH}/a/b`, `${OPENID}/a/b`];

    /** An issuer whose metadata is at one place, and something else at those before. */
    const issuerAt = (place: string, elsewhere: (origin: string) => string | number) =>
        startServer(({ url }, res, origin) => {
            const other = elsewhere(origin);
            if (url === "/jwks") {
                res.end(keys);
            } else if (url === place) {
                res.end(JSON.stringify({ issuer: `${origin}/a/b`, jwks_uri: `${origin}/jwks` }));
            } else {
                res.writeHead(typeof other === "number" ? other : 200).end(
                    typeof other === "number" ? "" : other
                );
            }
        });

    test.each(places)("at %s is found behind answers that are of no use", async place => {
        const useless: ((origin: string) => string | number)[] = [
            () => 404,
            () => 500,
            () => "<!doctype html><title>Sign in</title>",
            () => "{}",
            () => "x".repeat(300_000),
            origin => JSON.stringify({ issuer: origin, jwks_uri: `${origin}/others` })
        ];
        for (const elsewhere of useless) {
            const { origin, asked } = await issuerAt(place, elsewhere);
            expect(await attempt({ issuerUri: `${origin}/a/b` })).toBe("granted");
            expect(asked.map(({ url }) => url)).toEqual([
                ...places.slice(0, places.indexOf(place) + 1),
                "/jwks"
            ]);
        }
    });

    test("at none of the places: the message says what each answered, and which option helps", async () => {
        const { origin, asked } = await issuerAt("/nowhere", () => "{}");
        const refused = await attempt({ issuerUri: `${origin}/a/b` });
        for (const place of places) {
            expect(refused).toContain(`${origin}${place}: `);
        }
        expect(refused).toContain("`jwksUri`");
        expect(asked).toHaveLength(3);
    });

    test("that names another issuer says which option is for what", async () => {
        const { origin } = await issuerAt("/nowhere", () =>
            JSON.stringify({
                issuer: "https://sso.example.com/a/b",
                jwks_uri: "https://sso.example.com/jwks"
            })
        );
        const refused = await attempt({ issuerUri: `${origin}/a/b` });
        expect(refused).toMatch(/"https:\/\/sso\.example\.com\/a\/b".*`issuerUri`.*`jwksUri`/);
    });

    test("in the place of the keys is told, with the URL that belongs there", async () => {
        const { origin } = await issuerAt("/nowhere", origin =>
            JSON.stringify({ issuer: origin, jwks_uri: `${origin}/jwks` })
        );
        const attemptAt = (jwksUri: string) => attempt({ issuerUri: `${origin}/a/b`, jwksUri });
        expect(await attemptAt(`${origin}${OPENID}`)).toContain(
            `expected a JWK Set, got the issuer's metadata: write its \`jwks_uri\`, "${origin}/jwks", as \`jwksUri\``
        );
        expect(await attemptAt(`${origin}/jwks`)).toBe("granted");
    });

    test("its URL is no issuer, and the error says what is", () => {
        for (const issuerUri of [`${ISSUER}/a${OPENID}`, `${ISSUER}${OAUTH}/a`, `${ISSUER}${OPENID}/a/`]) {
            const make = (uri: string) => () =>
                createValidator({ issuerUri: uri, expectedAudience: AUDIENCE });
            expect(make(issuerUri)).toThrow(`the issuer's own identifier, "${ISSUER}/a"`);
            expect(make(`${ISSUER}/a`)).not.toThrow();
        }
    });
});

describe("a server that gives no answer", () => {
    testOfAddon("at a port for TLS, asked by http: the message names the https URL", async () => {
        // One without TLS of its own closes at once, as Node.js does where TLS was expected; nginx answers 400.
        const closing = createTcpServer(socket => socket.once("data", () => socket.destroy()));
        closing.listen(0, "127.0.0.1");
        await once(closing, "listening");
        open.push({ close: async () => closing.close() });
        const { origin } = await startServer((_req, res) => res.writeHead(400).end());
        for (const issuer of [`http://127.0.0.1:${(closing.address() as AddressInfo).port}`, origin]) {
            expect(await attempt({ jwksUri: `${issuer}/jwks` })).toContain(
                "if the server speaks TLS at this port, write an https URL"
            );
        }
        const { origin: missing } = await startServer((_req, res) => res.writeHead(404).end());
        expect(await attempt({ jwksUri: missing })).not.toContain("TLS");
    });

    testOfAddon("since nothing listens there, or since there is no such name", async () => {
        const { origin } = await startServer((_req, res) => res.end(keys));
        expect(await attempt({ jwksUri: `${origin}/jwks` })).toBe("granted");
        expect(await attempt({ jwksUri: "http://127.0.0.1:1/jwks" })).toMatch(
            /http:\/\/127\.0\.0\.1:1\/jwks: .*nothing listens at this host and port/
        );
        expect(await attempt({ jwksUri: "https://keys.invalid/jwks" })).toMatch(
            /the name "keys\.invalid" was not found .*spelt right/
        );
    });
});

describe("`network.headers`", () => {
    const SECRET = "Bearer s3cret-of-the-cluster";
    const headers = { Authorization: SECRET, "x-tenant": "a" };

    /** A server that answers to those alone who bring the field. */
    const guarded = (respond: Respond) =>
        startServer((req, res, origin) => {
            if (req.headers.authorization === SECRET) {
                respond(req, res, origin);
            } else {
                res.writeHead(401).end();
            }
        });

    test("are sent to the configured `jwksUri`, and the refusal without them says so", async () => {
        const { origin, asked } = await guarded((_req, res) => void res.end(keys));
        expect(await attempt({ jwksUri: origin })).toMatch(/^failed: .*401 Unauthorized.*`network.headers`/);
        expect(await attempt({ jwksUri: origin }, { headers })).toBe("granted");
        expect(asked.at(-1)?.headers).toMatchObject({ authorization: SECRET, "x-tenant": "a" });
    });

    test("are sent to the issuer's own origin, redirects within it included, and to no other that it names", async () => {
        const other = await startServer((_req, res) => void res.end(keys));
        const issuer = await guarded(({ url }, res, origin) => {
            if (url === "/jwks") {
                res.end(keys);
            } else if (url === "/moved") {
                res.end(JSON.stringify({ issuer: origin, jwks_uri: named(origin) }));
            } else {
                res.writeHead(302, { location: "/moved" }).end();
            }
        });
        let named = (origin: string): string => `${origin}/jwks`;
        expect(await attempt({ issuerUri: issuer.origin }, { headers })).toBe("granted");
        expect(issuer.asked.every(({ headers }) => headers.authorization === SECRET)).toBe(true);
        named = () => `${other.origin}/jwks`;
        expect(await attempt({ issuerUri: issuer.origin }, { headers })).toBe("granted");
        expect(other.asked).toHaveLength(1);
        expect(other.asked[0]?.headers).not.toHaveProperty("authorization");
        expect(other.asked[0]?.headers).not.toHaveProperty("x-tenant");
    });

    test("a redirect takes them nowhere else", async () => {
        const other = await startServer((_req, res) => void res.end(keys));
        const { origin } = await startServer((_req, res) =>
            res.writeHead(307, { location: `${other.origin}/jwks` }).end()
        );
        expect(await attempt({ jwksUri: origin }, { headers })).toMatch(/^failed: .*redirect.*`jwksUri`/);
        expect(other.asked).toHaveLength(0);
    });

    test("are in no message and in no health", async () => {
        const { origin } = await startServer((_req, res) => void res.writeHead(403).end());
        const validator = createValidator({
            issuerUri: ISSUER,
            expectedAudience: AUDIENCE,
            jwksUri: `${origin}/jwks?code=s3cret-of-the-query`,
            keysTimeoutMs: 300,
            network: { headers }
        });
        const error = await validator.ready({ timeoutMs: 300 }).catch(String);
        const refused = await validator.validateRequest({
            authorization: `Bearer ${f.token(nowInSeconds(), { iss: ISSUER })}`
        });
        const text = JSON.stringify([error, refused, validator.health()]);
        expect(text).toContain(`${origin}/jwks`);
        expect(text).not.toMatch(/s3cret/);
    });

    test("that make no sense are refused when the validator is made, without their value", () => {
        const refusal = (options: object): string => {
            try {
                createValidator({
                    issuerUri: ISSUER,
                    expectedAudience: AUDIENCE,
                    ...options
                } as ValidatorOptions);
                return "made";
            } catch (error) {
                return (error as Error).message;
            }
        };
        const jwksUri = [`${ISSUER}/jwks`, `${ISSUER}:8443/jwks`];
        const two = [ISSUER, "https://other.example.com"].map(issuerUri => ({
            issuerUri,
            expectedAudience: "a"
        }));
        for (const [options, message] of [
            [{ network: { headers: {} } }, /network\.headers: expected an object of header fields/],
            [{ network: { headers: SECRET } }, /network\.headers: expected an object of header fields/],
            [
                { network: { headers: { authorization: 1 } } },
                /network\.headers\.authorization: expected a string/
            ],
            [
                { network: { headers: { authorization: "" } } },
                /network\.headers\.authorization: expected a value/
            ],
            [{ network: { headers: { a: "s3cret\r\nb: c" } } }, /network\.headers\.a: expected a value/],
            [{ network: { headers: { "a b": "s3cret" } } }, /network\.headers: expected names/],
            [
                { network: { headers: { Host: "s3cret" } } },
                /network\.headers\.Host: is written by the request/
            ],
            [{ network: { headers: { a: "s3cret", A: "s3cret" } } }, /network\.headers\.\w: stands twice/],
            [{ network: { headers }, jwksUri }, /network\.headers: are for one server alone.*:8443/],
            [
                { issuerUri: undefined, expectedAudience: undefined, issuers: two, network: { headers } },
                /network\.headers: are for one server alone.*other\.example\.com/
            ],
            [
                { keys: { jwks: f.issuer.jwks }, network: { headers } },
                /network\.headers: .*which the options name; got none/
            ],
            [{ network: { privateAddresses: "no" } }, /network\.privateAddresses: expected `true` or `false`/]
        ] as [object, RegExp][]) {
            const text = refusal(options);
            expect(text).toMatch(message);
            expect(text).not.toContain("s3cret");
        }
        expect(refusal({ network: { headers, privateAddresses: false } })).toBe("made");
        expect(refusal({ jwksUri: [`${ISSUER}/jwks`, `${ISSUER}/standby`], network: { headers } })).toBe(
            "made"
        );
    });
});

test("a request that lacks keys says why, to developers and not to clients", async () => {
    const { origin } = await startServer((_req, res) => void res.writeHead(500).end());
    const validator = createValidator({
        issuerUri: ISSUER,
        expectedAudience: AUDIENCE,
        jwksUri: `${origin}/jwks`,
        keysTimeoutMs: 300
    });
    const authorization = `Bearer ${f.token(nowInSeconds(), { iss: ISSUER })}`;
    const refused = await validator.validateRequest({ authorization });
    const lastError = (validator.health().issuers[0] as IssuerHealth).lastError as string;
    expect(lastError).toContain(`${origin}/jwks: expected HTTP status 200, got 500`);
    expect(refused).toMatchObject({ isSuccess: false, code: "keys_unavailable", status: 503 });
    expect(refused.isSuccess || refused.debugErrorMessage).toContain(lastError);
    expect(JSON.stringify(refused.isSuccess || refused.headers)).not.toContain(origin);
});
