// How issuers are reached: TLS of one's own, proxies, IPv6, and bodies without an end.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createValidator, type NetworkOptions, type Validator } from "oidc-spa-native";
import { beforeAll, describe, expect, test } from "vitest";
import { version } from "../../package.json";
import { newAuthority, type Authority, type Pair } from "../support/certificates.js";
import { describeWith } from "../support/programs.js";
import { AUDIENCE, nowInSeconds } from "../support/fixtures.js";
import { outcome as outcomeOf, startProxy as proxyTo } from "../support/reaching.js";
import { script } from "../support/script.js";
import { f, issuerWith, open, provideIssuers } from "../support/many-issuers.js";

provideIssuers();

const validatorOf = (issuerUri: string, network?: NetworkOptions): Validator =>
    createValidator({ issuerUri, expectedAudience: AUDIENCE, ...(network && { network }) });

const outcome = (validator: Validator, { issuerUri }: { issuerUri: string }): Promise<string> =>
    outcomeOf(f, validator, issuerUri);

/** The same in a process with an environment of its own, as a request sees it. */
async function outcomeInChild(
    { issuerUri }: { issuerUri: string },
    env: Record<string, string>
): Promise<string> {
    const { stdout } = await script(
        `import { createValidator } from "oidc-spa-native";
         const { ISSUER, AUDIENCE, TOKEN } = process.env;
         const validator = createValidator({ issuerUri: ISSUER, expectedAudience: AUDIENCE, keysTimeoutMs: 2500 });
         const verdict = await validator.validateRequest({ authorization: "Bearer " + TOKEN });
         console.log(verdict.isSuccess ? "granted" : "failed: " + validator.health().issuers[0].lastError);`,
        "module",
        { ISSUER: issuerUri, AUDIENCE, TOKEN: f.token(nowInSeconds(), { iss: issuerUri }), ...env }
    );
    return stdout;
}

test("every request says who asks", async () => {
    const issuer = await issuerWith({});
    await validatorOf(issuer.issuerUri).ready();
    expect(issuer.headers).toHaveLength(2);
    for (const headers of issuer.headers) {
        expect(headers["user-agent"]).toBe(`oidc-spa-native/${version}`);
        expect(headers.accept).toContain("application/json");
    }
});

const hasIpv6 = Object.values(networkInterfaces()).some(list =>
    list?.some(({ address }) => address === "::1")
);

test.skipIf(!hasIpv6)("an issuer on [::1] (skipped on a machine without IPv6)", async () => {
    const issuer = await issuerWith({ host: "::1" });
    expect(issuer.issuerUri).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect(await outcome(validatorOf(issuer.issuerUri), issuer)).toBe("granted");
});

describe("http", () => {
    const outside = Object.values(networkInterfaces())
        .flatMap(list => list ?? [])
        .find(
            ({ internal, address, scopeid }) => !internal && !scopeid && !address.startsWith("fe80:")
        )?.address;

    test("of another host is refused unless it is allowed in writing", () => {
        for (const changes of [
            { issuerUri: "http://auth.internal" },
            { issuerUri: "http://10.0.0.5:8080/realms/a" },
            { issuerUri: "https://auth.internal", jwksUri: "http://auth.internal/jwks" },
            {
                issuerUri: "https://auth.internal",
                jwksUri: ["https://auth.internal/jwks", "http://auth.internal/jwks"]
            }
        ]) {
            const make = (network?: NetworkOptions) =>
                createValidator({ expectedAudience: AUDIENCE, ...changes, ...(network && { network }) });
            expect(() => make()).toThrow(/https.*network\.allowHttp/s);
            expect(() => make({ allowHttp: false })).toThrow(TypeError);
            expect(() => make({ allowHttp: true })).not.toThrow();
        }
    });

    test.skipIf(outside === undefined)(
        "with `allowHttp`, keys come from it (skipped on a machine without a network)",
        async () => {
            const issuer = await issuerWith({ host: outside as string });
            expect(() => validatorOf(issuer.issuerUri)).toThrow(/allowHttp/);
            expect(await outcome(validatorOf(issuer.issuerUri, { allowHttp: true }), issuer)).toBe("granted");
        }
    );

    test("H05: metadata cannot lead to it either", async () => {
        const issuer = await issuerWith({});
        issuer.metadata = { issuer: issuer.issuerUri, jwks_uri: "http://auth.internal/jwks" };
        const refused = await outcome(validatorOf(issuer.issuerUri), issuer);
        expect(refused).toMatch(/^failed: .*jwks_uri.*https/);
    });
});

describe("bodies that do not fit", () => {
    test("an endless one is cut off, long before it fills the memory", async () => {
        const issuer = await issuerWith({});
        let sent = 0;
        issuer.answerJwks = res => {
            const chunk = Buffer.alloc(64 * 1024, " ");
            const more = (): void => {
                while (!res.destroyed && sent < 256 << 20) {
                    sent += chunk.length;
                    if (!res.write(chunk)) {
                        res.once("drain", more);
                        return;
                    }
                }
            };
            more();
        };
        expect(await outcome(validatorOf(issuer.issuerUri), issuer)).toMatch(/^failed: .*524288/);
        // The limit, and what the sockets of both sides hold.
        expect(sent).toBeLessThan(32 << 20);
    });

    test("a gzip bomb does not go off", async () => {
        const issuer = await issuerWith({});
        const bomb = gzipSync(Buffer.alloc(64 << 20, " "));
        issuer.answerJwks = res => {
            res.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(bomb);
        };
        const before = process.memoryUsage().rss;
        expect(await outcome(validatorOf(issuer.issuerUri), issuer)).toMatch(/^failed: ./);
        expect(process.memoryUsage().rss - before).toBeLessThan(48 << 20);
    });

    test("one that says to be long is not awaited", async () => {
        const issuer = await issuerWith({});
        issuer.answerJwks = res => {
            res.writeHead(200, { "content-length": String(2 ** 40) });
            res.write(Buffer.alloc(600_000, " "));
        };
        expect(await outcome(validatorOf(issuer.issuerUri), issuer)).toMatch(/^failed: .*524288/);
    });

    test("H15: a slow one is given up after `timeoutMs`", async () => {
        const issuer = await issuerWith({});
        issuer.answerJwks = res => {
            const timer = setInterval(() => res.write(" "), 50);
            res.on("close", () => clearInterval(timer));
        };
        const validator = validatorOf(issuer.issuerUri, { timeoutMs: 400 });
        await expect(validator.ready({ timeoutMs: 600 })).rejects.toThrow();
        await expect.poll(() => validator.health().issuers[0]?.lastError).toMatch(/0\.4|400/);
    });
});

describeWith(["openssl"], "TLS", () => {
    const NAME = "auth.example.test";
    let authority: Authority;
    let pair: Pair;
    let client: Pair;

    beforeAll(() => {
        authority = newAuthority("Authority of the tests");
        pair = authority.server(NAME);
        client = authority.client("api");
    });

    test("H17: an authority of one's own is trusted where it is given, and only there", async () => {
        const issuer = await issuerWith({ tls: pair });
        const untrusted = await outcome(validatorOf(issuer.issuerUri, { proxy: false }), issuer);
        expect(untrusted).toMatch(/^failed: .*certificate/i);
        const other = newAuthority("Another authority").ca;
        expect(await outcome(validatorOf(issuer.issuerUri, { proxy: false, ca: other }), issuer)).toMatch(
            /certificate/i
        );
        expect(await outcome(validatorOf(issuer.issuerUri, { proxy: false, ca: authority.ca }), issuer)).toBe(
            "granted"
        );
        expect(
            await outcome(
                validatorOf(issuer.issuerUri, { proxy: false, ca: `${other}\n${authority.ca}` }),
                issuer
            )
        ).toBe("granted");
    });

    test("mutual TLS", async () => {
        const tls = { ...pair, ca: authority.ca, requestCert: true, rejectUnauthorized: true };
        const issuer = await issuerWith({ tls });
        const network = { proxy: false, ca: authority.ca } as const;
        expect(await outcome(validatorOf(issuer.issuerUri, network), issuer)).toMatch(/^failed: ./);
        const stranger = newAuthority("Another authority").client("api");
        expect(
            await outcome(validatorOf(issuer.issuerUri, { ...network, clientCertificate: stranger }), issuer)
        ).toMatch(/^failed: ./);
        expect(issuer.requests).toEqual({ metadata: 0, jwks: 0 });
        expect(
            await outcome(validatorOf(issuer.issuerUri, { ...network, clientCertificate: client }), issuer)
        ).toBe("granted");
        expect(issuer.requests).toEqual({ metadata: 1, jwks: 1 });
    });

    test("NODE_EXTRA_CA_CERTS", async () => {
        const issuer = await issuerWith({ tls: pair });
        const folder = await mkdtemp(join(tmpdir(), "oidc-spa-native-"));
        const file = join(folder, "ca.pem");
        await writeFile(file, authority.ca);
        expect(await outcomeInChild(issuer, {})).toMatch(/^failed: .*certificate/i);
        expect(await outcomeInChild(issuer, { NODE_EXTRA_CA_CERTS: file })).toBe("granted");
        await rm(folder, { recursive: true });
    });

    const startProxy = async (port: number) => {
        const proxy = await proxyTo(port);
        open.push(proxy);
        return proxy;
    };

    test("`network.proxy`: the proxy is asked for the issuer's name, and its password stays secret", async () => {
        const issuer = await issuerWith({ tls: pair, authority: NAME });
        const proxy = await startProxy(issuer.port);
        const validator = validatorOf(issuer.issuerUri, {
            proxy: `http://user:s3cret@${proxy.url}`,
            ca: authority.ca
        });
        expect(await outcome(validator, issuer)).toBe("granted");
        expect(new Set(proxy.asked)).toEqual(new Set([`${NAME}:443`]));
        expect(proxy.headers[0]?.["proxy-authorization"]).toBe(`Basic ${btoa("user:s3cret")}`);
        expect(issuer.headers.some(headers => "proxy-authorization" in headers)).toBe(false);

        const broken = validatorOf(issuer.issuerUri, {
            proxy: `http://user:s3cret@127.0.0.1:9`,
            ca: authority.ca
        });
        const refused = await outcome(broken, issuer);
        expect(refused).toMatch(/^failed: ./);
        expect(refused).not.toContain("s3cret");
    });

    test("HTTPS_PROXY and NO_PROXY, and `proxy: false` above them", async () => {
        const issuer = await issuerWith({ tls: pair, authority: NAME });
        const near = await issuerWith({ tls: pair, host: "localhost" });
        const proxy = await startProxy(issuer.port);
        const folder = await mkdtemp(join(tmpdir(), "oidc-spa-native-"));
        const file = join(folder, "ca.pem");
        await writeFile(file, authority.ca);
        const env = { NODE_EXTRA_CA_CERTS: file, HTTPS_PROXY: `http://${proxy.url}` };

        expect(await outcomeInChild(issuer, env)).toBe("granted");
        expect(proxy.asked.length).toBeGreaterThan(0);
        proxy.asked.length = 0;
        // Without the proxy nobody knows the name.
        expect(await outcomeInChild(issuer, { ...env, NO_PROXY: `other.test,.example.test` })).toMatch(
            /^failed: ./
        );
        expect(await outcomeInChild(near, { ...env, NO_PROXY: "localhost" })).toBe("granted");
        expect(proxy.asked).toEqual([]);
        await rm(folder, { recursive: true });
    });

    test("no proxy leads to this very machine", async () => {
        const near = await issuerWith({ tls: pair, host: "localhost" });
        const proxy = await startProxy(near.port);
        const folder = await mkdtemp(join(tmpdir(), "oidc-spa-native-"));
        const file = join(folder, "ca.pem");
        await writeFile(file, authority.ca);
        expect(
            await outcomeInChild(near, { NODE_EXTRA_CA_CERTS: file, HTTPS_PROXY: `http://${proxy.url}` })
        ).toBe("granted");
        expect(proxy.asked).toEqual([]);
        await rm(folder, { recursive: true });
    });
});
