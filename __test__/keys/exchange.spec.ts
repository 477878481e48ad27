// One request of an engine over `fetch`, to servers that answer badly.

import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type * as exchanges from "../../ts/boundary/exchange.js";

const { exchange } = createRequire(import.meta.url)("../../dist/boundary/exchange.js") as typeof exchanges;

let server: Server;
let answer: RequestListener;
let origin: string;

beforeAll(async () => {
    server = createServer((request, response) => answer(request, response)).listen(0, "127.0.0.1");
    await once(server, "listening");
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
    server.closeAllConnections();
    server.close();
});

const ask = (over: Partial<exchanges.WantedRequest> = {}) =>
    exchange({
        url: `${origin}/keys`,
        headers: [],
        timeoutMs: 10_000,
        bodyLimit: 1000,
        fetch: null,
        ...over
    });

const textOf = (given: exchanges.Answered | exchanges.Unanswered): string =>
    "body" in given ? new TextDecoder().decode(given.body) : `kind ${given.kind}: ${given.message}`;

test("an answer comes with its status, its fields and its body", async () => {
    answer = (request, response) => {
        response.setHeader("ETag", '"1"').setHeader("X-Seen", String(request.headers["x-sent"]));
        response.end(`${request.method} ${request.url}`);
    };
    const given = await ask({ headers: [["X-Sent", "a"]] });
    expect(given).toMatchObject({ status: 200 });
    expect("headers" in given && Object.fromEntries(given.headers)).toMatchObject({
        etag: '"1"',
        "x-seen": "a"
    });
    expect(textOf(given)).toBe("GET /keys");
});

test("a redirect is an answer, and is not followed", async () => {
    let asked = 0;
    answer = (_, response) => {
        asked += 1;
        response.writeHead(302, { Location: "/elsewhere" }).end("moved");
    };
    const given = await ask();
    expect(given).toMatchObject({ status: 302 });
    expect("headers" in given && Object.fromEntries(given.headers)).toMatchObject({ location: "/elsewhere" });
    expect(textOf(given)).toBe("");
    expect(asked).toBe(1);
});

describe("the body", () => {
    test.each([
        ["of the limit is read", 1000, "a".repeat(1000)],
        ["of a byte more is not", 1001, "kind 2: "]
    ])("%s", async (_, length, expected) => {
        answer = (_, response) => response.end("a".repeat(length));
        expect(textOf(await ask())).toBe(expected);
    });

    test("counts after decompression, and is cut while it comes", async () => {
        const bomb = gzipSync(Buffer.alloc(50_000_000));
        expect(bomb.length).toBeLessThan(100_000);
        answer = (_, response) => response.setHeader("Content-Encoding", "gzip").end(bomb);
        expect(textOf(await ask())).toBe("kind 2: ");
    });

    test("without an end is cut", async () => {
        const ended = new Promise<void>(resolve => {
            answer = (_, response) => {
                const more = (): void => {
                    while (!response.destroyed && response.write("a".repeat(10_000))) {}
                };
                response.on("drain", more).on("close", resolve);
                more();
            };
        });
        expect(textOf(await ask())).toBe("kind 2: ");
        // The connection does not stay.
        await ended;
    });

    test("that is not coded as it says has no answer", async () => {
        answer = (_, response) => response.setHeader("Content-Encoding", "gzip").end("no gzip");
        expect(textOf(await ask())).toMatch(/^kind 3: /);
    });

    test("of another status is not read", async () => {
        const ended = new Promise<void>(resolve => {
            answer = (_, response) => {
                response.writeHead(500).write("a".repeat(10_000));
                response.on("close", resolve);
            };
        });
        const given = await ask();
        expect(given).toMatchObject({ status: 500 });
        expect(textOf(given)).toBe("");
        await ended;
    });
});

describe("there is no answer", () => {
    test("when no header comes in time", async () => {
        answer = () => undefined;
        expect(await ask({ timeoutMs: 50 })).toMatchObject({ kind: 1 });
    });

    test("when the body does not end in time", async () => {
        answer = (_, response) => response.write("{");
        expect(await ask({ timeoutMs: 200 })).toMatchObject({ kind: 1 });
    });

    test("when the connection ends early", async () => {
        answer = (_, response) => {
            response.writeHead(200, { "Content-Length": "100" });
            response.write("{", () => response.destroy());
        };
        expect(textOf(await ask())).toMatch(/^kind 0: ./);
    });

    test("where nobody listens, and the message says so", async () => {
        const other = createServer().listen(0, "127.0.0.1");
        await once(other, "listening");
        const { port } = other.address() as AddressInfo;
        await new Promise(resolve => other.close(resolve));
        expect(textOf(await ask({ url: `http://127.0.0.1:${port}/` }))).toMatch(/^kind 0: .*ECONNREFUSED/);
    });

    test.each(["no URL", "http://user:secret@127.0.0.1/", "ftp://127.0.0.1/"])("for %s", async url => {
        const given = textOf(await ask({ url }));
        expect(given).toMatch(/^kind 0: ./);
        expect(given).not.toContain("secret");
    });

    test("over TLS where certificates are not verified", async () => {
        vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
        answer = (_, response) => response.end("plain");
        expect(textOf(await ask({ url: origin.replace("http", "https") }))).toContain("NODE_EXTRA_CA_CERTS");
        expect(textOf(await ask())).toBe("plain");
        vi.unstubAllEnvs();
    });

    test("for a field that no request may have", async () => {
        expect(await ask({ headers: [["X\r\nY", "a"]] })).toMatchObject({ kind: 0 });
    });
});
