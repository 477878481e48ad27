// `oidc-spa-native doctor`, run as a program against issuers that are well and issuers that are not.

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createValidator } from "oidc-spa-native";
import { createTestIssuer } from "oidc-spa-native/testing";
import { afterAll, describe, expect, test } from "vitest";
import { selfSigned } from "../support/certificates.js";
import { newKey } from "../support/jwt.js";
import { startLocalIssuer, type LocalIssuerOptions } from "../support/local-issuer.js";
import { startIssuer } from "../support/real-issuer.js";
import { program } from "./program.js";

const folder = mkdtempSync(join(tmpdir(), "oidc-spa-native-doctor-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
};

const doctor = (issuerUri: string, ...options: string[]) => program(["doctor", issuerUri, ...options]);
const found = async (issuerUri: string, ...options: string[]) => {
    const { exit, out } = await doctor(issuerUri, "--json", ...options);
    return { exit, ...JSON.parse(out) };
};

const key = newKey("P-256");
const published = { ...key.publicJwk, kid: "one", use: "sig", alg: "ES256" };

async function local(options: LocalIssuerOptions = {}) {
    return startLocalIssuer({ keys: [published], path: "/realms/test", ...options });
}

test("the page of an issuer that is well, and its options work", async () => {
    const issuer = await createTestIssuer({ shape: "keycloak" }).listen();
    try {
        const { exit, out, err } = await doctor(issuer.issuerUri, "--audience", "https://api.test");
        const steady = out
            .replaceAll(new URL(issuer.listensAt).port, "PORT")
            .replaceAll(/key [\w-]{20,}/g, match => `key ${"K".repeat(match.length - 4)}`);
        expect(steady).toMatchSnapshot();
        expect([exit, err]).toEqual([0, ""]);
        const lines = out.slice(out.indexOf("createValidator({"), out.lastIndexOf("});") + 3);
        const made = new Function("createValidator", `return ${lines}`)(createValidator);
        const verdict = await made.validateRequest({ authorization: `Bearer ${issuer.sign()}` });
        expect(verdict.isSuccess).toBe(true);
    } finally {
        await issuer.close();
    }
});

test("a real authorization server", async () => {
    const server = await startIssuer();
    try {
        const { exit, isUsable, keys, metadata, clockAheadSeconds } = await found(server.issuerUri);
        expect([exit, isUsable]).toEqual([0, true]);
        expect(keys.length).toBeGreaterThan(0);
        expect(metadata[0].said).toBe(`200, of ${server.issuerUri}`);
        expect(Math.abs(clockAheadSeconds)).toBeLessThan(3);
    } finally {
        await server.close();
    }
});

describe("an issuer that is not well", () => {
    test("its metadata names another one: the options for a name inside", async () => {
        const issuer = await local();
        issuer.metadata = {
            issuer: "https://sso.test/realms/test",
            jwks_uri: "https://sso.test/realms/test/jwks"
        };
        const { exit, problem, options, notes } = await found(issuer.issuerUri);
        expect(exit).toBe(1);
        expect(problem).toContain('names the issuer "https://sso.test/realms/test"');
        expect(options).toContain('    issuerUri: "https://sso.test/realms/test",');
        expect(options).toContain(`    jwksUri: "${issuer.issuerUri}/jwks",`);
        expect(notes.join()).toContain("public name");
        const well = await found("https://sso.test/realms/test", "--keys", `${issuer.issuerUri}/jwks`);
        expect(well.exit).toBe(0);
        await issuer.close();
    });

    test("404 everywhere: the places are those that the library asks", async () => {
        const asked: string[] = [];
        const server = createServer((req, res) => {
            asked.push(req.url ?? "");
            res.writeHead(404).end();
        });
        await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
        const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        for (const path of ["", "/", "/realms/test", "/realms/test/"]) {
            asked.length = 0;
            const { exit, metadata, options } = await found(`${origin}${path}`);
            expect([exit, options]).toEqual([1, []]);
            const half = asked.length / 2;
            expect(asked.slice(half)).toEqual(asked.slice(0, half));
            expect(metadata.map(({ said }: { said: string }) => said)).toEqual(Array(half).fill("404"));
        }
        server.close();
    });

    test("what was given is where the metadata is", async () => {
        const issuer = await local();
        const { exit, issuerUri, notes } = await found(
            `${issuer.issuerUri}/.well-known/openid-configuration`
        );
        expect([exit, issuerUri]).toEqual([0, issuer.issuerUri]);
        expect(notes[0]).toContain(`the issuer is ${issuer.issuerUri}`);
        await issuer.close();
    });

    test("no usable key: each of them with its reason", async () => {
        const keys = [
            { ...published, use: "enc" },
            { kty: "oct", k: "AA", kid: "secret" }
        ];
        const issuer = await local({ keys });
        const { skippedKeys } = await found(issuer.issuerUri);
        expect(skippedKeys).toEqual([
            { kid: "one", reason: expect.stringMatching(/./) },
            { kid: "secret", reason: expect.stringMatching(/./) }
        ]);
        const validator = createValidator({ issuerUri: issuer.issuerUri, expectedAudience: "x" });
        await expect(validator.ready({ timeoutMs: 100 })).rejects.toThrow(
            "no key that can verify signatures"
        );
        expect(validator.health().issuers[0]).toMatchObject({ keys: [], skippedKeys });
        issuer.jwks = { keys: [published] };
        await validator.ready();
        expect(validator.health().issuers[0]).toMatchObject({ keys: [{ kid: "one" }], skippedKeys: [] });
        await issuer.close();
    });

    test("no usable key; where one is usable, the others are told with their reasons", async () => {
        const issuer = await local({
            keys: [
                { ...published, use: "enc" },
                { kty: "oct", k: "AA", kid: "secret" }
            ]
        });
        const bad = await found(issuer.issuerUri);
        expect([bad.exit, bad.isUsable]).toEqual([1, false]);
        expect(bad.problem).toMatch(/no key that can verify signatures: ./);
        issuer.jwks = { keys: [published, ...(issuer.jwks as { keys: object[] }).keys] };
        const good = await found(issuer.issuerUri);
        expect([good.exit, good.isUsable]).toEqual([0, true]);
        expect(good.skippedKeys.map(({ reason }: { reason: string }) => reason !== "")).toEqual([true, true]);
        await issuer.close();
    });

    test("http to another host: what to do, and nobody is asked", async () => {
        const { exit, problem, metadata } = await found("http://keycloak.test:8080/realms/x");
        expect([exit, metadata]).toEqual([1, []]);
        expect(problem).toContain("network.allowHttp");
    });

    test("nothing listens", async () => {
        const { exit, problem, metadata } = await found("http://127.0.0.1:9");
        expect(exit).toBe(1);
        // The page says it, and no warning of the process again.
        expect((await doctor("http://127.0.0.1:9")).err).toBe("");
        expect(problem).toContain("nothing listens");
        expect(metadata[0].said).toBe("no answer: ECONNREFUSED");
    });

    test("it never answers: bounded time", async () => {
        const issuer = await local();
        issuer.isSilent = true;
        const { exit, problem } = await found(issuer.issuerUri, "--timeout", "0.3");
        expect(exit).toBe(1);
        expect(problem).not.toBe("");
        await issuer.close();
    });

    test("a certificate that nobody else signed: whose, and what to write; with it, all is well", async () => {
        const pair = selfSigned(["localhost"]);
        const issuer = await local({ tls: { key: pair.key, cert: pair.cert }, host: "localhost" });
        const issuerUri = `https://localhost:${issuer.port}/realms/test`;
        issuer.metadata = { issuer: issuerUri, jwks_uri: `${issuerUri}/jwks` };
        const distrusted = await found(issuerUri);
        expect([distrusted.exit, distrusted.certificate.isSelfSigned]).toEqual([1, true]);
        expect(distrusted.problem).toContain("network.ca");
        expect(distrusted.options.join("\n")).toContain("network: { ca: ");
        const ca = file("ca.pem", pair.cert);
        const trusted = await found(issuerUri, "--ca", ca);
        expect([trusted.exit, trusted.isUsable]).toEqual([0, true]);
        expect((await doctor(issuerUri)).out).toContain("signed by itself (CN=A server of the tests)");
        await issuer.close();
    });

    test("its clock is wrong: by how much", async () => {
        const server = await createTestIssuer().listen({
            respond: (_, response) => {
                response.setHeader("date", new Date(Date.now() + 90_000).toUTCString());
                return false;
            }
        });
        const { clockAheadSeconds, notes } = await found(server.issuerUri);
        expect(Math.abs(clockAheadSeconds - 90)).toBeLessThan(3);
        expect(notes.join()).toContain("leewaySeconds");
        await server.close();
    });

    test("what it says cannot write to the terminal", async () => {
        const issuer = await local({ keys: [{ ...published, kid: "x\u001b[31m\r\n\u202e" }] });
        issuer.metadata = {
            issuer: "https://x.test/\u001b]0;t\u0007\u202e\n",
            jwks_uri: "https://x.test/\u009b2J"
        };
        for (const options of [[], ["--json"]]) {
            const keyed = ["--keys", `${issuer.issuerUri}/jwks`];
            for (const { out, err } of [
                await doctor(issuer.issuerUri, ...options),
                await doctor(issuer.issuerUri, ...keyed, ...options)
            ]) {
                for (const line of `${out}${err}`.split("\n")) {
                    expect(line).not.toMatch(/[\p{Cc}\u200b-\u200f\u2028-\u202e]/u);
                }
            }
        }
        await issuer.close();
    });
});

test("a server that changes to another protocol is no issuer", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    server.on("connection", connection => {
        connection.once("data", () => {
            connection.write("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        });
    });
    await once(server, "listening");
    try {
        const issuerUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        const { exit, isUsable, metadata } = await found(issuerUri, "--timeout", "2");
        expect([exit, isUsable]).toEqual([1, false]);
        expect(metadata[0].said).toBe(
            "no answer: the server changed to another protocol, which nobody asked for"
        );
    } finally {
        server.close();
        server.closeAllConnections();
    }
});

test("with a file of keys nobody is asked", async () => {
    const keys = file(
        "keys.json",
        JSON.stringify({ keys: [published, { ...published, kid: "two", use: "enc" }] })
    );
    const { exit, metadata, skippedKeys, options } = await found("https://auth.test", "--keys", keys);
    expect([exit, metadata, skippedKeys.length]).toEqual([0, [], 1]);
    expect(options).toContain('    algorithms: ["ES256"]');
});

test("no password is in what it prints, whatever characters it has", async () => {
    const proxies = {
        HTTPS_PROXY: "http://user:se/cr@et@127.0.0.1:9",
        ALL_PROXY: "user:se/cr@et@127.0.0.1:9",
        https_proxy: "socks5://user:se?cr#et@127.0.0.1:9"
    };
    const issuer = await local();
    for (const json of [[], ["--json"]]) {
        const { out, err } = await program(["doctor", issuer.issuerUri, ...json], "", proxies);
        expect(out).toContain("@127.0.0.1:9");
        expect(out).toContain("socks5://");
        expect(`${out}${err}`).not.toMatch(/se[/?]cr|et@/);
        const named = await program(["doctor", "https://user:se/cr@et@127.0.0.1:9", ...json]);
        const one = await program(["doctor", "https://user:secret@127.0.0.1:9", ...json]);
        expect([named.exit === 0, one.exit, one.out]).toEqual([false, 2, ""]);
        expect(one.err).toContain("no user and no password");
        expect(`${named.out}${named.err}${one.out}${one.err}`).not.toMatch(/se\/cr|secret/);
    }
    await issuer.close();
    const { problem } = await found("https://127.0.0.1:9/@realm");
    expect(problem).toContain("https://127.0.0.1:9/@realm");
});

test("a proxy of the environment is told without its password", async () => {
    const issuer = await local();
    const env = { HTTPS_PROXY: "http://me:secret@proxy.test:3128", NO_PROXY: "localhost" };
    const { out } = await program(["doctor", issuer.issuerUri], "", env);
    expect(out).toContain("http://…@proxy.test:3128");
    expect(out).not.toContain("secret");
    await issuer.close();
});
