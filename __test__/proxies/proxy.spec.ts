// Whose word is taken for the URL that the client saw (requirements K36 to K42), with real connections.

import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { createValidator, type ValidatorOptions } from "oidc-spa-native";
import { protect as protectFetch } from "oidc-spa-native/fetch";
import { protect as protectHono } from "oidc-spa-native/hono";
import { protect as protectNode } from "oidc-spa-native/node-http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AUDIENCE, ITEMS, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let fixtures: Fixtures;

beforeAll(async () => {
    fixtures = await createFixtures();
});

afterAll(() => fixtures.issuer.close());

/** What a server on 127.0.0.1 with this trust says of a proof for the public URL, sent with these fields. */
async function judged(
    trustProxy: ValidatorOptions["trustProxy"],
    fields: Record<string, string>
): Promise<string> {
    const validator = createValidator({
        issuerUri: fixtures.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        ...(trustProxy !== undefined && { trustProxy })
    });
    const server = createServer((req, res) => {
        void validator
            .validateRequest(req)
            .then(verdict => res.end(verdict.isSuccess ? "granted" : verdict.code));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const now = nowInSeconds();
    const token = fixtures.boundToken(now);
    try {
        const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/items`, {
            headers: {
                authorization: `DPoP ${token}`,
                dpop: fixtures.proof(now, token, { jti: crypto.randomUUID(), htu: ITEMS }),
                ...fields
            }
        });
        return await response.text();
    } finally {
        server.closeAllConnections();
        server.close();
    }
}

const PUBLIC = { "x-forwarded-proto": "https", "x-forwarded-host": "api.example.com" };
const APPENDED = {
    "x-forwarded-proto": "http, https",
    "x-forwarded-host": "spoofed.example, api.example.com"
};

test("K39: forwarded fields count only where they are trusted", async () => {
    expect(await judged(undefined, PUBLIC)).toBe("proof_uri_mismatch");
    expect(await judged(false, PUBLIC)).toBe("proof_uri_mismatch");
    expect(await judged(true, PUBLIC)).toBe("granted");
});

test("K40: a hop count takes what the trusted proxy appended", async () => {
    expect(await judged(1, APPENDED)).toBe("granted");
    expect(await judged(true, APPENDED)).toBe("proof_uri_mismatch");
});

test("K40: a list of networks trusts connections from them, and no others", async () => {
    expect(await judged(["127.0.0.0/8"], APPENDED)).toBe("granted");
    expect(await judged(["::1", "127.0.0.1"], APPENDED)).toBe("granted");
    expect(await judged(["10.0.0.0/8"], APPENDED)).toBe("proof_uri_mismatch");
    // What a client says of the proxies in front of it does not matter: its own address is appended behind.
    const claimed = { ...APPENDED, "x-forwarded-for": "127.0.0.1, 203.0.113.7" };
    expect(await judged(["127.0.0.0/8"], claimed)).toBe("granted");
});

test("a target in absolute form names this server, on each kind of server", async () => {
    const options = { issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE };
    const validator = createValidator(options);
    const servers = {
        "node:http": createServer(
            protectNode(validator, {}, (_req, res) => {
                res.end("granted");
            })
        ),
        Hono: createServer(
            getRequestListener(new Hono().all("*", protectHono(validator), c => c.text("granted")).fetch)
        ),
        fetch: createServer(getRequestListener(protectFetch(validator, {}, () => new Response("granted"))))
    };
    for (const [name, server] of Object.entries(servers)) {
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        const { port } = server.address() as AddressInfo;
        const own = `http://127.0.0.1:${port}/v1/items`;
        const status = async (target: string, htu: string) => {
            const now = nowInSeconds();
            const token = fixtures.boundToken(now);
            const dpop = fixtures.proof(now, token, { jti: crypto.randomUUID(), htu });
            const sent = request({
                port,
                host: "127.0.0.1",
                path: target,
                headers: { host: `127.0.0.1:${port}`, authorization: `DPoP ${token}`, dpop },
                agent: false
            }).end();
            const [response] = (await once(sent, "response")) as [IncomingMessage];
            response.resume();
            return response.statusCode;
        };
        expect([await status("/v1/items", own), await status(own, own)], name).toEqual([200, 200]);
        const foreign = "http://evil.example/v1/items";
        for (const htu of [foreign, own, `http://evil.example:${port}/v1/items`]) {
            expect(await status(foreign, htu), `${name}: ${htu}`).toBe(401);
        }
        server.closeAllConnections();
        server.close();
    }
});

test("a URL that a framework made of something else than Host needs somebody's word", async () => {
    const judge = async (options: Partial<ValidatorOptions>, url: string, fields: Record<string, string>) => {
        const validator = createValidator({
            issuerUri: fixtures.issuer.issuerUri,
            expectedAudience: AUDIENCE,
            ...options
        } as ValidatorOptions);
        const now = nowInSeconds();
        const token = fixtures.boundToken(now);
        const headers = {
            authorization: `DPoP ${token}`,
            dpop: fixtures.proof(now, token, { jti: crypto.randomUUID(), htu: ITEMS }),
            ...fields
        };
        const verdict = await validator.validateRequest(new Request(url, { headers }));
        return verdict.isSuccess ? "granted" : verdict.code;
    };
    const inner = "http://localhost:3000/v1/items?page=1";
    expect(await judge({}, ITEMS, {})).toBe("granted");
    expect(await judge({}, ITEMS, { host: "api.example.com" })).toBe("granted");
    expect(await judge({}, ITEMS, { host: "API.example.com:443" })).toBe("granted");
    // A client may write Host; the framework's URL is not what it says.
    expect(await judge({}, ITEMS, { host: "evil.example" })).toBe("proof_uri_mismatch");
    expect(await judge({}, inner, { host: "api.example.com" })).toBe("proof_uri_mismatch");
    // Next.js names localhost, and says what the proxy said in X-Forwarded-*.
    const host = "api.example.com";
    expect(await judge({ trustProxy: true }, inner, { ...PUBLIC, host })).toBe("granted");
    expect(await judge({ publicBaseUrl: `https://${host}` }, inner, { host })).toBe("granted");
    expect(await judge({ publicBaseUrl: `https://${host}` }, inner, { host: "localhost:3000" })).toBe(
        "granted"
    );
});

test("a refusal for another URL names both, and the option that helps where a proxy makes the difference", async () => {
    const messageOf = async (options: Partial<ValidatorOptions>, url: string, htu: string) => {
        const validator = createValidator({
            issuerUri: fixtures.issuer.issuerUri,
            expectedAudience: AUDIENCE,
            ...options
        } as ValidatorOptions);
        const now = nowInSeconds();
        const token = fixtures.boundToken(now);
        const headers = { authorization: `DPoP ${token}`, dpop: fixtures.proof(now, token, { htu }) };
        const verdict = await validator.validateRequest(headers, { method: "GET", url });
        return verdict.isSuccess ? "granted" : verdict.debugErrorMessage;
    };
    const inner = "http://10.0.0.5:3000/v1/items";
    const both = (htu: string, expected: string) =>
        `DPoP proof htu claim does not match request url. htu: ${htu}, expected htu: ${expected}`;
    const nobody = "If a proxy stands in front of this server, set `publicBaseUrl` or `trustProxy`";
    const { origin } = new URL(ITEMS);
    const line = (base: string) =>
        `Where clients call this server there, the line is \`publicBaseUrl: "${base}"\``;
    expect(await messageOf({}, inner, ITEMS)).toBe(`${both(ITEMS, inner)}. ${nobody}. ${line(origin)}`);
    const prefixed = ITEMS.replace("/v1", "/api/v1");
    expect(await messageOf({}, ITEMS, prefixed)).toBe(
        `${both(prefixed, ITEMS)}. ${nobody}. ${line(`${origin}/api`)}`
    );
    expect(await messageOf({ trustProxy: 1 }, inner, ITEMS)).toContain("follows from `trustProxy`");
    const publicBaseUrl = "https://other.example.com";
    expect(await messageOf({ publicBaseUrl }, inner, ITEMS)).toBe(
        `${both(ITEMS, `${publicBaseUrl}/v1/items`)}. The expected one begins with \`publicBaseUrl\`. ${line(origin)}`
    );
    // No option helps a proof for another path, or for what is no URL.
    const elsewhere = ITEMS.replace("items", "others");
    expect(await messageOf({}, ITEMS, elsewhere)).toBe(both(elsewhere, ITEMS));
    expect(await messageOf({}, ITEMS, "/v1/items")).toBe(both("/v1/items", ITEMS));
});
