// The kit's issuer says which of its tokens are active: asked by other libraries' clients, and with every wrong request.

import { createConnection } from "node:net";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { createTestClock, createTestIssuer, createTestKey, signJws } from "oidc-spa-native/testing";
import type { ListeningIssuer, ListenOptions, TestIssuerOptions } from "oidc-spa-native/testing";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { afterEach, describe, expect, test } from "vitest";

let issuer: ListeningIssuer;

afterEach(() => issuer.close());

async function start(options: TestIssuerOptions = {}, listen: ListenOptions = {}): Promise<void> {
    issuer = await createTestIssuer(options).listen(listen);
}

const FORM = "application/x-www-form-urlencoded";

/** A request with the client's secret in its form. */
const post = (token: string, init: RequestInit = {}, endpoint = issuer.introspection.endpoint) => {
    const { clientId, clientSecret } = issuer.introspection;
    const body = new URLSearchParams({ token, client_id: clientId, client_secret: clientSecret });
    return fetch(endpoint, { method: "POST", body, ...init });
};

const answerTo = async (token: string): Promise<unknown> => {
    const response = await post(token);
    expect([response.status, response.headers.get("cache-control")]).toEqual([200, "no-store"]);
    return response.json();
};

const isActive = async (token: string) => {
    const answer = (await answerTo(token)) as { active: boolean };
    // Nothing is told about others.
    expect(answer.active ? true : answer).toEqual(answer.active ? true : { active: false });
    return answer.active;
};

test("oauth4webapi finds the endpoints and reads the answers, a signed one too", async () => {
    await start();
    const options = { [oauth.allowInsecureRequests]: true };
    const uri = new URL(issuer.issuerUri);
    const server = await oauth.processDiscoveryResponse(uri, await oauth.discoveryRequest(uri, options));
    expect(server.introspection_endpoint).toBe(issuer.introspection.endpoint);
    const { clientId, clientSecret } = issuer.introspection;
    const asked: oauth.Client = { client_id: clientId };
    const token = issuer.sign({ sub: "ann", scope: "items:read" });
    for (const method of [oauth.ClientSecretBasic(clientSecret), oauth.ClientSecretPost(clientSecret)]) {
        const response = await oauth.introspectionRequest(server, asked, method, token, options);
        const answer = await oauth.processIntrospectionResponse(server, asked, response);
        expect(answer).toMatchObject({
            active: true,
            sub: "ann",
            scope: "items:read",
            iss: issuer.issuerUri,
            aud: "https://api.test",
            client_id: "test-client",
            token_type: "Bearer"
        });
    }

    const basic = oauth.ClientSecretBasic(clientSecret);
    const asJwt = { ...options, requestJwtResponse: true };
    const response = await oauth.introspectionRequest(server, asked, basic, token, asJwt);
    expect(response.headers.get("content-type")).toBe("application/token-introspection+jwt");
    const jwt = await response.clone().text();
    const keys = createRemoteJWKSet(new URL(server.jwks_uri ?? ""));
    const { payload } = await jwtVerify(jwt, keys, { issuer: issuer.issuerUri, audience: clientId });
    expect(decodeProtectedHeader(jwt).typ).toBe("token-introspection+jwt");
    expect(payload).not.toHaveProperty("sub");
    const answer = await oauth.processIntrospectionResponse(server, asked, response);
    expect(answer).toMatchObject({ active: true, sub: "ann" });
    // Such an answer is a JWT of the issuer's keys, and no token.
    expect(await isActive(jwt)).toBe(false);

    const wrong = await oauth.introspectionRequest(
        server,
        asked,
        oauth.ClientSecretBasic("wrong"),
        token,
        options
    );
    await expect(oauth.processIntrospectionResponse(server, asked, wrong)).rejects.toThrow();
    expect(wrong.status).toBe(401);
});

test("openid-client asks, revokes and asks again", async () => {
    await start({ shape: "keycloak" });
    const { clientId, clientSecret } = issuer.introspection;
    const configuration = await client.discovery(
        new URL(issuer.issuerUri),
        clientId,
        clientSecret,
        client.ClientSecretBasic(clientSecret),
        { execute: [client.allowInsecureRequests] }
    );
    const token = issuer.sign({ preferred_username: "ann" });
    const other = issuer.sign();
    const ask = async (token: string) => client.tokenIntrospection(configuration, token);
    expect(await ask(token)).toMatchObject({ active: true, preferred_username: "ann" });
    await client.tokenRevocation(configuration, token);
    expect(await ask(token)).toEqual({ active: false });
    expect((await ask(other)).active).toBe(true);
    // RFC 7009 section 2.2: not an error.
    await client.tokenRevocation(configuration, "no token");
    expect(issuer.requests).toMatchObject({ introspection: 3, revocation: 2 });
});

describe("active is", () => {
    test("a token of each shape", async () => {
        for (const shape of ["rfc9068", "okta", "entra-v1", "google"] as const) {
            await start({ shape });
            expect(await isActive(issuer.sign()), shape).toBe(true);
            await issuer.close();
        }
    });

    test("a token of each algorithm, and none of a changed signature", async () => {
        await start({ algorithms: ["RS256", "PS384", "ES256", "ES512", "EdDSA"] });
        for (const algorithm of ["RS256", "PS384", "ES256", "ES512", "EdDSA"] as const) {
            const token = issuer.sign({}, { algorithm });
            expect(await isActive(token), algorithm).toBe(true);
            const [header = "", payload = "", signature = ""] = token.split(".");
            const changed = signature.startsWith("A") ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
            expect(await isActive(`${header}.${payload}.${changed}`), algorithm).toBe(false);
        }
    });

    test("a bound token, which says so (RFC 9449 section 6.2)", async () => {
        await start();
        const key = createTestKey();
        expect(await answerTo(issuer.sign({}, { boundTo: key }))).toMatchObject({
            active: true,
            token_type: "DPoP",
            cnf: { jkt: key.thumbprint }
        });
    });

    test("a token with claims that contradict: the issuer's word counts", async () => {
        await start();
        expect(await answerTo(issuer.sign({ active: false, token_type: "mac" }))).toMatchObject({
            active: true,
            token_type: "Bearer"
        });
    });

    test("a token of the keys before a rotation, and none of a key that is withdrawn", async () => {
        await start();
        const [old = ""] = issuer.kids;
        issuer.rotate();
        const token = issuer.sign({}, { kid: old });
        expect(await isActive(token)).toBe(true);
        expect(await isActive(issuer.sign())).toBe(true);
        issuer.withdraw(old);
        expect(await isActive(token)).toBe(false);
    });

    test("a token in its time, by the kit's clock", async () => {
        const clock = createTestClock();
        await start({ clock });
        const now = Math.floor(clock() / 1000);
        const token = issuer.sign({ nbf: now + 10 }, { expiresInSeconds: 60 });
        expect(await isActive(token)).toBe(false);
        clock.advance(10);
        expect(await isActive(token)).toBe(true);
        clock.advance(50);
        expect(await isActive(token)).toBe(false);
        expect(await isActive(issuer.sign({ exp: undefined }))).toBe(true);
        expect(await isActive(issuer.sign({ exp: "tomorrow" }))).toBe(false);
    });

    test("no token that this issuer did not sign as its own, and no other text", async () => {
        await start();
        const strangers = createTestIssuer();
        const [kid = ""] = issuer.kids;
        const good = issuer.sign();
        for (const token of [
            issuer.sign({}, { otherKey: true }),
            issuer.sign({}, { algorithm: "none" }),
            issuer.sign({}, { algorithm: "HS256" }),
            issuer.sign({ iss: "https://other.test" }),
            issuer.sign({}, { header: { typ: "dpop+jwt" } }),
            issuer.sign({}, { header: { kid: "unknown" } }),
            strangers.sign({ iss: issuer.issuerUri }),
            strangers.sign({ iss: issuer.issuerUri }, { header: { kid } }),
            `${good}.`,
            `${good}.x`,
            good.split(".", 2).join("."),
            "opaque",
            "...",
            "\u0000\n",
            signJws("[]", "[]", createTestKey()),
            signJws("no JSON", "{", createTestKey())
        ]) {
            expect(await isActive(token), token.slice(0, 60)).toBe(false);
        }
        expect(await isActive(good)).toBe(true);
        expect(await isActive(issuer.sign({}, { header: { kid: undefined } }))).toBe(true);
    });
});

test("revoke ends one token, in every text of it", async () => {
    await start({ algorithms: ["ES256"] });
    const [token, other] = [issuer.sign(), issuer.sign()];
    issuer.revoke(token);
    expect(await isActive(token)).toBe(false);
    // The same signature with padding, which Node.js decodes too.
    expect(await isActive(`${token}==`)).toBe(false);
    expect(await isActive(other)).toBe(true);
    expect(await isActive(`${other}==`)).toBe(true);
    for (const wrong of [undefined, {}, "opaque", createTestIssuer().sign()]) {
        expect(() => issuer.revoke(wrong as string)).toThrow(/revoke takes a token that this issuer signed/);
    }
    await issuer.close();
    await expect(post(token)).rejects.toThrow();
    await issuer.reopen();
    expect(await isActive(token)).toBe(false);
});

describe("the caller", () => {
    const withField = (authorization: string, body = "token=x") => ({
        body,
        headers: { authorization, "content-type": FORM }
    });
    const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

    test("is the client that the test wrote, with any characters", async () => {
        const introspectionClient = { clientId: "a gate:way+%", clientSecret: "s&cret=é +%20" };
        await start({}, { introspectionClient });
        expect(issuer.introspection).toMatchObject(introspectionClient);
        const token = issuer.sign();
        expect(await isActive(token)).toBe(true);
        const encoded = Object.values(introspectionClient)
            .map(text => new URLSearchParams({ "": text }).toString().slice(1))
            .join(":");
        const response = await post("", withField(basic(encoded), `token=${token}`));
        expect(await response.json()).toMatchObject({ active: true });
    });

    test("has a name and its secret", async () => {
        await start();
        const { clientId, clientSecret } = issuer.introspection;
        expect((await post("", withField(basic(`${clientId}:${clientSecret}`)))).status).toBe(200);
        for (const [what, init] of Object.entries({
            "no secret": { body: new URLSearchParams({ token: issuer.sign() }) },
            "a name alone": { body: new URLSearchParams({ token: issuer.sign(), client_id: clientId }) },
            "a wrong secret": withField(basic(`${clientId}:${clientSecret}x`)),
            "another name": withField(basic(`other:${clientSecret}`)),
            "no colon": withField(basic(clientId + clientSecret)),
            "no base64": withField("Basic %%%"),
            "an access token": withField(`Bearer ${issuer.sign()}`),
            "half an escape": withField(basic(`${clientId}:%`))
        })) {
            const response = await post("", init);
            expect(response.status, what).toBe(401);
            expect(response.headers.get("www-authenticate"), what).toMatch(/^Basic realm=/);
            expect(response.headers.get("cache-control"), what).toBe("no-store");
            expect(await response.json(), what).toEqual({ error: "invalid_client" });
        }
    });

    test("authenticates once, and writes each parameter once", async () => {
        await start();
        const { clientId, clientSecret } = issuer.introspection;
        const field = basic(`${clientId}:${clientSecret}`);
        for (const body of [
            `token=x&client_secret=${clientSecret}`,
            "token=x&token=y",
            "token=",
            "",
            "token_type_hint=access_token"
        ]) {
            const response = await post("", withField(field, body));
            expect([response.status, await response.json()], body).toEqual([
                400,
                { error: "invalid_request" }
            ]);
        }
    });

    test("posts a form of a limited length", async () => {
        await start();
        const token = issuer.sign();
        const get = await fetch(`${issuer.introspection.endpoint}?token=${token}`);
        expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
        for (const type of ["application/json", "text/plain", `${FORM}x`, "multipart/form-data"]) {
            const body = JSON.stringify({ token });
            const response = await post("", { body, headers: { "content-type": type } });
            expect(response.status, type).toBe(415);
        }
        const charset = { headers: { "content-type": `${FORM}; charset=utf-8` } };
        expect((await post(token, charset)).status).toBe(200);
        expect((await post("x".repeat(60 * 1024))).status).toBe(200);
        expect((await post("x".repeat(65 * 1024))).status).toBe(413);
    });

    test("may go away in mid-body, or send without an end", async () => {
        await start();
        const { hostname, port } = new URL(issuer.introspection.endpoint);
        const head = `POST /introspect HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\n`;
        await new Promise<void>(resolve => {
            const socket = createConnection(Number(port), hostname, () => {
                socket.write(`${head}Content-Length: 50\r\n\r\ntoken`, () => socket.destroy());
            });
            socket.once("close", () => resolve());
        });
        const answer = await new Promise<string>(resolve => {
            const socket = createConnection(Number(port), hostname, () => {
                socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
                // No chunk is the last one.
                for (let i = 0; i < 10; i++) {
                    socket.write(`4000\r\n${"x".repeat(0x4000)}\r\n`);
                }
            });
            let text = "";
            socket.setEncoding("latin1").on("data", chunk => (text += chunk));
            socket.once("error", () => undefined);
            socket.once("close", () => resolve(text));
        });
        expect(answer).toMatch(/^HTTP\/1\.1 413 /);
        expect(await isActive(issuer.sign())).toBe(true);
    });

    test("revokes with its secret alone, and gets no answer in an outage", async () => {
        await start();
        const token = issuer.sign();
        const endpoint = `${issuer.issuerUri}/revoke`;
        const unknown = await post("", { body: new URLSearchParams({ token }) }, endpoint);
        expect(unknown.status).toBe(401);
        expect(await isActive(token)).toBe(true);
        issuer.fail();
        expect((await post(token)).status).toBe(503);
        expect((await post(token, {}, endpoint)).status).toBe(503);
        issuer.recover();
        expect(await isActive(token)).toBe(true);
        expect((await post(token, {}, endpoint)).status).toBe(200);
        expect(await isActive(token)).toBe(false);
    });
});

test("a client that makes no sense is an error", async () => {
    await start();
    const listen = (introspectionClient: unknown) =>
        createTestIssuer().listen({ introspectionClient } as ListenOptions);
    await expect(listen({ clientId: "x" })).rejects.toThrow(/clientSecret must be a text; got undefined/);
    await expect(listen({ clientId: "", clientSecret: "x" })).rejects.toThrow(/clientId must be a text/);
    await expect(listen({ id: "x" })).rejects.toThrow(/unknown option "id" of introspectionClient/);
    await expect(listen("x")).rejects.toThrow(/introspectionClient takes an object/);
});
