// Whose word is taken for the URL that the client saw (ATTACKS K36 to K42), with real connections.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createValidator, type ValidatorOptions } from "oidc-spa-native";
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
