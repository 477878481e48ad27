// Behind a real nginx that ends TLS (requirements K36 to K42, N12, N13): what clients see, and what they may claim.

import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { createValidator, type RequestTarget, type ValidatorOptions } from "oidc-spa-native";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../support/programs.js";
import { newAuthority, type Authority, type Pair } from "../support/certificates.js";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import {
    askProxy,
    askProxyOverHttp2,
    closeServers,
    withProofFor,
    type Sent
} from "../support/behind-proxy.js";
import type { LoopbackProgram } from "../support/loopback-program.js";
import { startNginx } from "../support/nginx.js";

interface Way {
    /** How nginx passes requests on. `INNER` stands for the server behind it. */
    readonly directives: readonly string[];
    readonly options: Partial<ValidatorOptions>;
    /** The path that clients ask for, if the server behind sees another one. */
    readonly path?: string;
    /** It writes one kind of field and passes on what clients write of the other: what contradicts is refused. */
    readonly passesOn?: true;
    /** What the application passes beside the request. */
    readonly target?: (req: http.IncomingMessage) => RequestTarget;
}

const OVERWRITTEN = [
    "proxy_set_header X-Forwarded-Proto $scheme;",
    "proxy_set_header X-Forwarded-Host $http_host;",
    "proxy_set_header X-Forwarded-For $remote_addr;",
    'proxy_set_header X-Forwarded-Port "";',
    'proxy_set_header X-Forwarded-Prefix "";',
    'proxy_set_header Forwarded "";'
];
const APPENDED = [
    'proxy_set_header X-Forwarded-Proto "$http_x_forwarded_proto, $scheme";',
    'proxy_set_header X-Forwarded-Host "$http_x_forwarded_host, $http_host";',
    "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    'proxy_set_header X-Forwarded-Prefix "";',
    'proxy_set_header Forwarded "";'
];
const onward = (...fields: string[]) => ["location / {", "proxy_pass INNER;", ...fields, "}"];

const certificateOf = ({ headers }: http.IncomingMessage): Uint8Array | undefined => {
    const pem = decodeURIComponent(String(headers["x-escaped-cert"] ?? ""));
    return pem === "" ? undefined : new X509Certificate(pem).raw;
};

const OWN_NAME = "X-Forwarded-*, overwritten, for its own name alone";
const WAYS: Record<string, Way> = {
    "X-Forwarded-*, overwritten": { directives: onward(...OVERWRITTEN), options: { trustProxy: true } },
    "X-Forwarded-*, appended": { directives: onward(...APPENDED), options: { trustProxy: 1 } },
    "X-Forwarded-*, appended, by address": {
        directives: onward(...APPENDED),
        options: { trustProxy: ["127.0.0.1"] }
    },
    Forwarded: {
        directives: onward(
            'proxy_set_header Forwarded "for=$remote_addr;host=\\"$http_host\\";proto=$scheme";',
            'proxy_set_header X-Forwarded-Prefix "";'
        ),
        options: { trustProxy: true },
        passesOn: true
    },
    "X-Forwarded-*, with Forwarded and a prefix passed on": {
        directives: onward(...OVERWRITTEN.slice(0, 4)),
        options: { trustProxy: true },
        passesOn: true
    },
    "X-Forwarded-Port, told apart": {
        directives: onward(
            "proxy_set_header X-Forwarded-Proto $scheme;",
            "proxy_set_header X-Forwarded-Host $host;",
            "proxy_set_header X-Forwarded-Port $server_port;",
            'proxy_set_header X-Forwarded-Prefix "";',
            'proxy_set_header Forwarded "";'
        ),
        options: { trustProxy: true }
    },
    "X-Forwarded-Prefix": {
        directives: [
            "location /api/ {",
            "proxy_pass INNER/;",
            ...OVERWRITTEN.filter(line => !line.includes("Prefix")),
            "proxy_set_header X-Forwarded-Prefix /api;",
            "}"
        ],
        options: { trustProxy: true, trustProxyPrefix: true },
        path: "/api/v1/items"
    },
    [OWN_NAME]: {
        directives: ["if ($http_host !~* ^localhost:[0-9]+$) { return 421; }", ...onward(...OVERWRITTEN)],
        options: { trustProxy: true }
    },
    "publicBaseUrl, a prefix taken off": {
        directives: ["location /api/ {", "proxy_pass INNER/;", "}"],
        options: { publicBaseUrl: "https://localhost:PORT/api" },
        path: "/api/v1/items"
    },
    "publicBaseUrl, everything kept": {
        directives: onward(),
        options: { publicBaseUrl: "https://localhost:PORT" }
    },
    "nobody trusted": {
        directives: onward(...OVERWRITTEN, "proxy_set_header Host $http_host;"),
        options: {}
    },
    "a client's certificate, decoded by the application": {
        directives: [
            "ssl_verify_client optional_no_ca;",
            ...onward(...OVERWRITTEN, "proxy_set_header X-Escaped-Cert $ssl_client_escaped_cert;")
        ],
        options: { trustProxy: true },
        target: req => ({
            method: req.method ?? "",
            url: req.url ?? "",
            clientCertificate: certificateOf(req) as Uint8Array
        })
    }
};

const names = Object.keys(WAYS);
describeWith(["nginx", "openssl"], "behind nginx", () => {
    let f: Fixtures;
    let authority: Authority;
    let nginx: LoopbackProgram;
    const inners: http.Server[] = [];

    beforeAll(async () => {
        f = await createFixtures();
        authority = newAuthority("tests");
        for (let i = 0; i < names.length; i++) {
            inners.push(http.createServer().listen(0, "127.0.0.1"));
        }
        await Promise.all(inners.map(inner => once(inner, "listening")));
        const innerOf = (i: number) => `http://127.0.0.1:${(inners[i]!.address() as AddressInfo).port}`;
        const servers = Object.values(WAYS).map(({ directives }, i) => ({
            directives: directives.map(line => line.replace("INNER", innerOf(i)))
        }));
        nginx = await startNginx(authority.server(), servers);
        Object.values(WAYS).forEach(({ options, target }, i) => {
            const filled = JSON.parse(
                JSON.stringify(options).replace("PORT", String(nginx.ports[i]))
            ) as ValidatorOptions;
            const validator = createValidator({
                issuerUri: f.issuer.issuerUri,
                expectedAudience: AUDIENCE,
                ...filled
            } as ValidatorOptions);
            inners[i]?.on("request", async (req: http.IncomingMessage, res: http.ServerResponse) => {
                const verdict = await validator.validateRequest(req, target?.(req));
                res.end(verdict.isSuccess ? "granted" : verdict.code);
            });
        });
    });

    afterAll(async () => {
        await nginx?.close();
        closeServers(inners);
        await f.issuer.close();
    });

    const ask = (port: number, path: string, headers: Sent, pair?: Pair) =>
        askProxy(authority, port, path, headers, pair);
    const dpop = (htu: string) => withProofFor(f, htu);

    /** What clients may write to seem to be at another URL. */
    const SPOOFED: Sent = {
        "x-forwarded-proto": "https",
        "x-forwarded-host": "evil.example",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-prefix": "/evil",
        forwarded: 'host="evil.example";proto=https'
    };

    describe.each(
        names.filter(name => name !== "nobody trusted").map(name => [name, names.indexOf(name)] as const)
    )("%s", (name, i) => {
        const { path = "/v1/items" } = WAYS[name] as Way;
        const origin = () => `https://localhost:${nginx.ports[i]}`;
        const port = () => nginx.ports[i] as number;

        test("K41, K42: the URL is the one that the client asked for", async () => {
            expect(await ask(port(), `${path}?x=1`, dpop(origin() + path))).toBe("granted");
        });

        test("K11: no other is", async () => {
            for (const htu of [
                `https://localhost${path}`,
                `http://localhost:${port()}${path}`,
                `https://127.0.0.1:${port()}${path}`,
                `${origin()}${path}/`,
                `${origin()}/other${path}`,
                ...(path === "/v1/items" ? [`${origin()}/api/v1/items`] : [`${origin()}/v1/items`])
            ]) {
                expect(await ask(port(), path, dpop(htu)), htu).toBe("proof_uri_mismatch");
            }
        });

        test("K36, K39: whatever a client writes of it", async () => {
            const own = await ask(port(), path, { ...dpop(origin() + path), ...SPOOFED });
            expect(own).toBe((WAYS[name] as Way).passesOn ? "proof_uri_mismatch" : "granted");
            // A prefix alone contradicts nothing; it is not read where the application does not say so.
            const withPrefix = { ...dpop(origin() + path), "x-forwarded-prefix": "/evil" };
            expect(await ask(port(), path, withPrefix)).toBe("granted");
            for (const htu of [
                `https://evil.example${path}`,
                `${origin()}/evil${path}`,
                `https://evil.example/evil${path}`
            ]) {
                expect(await ask(port(), path, { ...dpop(htu), ...SPOOFED }), htu).toBe("proof_uri_mismatch");
            }
        });

        test("a target in absolute form is the same request", async () => {
            expect(await ask(port(), origin() + path, dpop(origin() + path))).toBe("granted");
            expect(await ask(port(), origin() + path, dpop(`${origin()}/other`))).toBe("proof_uri_mismatch");
        });

        test("over HTTP/2", async () => {
            const sent = [dpop(origin() + path), dpop(`${origin()}/other`)];
            expect(await askProxyOverHttp2(authority, origin(), path, sent)).toEqual([
                "granted",
                "proof_uri_mismatch"
            ]);
        });
    });

    test("K39: where nobody is trusted, the connection decides, which is another one", async () => {
        const i = names.indexOf("nobody trusted");
        const port = nginx.ports[i] as number;
        expect(await ask(port, "/v1/items", dpop(`https://localhost:${port}/v1/items`))).toBe(
            "proof_uri_mismatch"
        );
        expect(await ask(port, "/v1/items", dpop(`http://localhost:${port}/v1/items`))).toBe("granted");
    });

    test("a client chooses the host only where nginx answers for any", async () => {
        for (const [name, expected] of [
            ["X-Forwarded-*, overwritten", "granted"],
            [OWN_NAME, "421"]
        ] as const) {
            const port = nginx.ports[names.indexOf(name)] as number;
            const host = "evil.example";
            for (const target of ["/v1/items", `https://localhost:${port}/v1/items`]) {
                expect(
                    await ask(port, target, { ...dpop(`https://${host}/v1/items`), host }),
                    `${name} ${target}`
                ).toContain(expected);
            }
            const other = `https://${host}/v1/items`;
            const own = dpop(`https://localhost:${port}/v1/items`);
            expect(await ask(port, other, { ...own, host: `localhost:${port}` })).toBe("granted");
        }
    });

    test("N12, N13: a certificate that the client showed to nginx", async () => {
        const i = names.indexOf("a client's certificate, decoded by the application");
        const port = nginx.ports[i] as number;
        const [client, other] = [authority.client("client"), newAuthority("unknown").client("client")];
        const der = new X509Certificate(client.cert).raw;
        const cnf = { "x5t#S256": createHash("sha256").update(der).digest("base64url") };
        const bound = { authorization: `Bearer ${f.token(nowInSeconds(), { cnf })}` };
        const spoofed = {
            ...bound,
            "x-escaped-cert": encodeURIComponent(client.cert),
            "client-cert": `:${der.toString("base64")}:`
        };
        expect(await ask(port, "/v1/items", bound, client)).toBe("granted");
        expect(await ask(port, "/v1/items", bound, other)).toBe("certificate_mismatch");
        expect(await ask(port, "/v1/items", bound)).toBe("token_bound");
        expect(await ask(port, "/v1/items", spoofed)).toBe("token_bound");
        expect(await ask(port, "/v1/items", spoofed, other)).toBe("certificate_mismatch");
    });
});
