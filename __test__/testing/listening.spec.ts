// The issuer of the kit as a server on loopback.

import { createValidator, type ValidatorOptions } from "oidc-spa-native";
import { createTestIssuer, type ListeningIssuer } from "oidc-spa-native/testing";
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
