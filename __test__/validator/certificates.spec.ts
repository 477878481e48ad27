// Tokens that are bound to a TLS client certificate (RFC 8705, RFC 9440; requirements N11 to N15), over real TLS.

import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import * as http from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import type { AddressInfo, Server } from "node:net";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { createValidator, type ValidatorOptions, type Verdict } from "oidc-spa-native";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa-native/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../support/programs.js";
import { newAuthority, type Authority, type Pair } from "../support/certificates.js";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let f: Fixtures;
let authority: Authority;
let serverPair: Pair;
let client: Pair;
let other: Pair;
const servers: Server[] = [];

describeWith(["openssl"], "certificates of clients", () => {
    beforeAll(async () => {
        f = await createFixtures();
        authority = newAuthority("tests");
        serverPair = authority.server();
        client = authority.client("client");
        // By an authority that nobody knows: RFC 8705 section 2.2 has self-signed ones too.
        other = newAuthority("unknown").client("client");
    });

    afterAll(async () => {
        for (const server of servers) {
            server.close();
        }
        await f.issuer.close();
    });

    const derOf = ({ cert }: Pair): Buffer => new X509Certificate(cert).raw;
    const thumbprintOf = (pair: Pair): string => createHash("sha256").update(derOf(pair)).digest("base64url");
    const boundTo = (pair: Pair, changes = {}): string =>
        f.token(nowInSeconds(), { cnf: { "x5t#S256": thumbprintOf(pair) }, ...changes });
    const fieldOf = (pair: Pair): string => `:${derOf(pair).toString("base64")}:`;

    const newValidator = (options: Partial<ValidatorOptions> = {}) =>
        createValidator({
            issuerUri: f.issuer.issuerUri,
            expectedAudience: AUDIENCE,
            ...options
        } as ValidatorOptions);

    const outcome = (verdict: Verdict): string => (verdict.isSuccess ? "granted" : verdict.code);

    async function portOf(server: Server): Promise<number> {
        servers.push(server);
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        return (server.address() as AddressInfo).port;
    }

    const mutualTls = (): https.ServerOptions => ({
        ...serverPair,
        requestCert: true,
        rejectUnauthorized: false
    });

    type Judge = (req: http.IncomingMessage | http2.Http2ServerRequest) => Promise<string>;

    /** A request to a server of the tests with a client's certificate, or with none. */
    type Ask = (
        port: number,
        headers: Record<string, string>,
        pair?: Pair,
        agent?: https.Agent
    ) => Promise<string>;

    const ask: Ask = async (port, headers, pair, agent) => {
        const tls = { ca: authority.ca, ...pair, agent: agent ?? false };
        const request = https.get({ port, host: "127.0.0.1", path: "/v1/items", headers, ...tls });
        const [response] = (await once(request, "response")) as [http.IncomingMessage];
        return text(response);
    };

    const askOverHttp2: Ask = async (port, headers, pair) => {
        const session = http2.connect(`https://127.0.0.1:${port}`, { ca: authority.ca, ...pair });
        try {
            const answers = [1, 2].map(async () =>
                text(session.request({ ":path": "/v1/items", ...headers }))
            );
            const [first = "", second] = await Promise.all(answers);
            expect(second).toBe(first);
            return first;
        } finally {
            session.destroy();
        }
    };

    const KINDS: Record<string, [(judge: Judge) => Server, Ask]> = {
        "node:https": [
            judge => https.createServer(mutualTls(), async (req, res) => void res.end(await judge(req))),
            ask
        ],
        "node:http2": [
            judge =>
                http2.createSecureServer(mutualTls(), async (req, res) => void res.end(await judge(req))),
            askOverHttp2
        ],
        "node:http2, spoken to in HTTP/1.1": [
            judge =>
                http2.createSecureServer(
                    { ...mutualTls(), allowHTTP1: true },
                    async (req, res) => void res.end(await judge(req))
                ),
            ask
        ]
    };

    describe.each(Object.entries(KINDS))("%s", (_, [start, send]) => {
        test("N11, N12: a bound token passes with its certificate alone, whoever signed that", async () => {
            const validator = newValidator();
            const port = await portOf(start(async req => outcome(await validator.validateRequest(req))));
            for (const [token, pair, expected] of [
                [boundTo(client), client, "granted"],
                [boundTo(client), other, "certificate_mismatch"],
                [boundTo(client), undefined, "token_bound"],
                [boundTo(other), other, "granted"],
                [boundTo(other), client, "certificate_mismatch"],
                [f.token(nowInSeconds()), other, "granted"],
                [f.token(nowInSeconds()), undefined, "granted"]
            ] as const) {
                expect(await send(port, { authorization: `Bearer ${token}` }, pair)).toBe(expected);
            }
        });

        test("N13: a certificate in a header field is a client's word", async () => {
            const headers = {
                authorization: `Bearer ${boundTo(client)}`,
                "client-cert": fieldOf(client),
                "x-client-cert": fieldOf(client)
            };
            for (const [options, expected] of [
                [{}, "token_bound"],
                [{ trustProxy: true }, "token_bound"],
                [{ trustProxy: true, clientCertificate: "socket" }, "token_bound"],
                [{ trustProxy: true, clientCertificate: false }, "token_bound"],
                [{ trustProxy: ["10.0.0.0/8"], clientCertificate: "header" }, "token_bound"],
                [{ trustProxy: true, clientCertificate: "header" }, "granted"],
                [{ trustProxy: ["127.0.0.1"], clientCertificate: "header" }, "granted"]
            ] satisfies [Partial<ValidatorOptions>, string][]) {
                const validator = newValidator(options);
                const port = await portOf(start(async req => outcome(await validator.validateRequest(req))));
                expect(await send(port, headers), JSON.stringify(options)).toBe(expected);
            }
        });

        test("where it comes from a proxy, or from nowhere, the connection's certificate does not count", async () => {
            for (const options of [
                { trustProxy: true, clientCertificate: "header" },
                { clientCertificate: false }
            ] as const) {
                const validator = newValidator(options);
                const port = await portOf(start(async req => outcome(await validator.validateRequest(req))));
                expect(await send(port, { authorization: `Bearer ${boundTo(client)}` }, client)).toBe(
                    "token_bound"
                );
            }
        });

        test("N11: a token that was granted with its certificate is refused without it, however often it comes", async () => {
            const validator = newValidator();
            const port = await portOf(start(async req => outcome(await validator.validateRequest(req))));
            const headers = { authorization: `Bearer ${boundTo(client)}` };
            for (const [pair, expected] of [
                [client, "granted"],
                [client, "granted"],
                [undefined, "token_bound"],
                [other, "certificate_mismatch"],
                [client, "granted"],
                [undefined, "token_bound"]
            ] as const) {
                expect(await send(port, headers, pair)).toBe(expected);
            }
        });

        test("N14: a token with both bindings needs both", async () => {
            const validator = newValidator();
            let htu = "";
            const port = await portOf(start(async req => outcome(await validator.validateRequest(req))));
            htu = `https://127.0.0.1:${port}/v1/items`;
            const token = boundTo(client, { cnf: { jkt: f.jkt, "x5t#S256": thumbprintOf(client) } });
            const dpop = () => ({
                authorization: `DPoP ${token}`,
                dpop: f.proof(nowInSeconds(), token, { jti: crypto.randomUUID(), htu })
            });
            // HTTP/2 asks twice on one connection: each proof is good once.
            if (send === ask) {
                expect(await send(port, dpop(), client)).toBe("granted");
            }
            expect(await send(port, dpop())).toBe("token_bound");
            expect(await send(port, dpop(), other)).toBe("certificate_mismatch");
            expect(await send(port, { authorization: `Bearer ${token}` }, client)).toBe("token_bound");
        });
    });

    test("N12: every request of a connection, and of a resumed session, has the connection's certificate", async () => {
        const validator = newValidator();
        const isReused: boolean[] = [];
        const server = https.createServer(mutualTls(), async (req, res) => {
            isReused.push((req.socket as TLSSocket).isSessionReused());
            res.end(outcome(await validator.validateRequest(req)));
        });
        const port = await portOf(server);
        const headers = { authorization: `Bearer ${boundTo(client)}` };
        const keepAlive = new https.Agent({ keepAlive: true, maxSockets: 1 });
        expect(await ask(port, headers, client, keepAlive)).toBe("granted");
        expect(await ask(port, headers, client, keepAlive)).toBe("granted");
        keepAlive.destroy();
        const resuming = new https.Agent({ keepAlive: false, maxCachedSessions: 10 });
        expect(await ask(port, headers, client, resuming)).toBe("granted");
        expect(await ask(port, headers, client, resuming)).toBe("granted");
        expect(isReused.at(-1)).toBe(true);
    });

    test("N13: behind a proxy that ends TLS and writes Client-Cert, and takes away what clients send of it", async () => {
        const validator = newValidator({ trustProxy: 1, clientCertificate: "header" });
        const inner = await portOf(
            http.createServer(async (req, res) => void res.end(outcome(await validator.validateRequest(req))))
        );
        const proxy = https.createServer(mutualTls(), (req, res) => {
            const { "client-cert": _, ...headers } = req.headers;
            const raw = (req.socket as TLSSocket).getPeerX509Certificate()?.raw;
            const forwarded = {
                ...headers,
                ...(raw !== undefined && { "client-cert": `:${raw.toString("base64")}:` })
            };
            const onward = http.get({ port: inner, host: "127.0.0.1", path: req.url, headers: forwarded });
            onward.on("response", response => response.pipe(res));
        });
        const port = await portOf(proxy);
        const headers = { authorization: `Bearer ${boundTo(client)}` };
        expect(await ask(port, headers, client)).toBe("granted");
        expect(await ask(port, headers, other)).toBe("certificate_mismatch");
        expect(await ask(port, headers)).toBe("token_bound");
        const spoofed = { ...headers, "client-cert": fieldOf(client) };
        expect(await ask(port, spoofed)).toBe("token_bound");
        expect(await ask(port, spoofed, other)).toBe("certificate_mismatch");
    });

    test("N12: on Fetch-style servers the application passes the certificate", async () => {
        const validator = newValidator();
        const url = "https://api.example.com/v1/items";
        const request = new Request(url, { headers: { authorization: `Bearer ${boundTo(client)}` } });
        const judge = async (
            clientCertificate?: Uint8Array,
            headers: Request | Headers | string[] = request
        ) => outcome(await validator.validateRequest(headers, { method: "GET", url, clientCertificate }));
        expect(await judge()).toBe("token_bound");
        expect(await judge(derOf(other))).toBe("certificate_mismatch");
        // Nothing is no certificate, and a buffer whose memory was taken away holds nothing.
        const moved = new Uint8Array(derOf(client));
        structuredClone(moved, { transfer: [moved.buffer] });
        expect([await judge(new Uint8Array()), await judge(moved)]).toEqual(["token_bound", "token_bound"]);
        expect(await judge(derOf(client))).toBe("granted");
        expect(await judge(new Uint8Array(derOf(client)), request.headers)).toBe("granted");
        expect(await judge(derOf(client), [...request.headers].flat())).toBe("granted");
        // The certificate as text, or its object, is the program's error.
        for (const wrong of [client.cert, new X509Certificate(client.cert), derOf(client).buffer, 1]) {
            await expect(judge(wrong as never)).rejects.toThrow(TypeError);
        }
        const pem = judge(client.cert as never);
        await expect(pem).rejects.toThrow(
            "the target's clientCertificate is a string where a Uint8Array is expected"
        );
    });

    test("N11: the drop-in knows no certificates: it refuses what is bound to one", async () => {
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        await bootstrapAuth({
            implementation: "real",
            issuerUri: f.issuer.issuerUri,
            expectedAudience: AUDIENCE
        });
        const server = https.createServer(mutualTls(), async (req, res) => {
            const context = extractRequestAuthContext({ request: req, trustProxy: true });
            const result = context?.isWellFormed
                ? await validateAndDecodeAccessToken(context.accessTokenAndMetadata)
                : undefined;
            res.end(result?.isSuccess ? "granted" : result?.code);
        });
        const port = await portOf(server);
        const headers = { authorization: `Bearer ${boundTo(client)}`, "client-cert": fieldOf(client) };
        expect(await ask(port, headers, client)).toBe("token_bound");
        expect(await ask(port, { authorization: `Bearer ${f.token(nowInSeconds())}` }, client)).toBe(
            "granted"
        );
    });
});
