// Requirements I and K through each server that Node.js has: what a client puts on the wire, and the URL that comes of it.

import { once } from "node:events";
import * as http from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import { connect, type AddressInfo, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { createValidator, type Validator } from "oidc-spa-native";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../support/programs.js";
import { newAuthority, type Authority, type Pair } from "../support/certificates.js";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

type Fields = readonly (readonly [name: string, value: string])[];

/** A request as it goes over the wire. */
interface Wire {
    readonly method?: string;
    readonly target?: string;
    readonly fields: Fields;
}

interface Kind {
    readonly scheme: "http" | "https";
    readonly start: (listener: Listener) => Server;
    readonly send: (port: number, wire: Wire) => Promise<string>;
}

type Listener = (
    req: http.IncomingMessage | http2.Http2ServerRequest,
    res: (http.ServerResponse | http2.Http2ServerResponse) & { end(body: string): unknown }
) => void;

let f: Fixtures;
let validator: Validator;
let authority: Authority;
let pair: Pair;
const servers: Server[] = [];

describeWith(["openssl"], "what servers are asked for", () => {
    beforeAll(async () => {
        f = await createFixtures();
        validator = createValidator({ issuerUri: f.issuer.issuerUri, expectedAudience: AUDIENCE });
        authority = newAuthority("tests");
        pair = authority.server();
    });

    afterAll(async () => {
        for (const server of servers) {
            server.close();
        }
        await f.issuer.close();
    });

    /** The status of the answer and its body, or the status alone where the server itself refused. */
    async function sendHttp1(
        port: number,
        { method = "GET", target = "/v1/items", fields }: Wire,
        isTls: boolean
    ): Promise<string> {
        const socket = isTls
            ? connectTls({ port, host: "127.0.0.1", ca: authority.ca })
            : connect(port, "127.0.0.1");
        const lines = [
            `${method} ${target} HTTP/1.1`,
            ...fields.map(([name, value]) => `${name}: ${value}`),
            "connection: close",
            "",
            ""
        ];
        socket.write(Buffer.from(lines.join("\r\n"), "latin1"));
        const [head = "", body = ""] = (await text(socket)).split("\r\n\r\n");
        const status = /^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? "none";
        return status === "200" ? (/^x-verdict: (.*)$/im.exec(head)?.[1] ?? body) : status;
    }

    async function sendHttp2(
        port: number,
        { method = "GET", target = "/v1/items", fields }: Wire,
        isTls: boolean
    ): Promise<string> {
        const session = http2.connect(`${isTls ? "https" : "http"}://127.0.0.1:${port}`, {
            ca: authority.ca
        });
        try {
            const host = fields.find(([name]) => name === "host")?.[1];
            const named = fields.some(([name]) => name === ":authority");
            const pseudo = {
                ":method": method,
                ":path": target,
                ...(host !== undefined && !named && { ":authority": host })
            };
            const rest = Object.fromEntries(fields.filter(([name]) => name !== "host" || named));
            const stream = session.request({ ...pseudo, ...rest });
            const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
            stream.resume();
            return String(headers["x-verdict"] ?? headers[":status"]);
        } finally {
            session.destroy();
        }
    }

    const KINDS: Record<string, Kind> = {
        "node:http": {
            scheme: "http",
            start: listener => http.createServer(listener),
            send: (port, wire) => sendHttp1(port, wire, false)
        },
        "node:https": {
            scheme: "https",
            start: listener => https.createServer(pair, listener),
            send: (port, wire) => sendHttp1(port, wire, true)
        },
        "node:http2, h2c": {
            scheme: "http",
            start: listener => http2.createServer(listener),
            send: (port, wire) => sendHttp2(port, wire, false)
        },
        "node:http2, h2": {
            scheme: "https",
            start: listener => http2.createSecureServer(pair, listener),
            send: (port, wire) => sendHttp2(port, wire, true)
        },
        "node:http2, spoken to in HTTP/1.1": {
            scheme: "https",
            start: listener => http2.createSecureServer({ ...pair, allowHTTP1: true }, listener),
            send: (port, wire) => sendHttp1(port, wire, true)
        }
    };

    async function started({ start }: Kind): Promise<number> {
        const server = start(async (req, res) => {
            const verdict = await validator.validateRequest(req as http.IncomingMessage);
            // In a field, so that the answer to HEAD has it too.
            res.setHeader("x-verdict", verdict.isSuccess ? "granted" : `${verdict.code} ${verdict.status}`);
            res.end("");
        });
        servers.push(server);
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        return (server.address() as AddressInfo).port;
    }

    const HOST = "api.example.com";
    const IP = "proof_uri_mismatch 401";
    const OK = "granted";

    const bearer = (): Fields => [["authorization", `Bearer ${f.token(nowInSeconds())}`]];

    function dpop(htu: string, htm = "GET"): Fields {
        const token = f.boundToken(nowInSeconds());
        return [
            ["authorization", `DPoP ${token}`],
            ["dpop", f.proof(nowInSeconds(), token, { jti: crypto.randomUUID(), htu, htm })]
        ];
    }

    /** The request target, the `htu` below `scheme://api.example.com`, and the verdict. */
    const TARGETS: readonly (readonly [id: string, target: string, htu: string, verdict: string])[] = [
        ["K06", "/v1/items?x=1", "/v1/items", OK],
        ["K12", "/", "", OK],
        ["K13", "/v1/items", "/v1/items/", IP],
        ["K14", "/v1//items", "/v1/items", IP],
        ["K14", "/v1//items", "/v1//items", OK],
        ["K16", "/v1/%69tems", "/v1/items", OK],
        ["K17", "/a%2fb", "/a%2Fb", OK],
        ["K18", "/a%2Fb", "/a/b", IP],
        ["K20", "/v1/%2569tems", "/v1/items", IP],
        ["K21", "/v1/%GG", "/v1/%GG", IP],
        ["K23", "/v1/x/%2e%2e/items", "/v1/items", OK],
        ["K24", "/a/../v1/items", "/v1/items", OK],
        ["K24", "/a/../v1/items", "/a/v1/items", IP],
        ["K25", "/v1/items?x=1", "/v1/items?y=2", OK],
        ["K45", "//evil.example/x", "//evil.example/x", OK],
        ["K45", "//evil.example/x", "/x", IP]
    ];

    describe.each(Object.entries(KINDS))("%s", (name, kind) => {
        const origin = `${kind.scheme}://${HOST}`;
        let port: number;
        beforeAll(async () => {
            port = await started(kind);
        });
        const send = (fields: Fields, wire: Omit<Wire, "fields"> = {}, host = HOST) =>
            kind.send(port, { ...wire, fields: [["host", host], ...fields] });

        test.each(TARGETS)("%s: %s for %s is %s", async (_, target, htu, verdict) => {
            expect(await send(dpop(origin + htu), { target })).toBe(verdict);
        });

        test("K11: scheme and port are the connection's and the Host's", async () => {
            const other = kind.scheme === "http" ? "https" : "http";
            expect(await send(dpop(`${other}://${HOST}/v1/items`))).toBe(IP);
            expect(await send(dpop(`${origin}:8443/v1/items`))).toBe(IP);
            expect(await send(dpop(`${origin}:8443/v1/items`), {}, `${HOST}:8443`)).toBe(OK);
            expect(
                await send(
                    dpop(`${origin}/v1/items`),
                    {},
                    `API.example.com:${kind.scheme === "http" ? 80 : 443}`
                )
            ).toBe(OK);
        });

        test("K36: the Host that came is the one that a proof must name", async () => {
            expect(await send(dpop(`${origin}/v1/items`), {}, "other.example")).toBe(IP);
            expect(await send(dpop(`${kind.scheme}://other.example/v1/items`), {}, "other.example")).toBe(OK);
        });

        test("K38: a Host that is none", async () => {
            for (const host of [
                "a@api.example.com",
                "api.example.com/x",
                "api.example.com?",
                "a b",
                "[::1",
                "api.example.com:x"
            ]) {
                // Node.js or its parser refuse some of them by themselves.
                const verdict = await send(dpop(`${kind.scheme}://${host}/v1/items`), {}, host).catch(
                    () => "400"
                );
                expect([IP, "400"], host).toContain(verdict);
            }
        });

        test("K39: forwarded fields of a client are nobody's", async () => {
            const spoofed: Fields = [
                ["x-forwarded-host", "evil.example"],
                ["x-forwarded-proto", "ftp"],
                ["x-forwarded-prefix", "/evil"],
                ["forwarded", "host=evil.example"]
            ];
            expect(await send([...dpop(`${origin}/v1/items`), ...spoofed])).toBe(OK);
            expect(await send([...dpop(`${kind.scheme}://evil.example/v1/items`), ...spoofed])).toBe(IP);
            expect(await send([...dpop(`${origin}/evil/v1/items`), ...spoofed])).toBe(IP);
        });

        test("K01 to K04: the method is the wire's", async () => {
            const method = "proof_method_mismatch 401";
            expect(await send(dpop(`${origin}/v1/items`, "get"))).toBe(method);
            expect(await send(dpop(`${origin}/v1/items`, "POST"))).toBe(method);
            expect(await send(dpop(`${origin}/v1/items`), { method: "HEAD" })).toBe(method);
            expect(await send(dpop(`${origin}/v1/items`, "HEAD"), { method: "HEAD" })).toBe(OK);
            const override: Fields = [["x-http-method-override", "DELETE"]];
            expect(
                await send([...dpop(`${origin}/v1/items`, "DELETE"), ...override], { method: "DELETE" })
            ).toBe(OK);
            expect(await send([...dpop(`${origin}/v1/items`, "DELETE"), ...override])).toBe(method);
        });

        test("K46: OPTIONS * has no URL", async () => {
            expect(await send(dpop(`${origin}/`, "OPTIONS"), { method: "OPTIONS", target: "*" })).toBe(IP);
            expect(await send(dpop(`${origin}/`, "OPTIONS"), { method: "OPTIONS", target: "/" })).toBe(OK);
        });

        test("K47: what follows a # is no part of the path", async () => {
            const verdict = await send(dpop(`${origin}/v1/items`), { target: "/v1/secrets#/../items" });
            expect([IP, "400"]).toContain(verdict);
        });

        test("I02, I15, I17, I26: credentials come in Authorization alone", async () => {
            const missing = "credentials_missing 401";
            const token = f.token(nowInSeconds());
            expect(await send(bearer())).toBe(OK);
            expect(await send([])).toBe(missing);
            expect(await send([], { target: `/v1/items?access_token=${token}` })).toBe(missing);
            expect(await send(bearer(), { target: "/v1/items?access_token=x" })).toBe(OK);
            expect(await send([["authorization", "Basic dTpw"]])).toBe("scheme_unsupported 401");
            const proxy = dpop(`${origin}/v1/items`).map(
                ([name, value]) => [name.replace("auth", "proxy-auth"), value] as const
            );
            expect(await send(proxy)).toBe(missing);
            const preflight: Fields = [
                ["origin", "https://app.example"],
                ["access-control-request-method", "GET"]
            ];
            expect(await send(preflight, { method: "OPTIONS" })).toBe(missing);
        });

        test("I05 to I09: the grammar of Authorization", async () => {
            const malformed = "credentials_malformed 400";
            const token = f.token(nowInSeconds());
            for (const [value, verdict] of [
                [`Bearer   ${token}`, OK],
                [`bEARER ${token}`, OK],
                ["Bearer", malformed],
                [`Bearer\t${token}`, malformed],
                [`Bearer ${token}, DPoP x`, malformed],
                [`Bearer ${token};x`, malformed],
                [`Bearer "${token}"`, malformed]
            ] as const) {
                expect(await send([["authorization", value]]), value.slice(0, 12)).toBe(verdict);
            }
        });

        if (!name.includes(", h2")) {
            test("K37: no Host, or two", async () => {
                const proof = () => dpop(`${origin}/v1/items`);
                // Where HTTP/2 is spoken too, Node.js asks for no Host.
                expect(await kind.send(port, { fields: proof() })).toBe(name.includes("http2") ? IP : "400");
                const twice: Fields = [["host", HOST], ["host", "other.example"], ...proof()];
                expect([IP, "400"]).toContain(await kind.send(port, { fields: twice }));
                expect(await kind.send(port, { fields: [["host", HOST], ...proof()] })).toBe(OK);
            });

            test("K46: an absolute-form target names the origin of this server (RFC 9112 section 3.2.2)", async () => {
                const own = `${origin}/v1/items`;
                expect(await send(dpop(own), { target: own })).toBe(OK);
                expect(await send(dpop(`${origin}/other`), { target: own })).toBe(IP);
                for (const other of ["absolute.example", `user@${HOST}`, `${HOST}.absolute.example`]) {
                    const target = `${kind.scheme}://${other}/v1/items`;
                    expect([IP, "400"], target).toContain(await send(dpop(target), { target }));
                    expect([IP, "400"], target).toContain(await send(dpop(own), { target }));
                }
            });

            test("I10, J02: fields that may come once", async () => {
                expect(await send([...bearer(), ...bearer()])).toBe("credentials_repeated 400");
                const [authorization, proof] = dpop(`${origin}/v1/items`);
                const [, other] = dpop(`${origin}/v1/items`);
                expect(await send([authorization, proof, other] as Fields)).toBe("proof_repeated 401");
            });

            test("I18, I20: bytes that are no token, and too many of them", async () => {
                expect(await send([["authorization", "Bearer a\xe9b"]])).toBe("credentials_malformed 400");
                expect(await send([["authorization", `Bearer ${"a".repeat(17_000)}`]])).toBe("431");
            });
        } else {
            test("I23: :authority with and without host (RFC 9113 section 8.3.1)", async () => {
                const proof = () => dpop(`${origin}/v1/items`);
                const with_ = (...fields: Fields) => kind.send(port, { fields: [...proof(), ...fields] });
                expect(await with_([":authority", HOST])).toBe(OK);
                expect(await with_([":authority", HOST], ["host", HOST])).toBe(OK);
                // The pseudo-header goes first: a Host beside it moves nothing.
                expect(await with_([":authority", HOST], ["host", "evil.example"])).toBe(OK);
                expect(await with_([":authority", "evil.example"], ["host", HOST])).toBe(IP);
                const session = http2.connect(`${kind.scheme}://127.0.0.1:${port}`, { ca: authority.ca });
                const stream = session.request({
                    ":path": "/v1/items",
                    host: HOST,
                    ...Object.fromEntries(proof())
                });
                const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
                expect(headers["x-verdict"]).toBe(OK);
                session.destroy();
            });

            test("K11: a :scheme that a client makes up is none of the connection's", async () => {
                const other = kind.scheme === "http" ? "https" : "http";
                const fields: Fields = [
                    [":authority", HOST],
                    [":scheme", other]
                ];
                const verdict = await kind.send(port, {
                    fields: [...dpop(`${other}://${HOST}/v1/items`), ...fields]
                });
                expect(verdict).toBe(IP);
                expect(await kind.send(port, { fields: [...dpop(`${origin}/v1/items`), ...fields] })).toBe(
                    OK
                );
            });
        }
    });
});
