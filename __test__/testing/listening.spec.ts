// The issuer of the kit as a server on loopback.

import { once } from "node:events";
import { connect } from "node:net";
import { createValidator, type ValidatorOptions } from "oidc-spa-native";
import { createTestIssuer, type ListeningIssuer, type ResponseToWrite } from "oidc-spa-native/testing";
import { afterEach, expect, test } from "vitest";
import { testOfAddon } from "../support/engine.js";
import { newAuthority } from "../support/certificates.js";
import { describeWith } from "../support/programs.js";

let issuer: ListeningIssuer;

afterEach(() => issuer.close());

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test("a validator fetches its keys, by either form of metadata", async () => {
    issuer = await createTestIssuer({ issuerUri: "https://auth.test/realms/app" }).listen();
    expect(issuer.issuerUri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/realms\/app$/);
    expect(issuer.options).not.toHaveProperty("keys");
    const validator = createValidator(issuer.options);
    await validator.ready();
    expect((await validator.validateRequest(bearer(issuer.sign()))).isSuccess).toBe(true);
    expect(issuer.requests).toMatchObject({ metadata: 1, jwks: 1 });
    const stranger = issuer.sign({}, { otherKey: true });
    expect((await validator.validateRequest(bearer(stranger))).code).toBe("signature_invalid");

    const { origin } = new URL(issuer.issuerUri);
    for (const path of [
        "/realms/app/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/realms/app"
    ]) {
        const metadata: unknown = await (await fetch(origin + path)).json();
        expect(metadata).toMatchObject({
            issuer: issuer.issuerUri,
            jwks_uri: `${issuer.issuerUri}/jwks`
        });
    }
    expect((await fetch(`${origin}/jwks`)).status).toBe(404);
});

test("an identifier keeps its slash at the end", async () => {
    issuer = await createTestIssuer({ shape: "auth0", issuerUri: "https://auth.test/tenant/" }).listen();
    expect(issuer.issuerUri).toMatch(/\/tenant\/$/);
    const validator = createValidator(issuer.options);
    expect((await validator.validateRequest(bearer(issuer.sign()))).isSuccess).toBe(true);
});

test("a rotation: tokens of the old and of the new key are good", async () => {
    issuer = await createTestIssuer().listen();
    const validator = createValidator(issuer.options);
    const [old = ""] = issuer.kids;
    expect((await validator.validateRequest(bearer(issuer.sign()))).isSuccess).toBe(true);
    issuer.rotate();
    expect(issuer.kids).toHaveLength(2);
    expect(issuer.kids).toContain(old);
    expect((await validator.validateRequest(bearer(issuer.sign()))).isSuccess).toBe(true);
    expect((await validator.validateRequest(bearer(issuer.sign({}, { kid: old })))).isSuccess).toBe(true);
});

test("a key that is withdrawn signs for nothing", async () => {
    issuer = await createTestIssuer().listen();
    const [old = ""] = issuer.kids;
    issuer.rotate();
    issuer.withdraw(old);
    expect(issuer.kids).toHaveLength(1);
    const validator = createValidator(issuer.options);
    expect((await validator.validateRequest(bearer(issuer.sign()))).isSuccess).toBe(true);
    expect((await validator.validateRequest(bearer(issuer.sign({}, { kid: old })))).code).toBe("key_unknown");
    expect(() => issuer.withdraw("x")).toThrow(/has no key "x"/);
});

test("the keys of the issuer without a server are the same, and stay as they are", async () => {
    const still = createTestIssuer({ issuerUri: "https://auth.test" });
    issuer = await still.listen();
    expect(issuer.jwks).toEqual(still.jwks);
    const validator = createValidator(still.options);
    expect((await validator.validateRequest(bearer(still.sign()))).isSuccess).toBe(true);
    expect((await validator.validateRequest(bearer(issuer.sign()))).code).toBe("issuer_mismatch");
    issuer.rotate();
    expect(issuer.jwks.keys).toHaveLength(2);
    expect(still.jwks.keys).toHaveLength(1);
});

test("an outage", async () => {
    issuer = await createTestIssuer().listen();
    issuer.fail();
    const ask = () => createValidator(issuer.options).validateRequest(bearer(issuer.sign()));
    expect(await ask()).toMatchObject({ code: "keys_unavailable", status: 503 });
    expect((await fetch(`${issuer.issuerUri}/jwks`)).status).toBe(503);
    issuer.fail(404);
    expect((await fetch(`${issuer.issuerUri}/jwks`)).status).toBe(404);
    issuer.recover();
    expect((await fetch(`${issuer.issuerUri}/jwks`)).status).toBe(200);
    expect(() => issuer.fail(200)).toThrow(/from 400 to 599/);
});

test("a port that is written, and an option that is none", async () => {
    const still = createTestIssuer();
    await expect(still.listen({ ports: 1 } as never)).rejects.toThrow(/did you mean "port"/);
    issuer = await still.listen();
    const { port } = new URL(issuer.issuerUri);
    await issuer.close();
    issuer = await still.listen({ port: Number(port) });
    expect(new URL(issuer.issuerUri).port).toBe(port);
});

test.each([
    [{ port: "8080" }, 'the option "port": expected a port from 0 to 65535; got "8080"'],
    [{ port: 65_536 }, 'the option "port"'],
    [{ host: 5 }, 'the option "host": expected a text; got 5'],
    [{ host: "" }, 'the option "host": expected an address'],
    [{ tls: true }, 'the option "tls": expected an object; got true'],
    [{ issuerUri: "x" }, 'the option "issuerUri": expected a URL; got "x"'],
    [{ respond: true }, 'the option "respond": expected a function; got true']
])("%j makes no sense", async (options, message) => {
    const still = createTestIssuer();
    await expect(still.listen(options as never)).rejects.toThrow(message);
});

test("a function of the test that answers later answers alone", async () => {
    issuer = await createTestIssuer().listen({
        respond: async (request, response) => {
            await new Promise(resolve => setImmediate(resolve));
            const isForKeys = request.url === "/jwks";
            if (isForKeys) {
                response.writeHead(418);
                response.end("late");
            }
            return isForKeys;
        }
    });
    const keys = await fetch(`${issuer.issuerUri}/jwks`);
    expect([keys.status, await keys.text()]).toEqual([418, "late"]);
    expect((await fetch(`${issuer.issuerUri}/.well-known/openid-configuration`)).status).toBe(200);
});

test("a function of the test that fails, or does not say that it has answered, is told so", async () => {
    const failures: string[] = [];
    const listeners = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", error => failures.push((error as Error).message));
    try {
        const still = createTestIssuer();
        for (const respond of [
            () => {
                throw new Error("of the test");
            },
            async () => Promise.reject(new Error("of the test, later")),
            (_: unknown, response: ResponseToWrite) => {
                response.end("x");
                return false;
            }
        ]) {
            issuer = await still.listen({ respond });
            await fetch(`${issuer.issuerUri}/jwks`).then(
                response => response.text(),
                () => undefined
            );
            await issuer.close();
        }
        expect(failures).toEqual([
            "of the test",
            "of the test, later",
            "oidc-spa-native: respond has answered, and then it must return true; it returned false."
        ]);
    } finally {
        process.removeAllListeners("unhandledRejection");
        listeners.forEach(listener => process.on("unhandledRejection", listener));
    }
});

test("closed, nobody answers; reopened, it has the keys that it had", async () => {
    issuer = await createTestIssuer().listen();
    issuer.rotate();
    await issuer.close();
    await issuer.close();
    await expect(fetch(issuer.issuerUri)).rejects.toThrow();
    await issuer.reopen();
    await issuer.reopen();
    const validator = createValidator(issuer.options);
    expect((await validator.validateRequest(bearer(issuer.sign()))).isSuccess).toBe(true);
    expect(issuer.kids).toHaveLength(2);
});

describeWith(["openssl"], "with a certificate", () => {
    test("it closes at once, also where a connection has not finished its handshake", async () => {
        const { key, cert } = newAuthority("An authority of the kit's test").server();
        issuer = await createTestIssuer().listen({ tls: { key, cert } });
        const idle = connect(Number(new URL(issuer.listensAt).port), "127.0.0.1");
        idle.on("error", () => undefined);
        await once(idle, "connect");
        await issuer.close();
        idle.destroy();
    });

    testOfAddon("another identifier and address, over TLS", async () => {
        const authority = newAuthority("An authority of the kit's test");
        const issuerUri = "https://localhost/realms/app";
        issuer = await createTestIssuer().listen({ host: "::1", tls: { ...authority.server() }, issuerUri });
        expect(issuer.issuerUri).toBe(issuerUri);
        expect(issuer.listensAt).toMatch(/^https:\/\/\[::1\]:\d+$/);
        const trusting = { network: { ca: authority.ca } };
        const options = { ...issuer.options, jwksUri: `${issuer.listensAt}/jwks` };
        const ask = (options: ValidatorOptions) =>
            createValidator({ ...options, keysTimeoutMs: 2000 }).validateRequest(bearer(issuer.sign()));
        expect((await ask({ ...options, ...trusting })).isSuccess).toBe(true);
        expect((await ask(options)).code).toBe("keys_unavailable");
    });
});

test("respond sees every request first", async () => {
    const seen: (string | undefined)[] = [];
    issuer = await createTestIssuer().listen({
        respond: ({ url }, response) => {
            seen.push(url);
            response.setHeader("cache-control", "max-age=60");
            if (url === "/odd") {
                response.writeHead(418);
                response.end("a teapot");
            }
            return url === "/odd";
        }
    });
    const odd = await fetch(`${issuer.issuerUri}/odd`);
    expect([odd.status, await odd.text()]).toEqual([418, "a teapot"]);
    const keys = await fetch(`${issuer.issuerUri}/jwks`);
    expect(keys.headers.get("cache-control")).toBe("max-age=60");
    expect(await keys.json()).toEqual(issuer.jwks);
    expect(seen).toEqual(["/odd", "/jwks"]);
});
