// dpopClient: its proofs are accepted, each thing that is wrong on purpose is refused, and it answers nonces.

import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createValidator } from "oidc-spa-native";
import { protect } from "oidc-spa-native/fetch";
import { protect as protectNode } from "oidc-spa-native/node-http";
import {
    createTestClock,
    createTestIssuer,
    createTestKey,
    dpopClient,
    type DpopClientOptions,
    type ProofOverrides
} from "oidc-spa-native/testing";
import { describe, expect, test } from "vitest";

const SECRET = "of the tests, at least 32 characters";

const URL_OF_ITEMS = "https://api.test/items?page=2";

const newPair = (clock = createTestClock()) => {
    const issuer = createTestIssuer({ clock });
    const client = dpopClient({ token: client => issuer.sign({ sub: "ann" }, { boundTo: client }), clock });
    return { issuer, client, clock };
};

describe("a proof", () => {
    const { issuer, client } = newPair();
    const validator = createValidator({ ...issuer.options, dpop: "required" });
    const cases: readonly [what: string, overrides: ProofOverrides, code: string][] = [
        ["nothing is wrong", {}, "granted"],
        ["a moment old", { issuedSecondsAgo: 30 }, "granted"],
        ["old", { issuedSecondsAgo: 60 }, "proof_stale"],
        ["of the future", { issuedSecondsAgo: -60 }, "proof_not_yet_valid"],
        ["by another key", { otherKey: true }, "proof_signature_invalid"],
        ["for another token", { accessToken: "x" }, "proof_token_mismatch"],
        ["for another method", { claims: { htm: "POST" } }, "proof_method_mismatch"],
        ["for another URL", { claims: { htu: "https://other.test/" } }, "proof_uri_mismatch"],
        ["without jti", { claims: { jti: undefined } }, "proof_malformed"],
        ["with another type", { header: { typ: "JWT" } }, "proof_malformed"],
        ["with another client's key", { header: { jwk: createTestKey().publicJwk } }, "proof_key_mismatch"]
    ];

    test.each(cases)("%s", async (_, overrides, code) => {
        const target = { method: "GET", url: URL_OF_ITEMS };
        const headers = client.headers("GET", URL_OF_ITEMS, overrides);
        const verdict = await validator.validateRequest(headers, target);
        expect(verdict.isSuccess ? "granted" : verdict.code).toBe(code);
    });

    test("is good once, and each has its own jti", async () => {
        const target = { method: "GET", url: URL_OF_ITEMS };
        const headers = client.headers("GET", URL_OF_ITEMS);
        expect((await validator.validateRequest(headers, target)).isSuccess).toBe(true);
        expect((await validator.validateRequest(headers, target)).code).toBe("proof_replayed");
        expect(client.proof("GET", URL_OF_ITEMS)).not.toBe(client.proof("GET", URL_OF_ITEMS));
    });

    test("goes by the clock that is given", async () => {
        const { issuer, client, clock } = newPair();
        const validator = createValidator(issuer.options);
        clock.advance(60);
        const target = { method: "GET", url: URL_OF_ITEMS };
        const headers = client.headers("GET", URL_OF_ITEMS);
        expect((await validator.validateRequest(headers, target)).isSuccess).toBe(true);
        const kept = client.headers("GET", URL_OF_ITEMS);
        clock.advance(60);
        expect((await validator.validateRequest(kept, target)).code).toBe("proof_stale");
    });
});

describe("fetch", () => {
    const newClient = (nonce: "off" | "required") => {
        const { issuer } = newPair();
        const validator = createValidator({
            ...issuer.options,
            dpop: "required",
            nonce,
            ...(nonce !== "off" && { nonceSecret: SECRET })
        });
        const statuses: number[] = [];
        const handler = protect(validator, {}, async (request: Request, auth) =>
            Response.json({ sub: auth.claims.sub, body: await request.text() })
        );
        const client = dpopClient({
            token: client => issuer.sign({ sub: "ann" }, { boundTo: client }),
            fetch: async request => {
                const response = await handler(request);
                statuses.push(response.status);
                return response;
            }
        });
        return { client, statuses };
    };

    test("signs a proof for each request, with its method and body", async () => {
        const { client, statuses } = newClient("off");
        const response = await client.fetch(URL_OF_ITEMS, { method: "POST", body: "an item" });
        expect(await response.json()).toEqual({ sub: "ann", body: "an item" });
        expect((await client.fetch(new Request(URL_OF_ITEMS))).status).toBe(200);
        expect((await client.fetch(new URL(URL_OF_ITEMS))).status).toBe(200);
        expect(statuses).toEqual([200, 200, 200]);
    });

    test("answers the demand for a nonce once, with the body again, and keeps the nonce", async () => {
        const { client, statuses } = newClient("required");
        const response = await client.fetch(URL_OF_ITEMS, { method: "POST", body: "an item" });
        expect(await response.json()).toEqual({ sub: "ann", body: "an item" });
        expect((await client.fetch(URL_OF_ITEMS)).status).toBe(200);
        expect(statuses).toEqual([401, 200, 200]);
    });

    test("does not answer a second time, nor any other refusal", async () => {
        let asked = 0;
        const answer = (challenge: string) => {
            asked = 0;
            return dpopClient({
                token: "t",
                fetch: () => {
                    asked++;
                    const headers = { "www-authenticate": challenge, "dpop-nonce": `n${asked}` };
                    return new Response(null, { status: 401, headers });
                }
            });
        };
        expect((await answer('DPoP error="use_dpop_nonce"').fetch(URL_OF_ITEMS)).status).toBe(401);
        expect(asked).toBe(2);
        expect((await answer('DPoP error="invalid_token"').fetch(URL_OF_ITEMS)).status).toBe(401);
        expect(asked).toBe(1);
    });

    test("a nonce is the server's that gave it, also where a redirect led there", async () => {
        const nonceOf = (proof: string) =>
            (JSON.parse(Buffer.from(proof.split(".")[1] ?? "", "base64url").toString()) as { nonce?: string })
                .nonce;
        const asked: string[] = [];
        const listening = async (name: string, location?: string) => {
            const server = createServer((req, res) => {
                asked.push(`${name}${req.url}`);
                const challenge = 'DPoP error="use_dpop_nonce"';
                res.setHeader("DPoP-Nonce", `of ${name}`);
                location === undefined
                    ? res.writeHead(401, { "WWW-Authenticate": challenge }).end()
                    : res.writeHead(302, { Location: location }).end();
            }).listen(0, "127.0.0.1");
            await once(server, "listening");
            return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
        };
        const second = await listening("second");
        const first = await listening("first", `${second.origin}/there`);
        const client = dpopClient({ token: "t" });
        expect((await client.fetch(`${first.origin}/here`)).status).toBe(401);
        // The proof would be for the first URL again.
        expect(asked).toEqual(["first/here", "second/there"]);
        expect(nonceOf(client.proof("GET", first.origin))).toBe(undefined);
        expect(nonceOf(client.proof("GET", second.origin))).toBe("of second");
        first.server.close();
        second.server.close();
    });

    test("what an application answers must be a response", async () => {
        for (const answer of [undefined, null, 5, { status: 401 }]) {
            const client = dpopClient({ token: "t", fetch: () => answer as never });
            await expect(client.fetch(URL_OF_ITEMS)).rejects.toThrow(
                /^oidc-spa-native: the option "fetch" of dpopClient must return a Response; it returned/
            );
        }
    });

    test("reaches a server over the network", async () => {
        const { issuer } = newPair();
        const validator = createValidator({
            ...issuer.options,
            dpop: "required",
            nonce: "required",
            nonceSecret: SECRET
        });
        const server: Server = createServer(
            protectNode(validator, {}, (_req, res, auth) => res.end(auth.claims.sub))
        ).listen(0, "127.0.0.1");
        await once(server, "listening");
        const client = dpopClient({ token: client => issuer.sign({ sub: "ann" }, { boundTo: client }) });
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/me`;
        const response = await client.fetch(url);
        expect([response.status, await response.text()]).toEqual([200, "ann"]);
        expect((await fetch(url, { headers: { authorization: `DPoP ${client.token}` } })).status).toBe(401);
        server.close();
    });
});

test("a key of the test's own", async () => {
    const issuer = createTestIssuer();
    const key = createTestKey("EdDSA");
    const client = dpopClient({ key, token: issuer.sign({}, { boundTo: key }) });
    expect(client.thumbprint).toBe(key.thumbprint);
    const validator = createValidator(issuer.options);
    const target = { method: "GET", url: URL_OF_ITEMS };
    expect((await validator.validateRequest(client.headers("GET", URL_OF_ITEMS), target)).isSuccess).toBe(
        true
    );
    const thief = dpopClient({ token: client.token });
    expect((await validator.validateRequest(thief.headers("GET", URL_OF_ITEMS), target)).code).toBe(
        "proof_key_mismatch"
    );
});

test.each([
    [() => dpopClient({} as DpopClientOptions), "token must be an access token"],
    [() => dpopClient({ token: "t", keys: 1 } as never), 'did you mean "key"'],
    [() => dpopClient({ token: () => 5 as never }), "token must be an access token"],
    [
        () => dpopClient({ token: "t", key: {} as never }),
        "dpopClient takes a key of createTestKey; got an object"
    ],
    [
        () => dpopClient({ token: "t", fetch: "x" as never }),
        'the option "fetch": expected a function; got "x"'
    ],
    [
        () => dpopClient({ token: "t" }).proof("GET", "/items"),
        'for an absolute URL, such as "https://api.test/me"; got "/items"'
    ],
    [() => dpopClient({ token: "t" }).proof("", URL_OF_ITEMS), 'a proof is for a method such as "GET"'],
    [
        () => dpopClient({ token: "t" }).proof("GET", URL_OF_ITEMS, { nonce: 5 as never }),
        'the option "nonce": expected a text; got 5'
    ],
    [
        () => dpopClient({ token: "t" }).proof("GET", URL_OF_ITEMS, { accessToken: null as never }),
        'the option "accessToken"'
    ],
    [
        () => dpopClient({ token: "t" }).proof("GET", URL_OF_ITEMS, { claims: [] as never }),
        'the option "claims": expected an object; got a list'
    ],
    [
        () => dpopClient({ token: "t" }).proof("GET", URL_OF_ITEMS, { header: "x" as never }),
        'the option "header"'
    ],
    [
        () => dpopClient({ token: "t" }).proof("GET", URL_OF_ITEMS, { otherKey: "true" as never }),
        'the option "otherKey": expected true or false'
    ],
    [() => dpopClient({ token: "t" }).proof("GET", URL_OF_ITEMS, { expired: 1 } as never), "issuedSecondsAgo"]
])("%#: an option that makes no sense is an error that says what to write", (attempt, message) => {
    expect(attempt).toThrow(message);
});
