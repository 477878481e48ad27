// Behind a real HAProxy, Apache httpd and Caddy, each as docs/proxies.md says to set it up: what clients see, and what
// they may claim. nginx has a file of its own.

import { once } from "node:events";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { createValidator, type ValidatorOptions } from "oidc-spa-native";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newAuthority, type Authority } from "../support/certificates.js";
import { AUDIENCE, createFixtures, type Fixtures } from "../support/fixtures.js";
import {
    askProxy,
    askProxyOverHttp2,
    closeServers,
    withProofFor,
    type Sent
} from "../support/behind-proxy.js";
import type { LoopbackProgram } from "../support/loopback-program.js";
import { describeWith } from "../support/programs.js";
import { PROXIES } from "../support/proxies.js";

interface Way {
    readonly lines: readonly string[];
    readonly trustProxy: NonNullable<ValidatorOptions["trustProxy"]>;
    /** It passes on what clients write of `Forwarded`: what contradicts is refused. */
    readonly passesOn?: true;
}

/** Of its own names alone: the host that a proxy forwards is what the client asked for. */
const HAPROXY_ANSWERS = ["http-request deny unless { req.hdr(host) -m reg -i ^localhost:[0-9]+$ }"];
const HAPROXY_REPLACES = [
    ...HAPROXY_ANSWERS,
    "http-request set-header X-Forwarded-Proto https",
    "http-request set-header X-Forwarded-Host %[req.hdr(host)]",
    "http-request set-header X-Forwarded-For %[src]",
    "http-request del-header X-Forwarded-Port"
];
const APACHE_SETS = [
    "RequestHeader set X-Forwarded-Proto https",
    "RequestHeader unset X-Forwarded-Port",
    "<Location />",
    'Require expr "%{HTTP_HOST} =~ /^localhost:[0-9]+$/i"',
    "</Location>"
];
const CADDY_REMOVES = ["header_up -X-Forwarded-Port"];

const WAYS: Readonly<Record<keyof typeof PROXIES, Readonly<Record<string, Way>>>> = {
    haproxy: {
        "X-Forwarded-*, replaced": {
            lines: [...HAPROXY_REPLACES, "http-request del-header Forwarded"],
            trustProxy: true
        },
        "Host as it was, X-Forwarded-For appended": {
            lines: [
                ...HAPROXY_ANSWERS,
                "option forwardfor",
                "http-request set-header X-Forwarded-Proto https",
                "http-request del-header X-Forwarded-Host",
                "http-request del-header X-Forwarded-Port",
                "http-request del-header Forwarded"
            ],
            trustProxy: ["127.0.0.1"]
        },
        "Forwarded, replaced": {
            lines: [
                ...HAPROXY_ANSWERS,
                'http-request set-header Forwarded "for=%[src];host=\\"%[req.hdr(host)]\\";proto=https"',
                "http-request del-header X-Forwarded-Proto",
                "http-request del-header X-Forwarded-Host",
                "http-request del-header X-Forwarded-For",
                "http-request del-header X-Forwarded-Port"
            ],
            trustProxy: true
        },
        "with Forwarded passed on": { lines: HAPROXY_REPLACES, trustProxy: true, passesOn: true }
    },
    apache2: {
        "X-Forwarded-Host and -For, appended": {
            lines: [...APACHE_SETS, "RequestHeader unset Forwarded"],
            trustProxy: 1
        },
        "the same, by address": {
            lines: [...APACHE_SETS, "RequestHeader unset Forwarded"],
            trustProxy: ["::ffff:127.0.0.1"]
        },
        "X-Forwarded-Host, the client's removed before": {
            lines: [
                ...APACHE_SETS,
                "RequestHeader unset Forwarded",
                "RequestHeader unset X-Forwarded-Host",
                "RequestHeader unset X-Forwarded-For"
            ],
            trustProxy: true
        },
        "with Forwarded passed on": { lines: APACHE_SETS, trustProxy: 1, passesOn: true }
    },
    caddy: {
        "X-Forwarded-*, replaced": { lines: [...CADDY_REMOVES, "header_up -Forwarded"], trustProxy: true },
        "the same, by address": {
            lines: [...CADDY_REMOVES, "header_up -Forwarded"],
            trustProxy: ["127.0.0.0/8"]
        },
        "with Forwarded passed on": { lines: CADDY_REMOVES, trustProxy: 1, passesOn: true }
    }
};

const PATH = "/v1/items";

/** What clients may write to seem to be at another URL. */
const SPOOFED: Sent = {
    "x-forwarded-proto": "http",
    "x-forwarded-host": "evil.example",
    "x-forwarded-port": "8080",
    "x-forwarded-for": "127.0.0.1",
    forwarded: 'host="evil.example";proto=http'
};

describe.each(Object.entries(PROXIES))("%s", (program, start) => {
    const ways = WAYS[program as keyof typeof PROXIES];
    describeWith([program as keyof typeof PROXIES, "openssl"], "behind it", () => {
        let f: Fixtures;
        let authority: Authority;
        let proxy: LoopbackProgram;
        const inners: http.Server[] = [];

        beforeAll(async () => {
            f = await createFixtures();
            authority = newAuthority("tests");
            for (const { trustProxy } of Object.values(ways)) {
                const validator = createValidator({
                    issuerUri: f.issuer.issuerUri,
                    expectedAudience: AUDIENCE,
                    trustProxy
                });
                const inner = http.createServer(async (req, res) => {
                    const verdict = await validator.validateRequest(req);
                    res.end(verdict.isSuccess ? "granted" : verdict.code);
                });
                inners.push(inner.listen(0, "127.0.0.1"));
                await once(inner, "listening");
            }
            const servers = Object.values(ways).map(({ lines }, i) => ({
                lines,
                inner: (inners[i]!.address() as AddressInfo).port
            }));
            proxy = await start(authority.server(), servers);
        });

        afterAll(async () => {
            await proxy?.close();
            closeServers(inners);
            await f.issuer.close();
        });

        const ask = (port: number, path: string, headers: Sent) => askProxy(authority, port, path, headers);
        const dpop = (htu: string) => withProofFor(f, htu);

        describe.each(Object.keys(ways).map((name, i) => [name, i] as const))("%s", (name, i) => {
            const port = () => proxy.ports[i]!;
            const origin = () => `https://localhost:${port()}`;

            test("the URL is the one that the client asked for", async () => {
                expect(await ask(port(), `${PATH}?x=1`, dpop(origin() + PATH))).toBe("granted");
            });

            test("no other is", async () => {
                for (const htu of [
                    `https://localhost${PATH}`,
                    `http://localhost:${port()}${PATH}`,
                    `https://127.0.0.1:${port()}${PATH}`,
                    `${origin()}${PATH}/`,
                    `${origin()}/other`
                ]) {
                    expect(await ask(port(), PATH, dpop(htu)), htu).toBe("proof_uri_mismatch");
                }
            });

            test("a Host that is not the proxy's own is answered by the proxy, or refused", async () => {
                for (const host of ["evil.example", `evil.example:${port()}`]) {
                    const answer = await ask(port(), PATH, { ...dpop(`https://${host}${PATH}`), host });
                    expect(answer, host).not.toBe("granted");
                }
            });

            test("a target in absolute form names this server, however the proxy passes it on", async () => {
                expect(await ask(port(), origin() + PATH, dpop(origin() + PATH))).toBe("granted");
                for (const htu of [`https://evil.example${PATH}`, `http://evil.example${PATH}`]) {
                    expect(await ask(port(), htu, dpop(htu)), htu).not.toBe("granted");
                }
            });

            test("whatever a client writes of it", async () => {
                const own = await ask(port(), PATH, { ...dpop(origin() + PATH), ...SPOOFED });
                expect(own).toBe(ways[name]!.passesOn ? "proof_uri_mismatch" : "granted");
                for (const htu of [
                    `https://evil.example${PATH}`,
                    `http://evil.example${PATH}`,
                    `https://evil.example:8080${PATH}`,
                    `http://localhost:${port()}${PATH}`
                ]) {
                    expect(await ask(port(), PATH, { ...dpop(htu), ...SPOOFED }), htu).toBe(
                        "proof_uri_mismatch"
                    );
                }
            });

            test("over HTTP/2", async () => {
                const sent = [dpop(origin() + PATH), dpop(`${origin()}/other`)];
                expect(await askProxyOverHttp2(authority, origin(), PATH, sent)).toEqual([
                    "granted",
                    "proof_uri_mismatch"
                ]);
            });
        });
    });
});
