// A proof's host is what `Host` says, unless the options say whose word is taken: a notice where the two differ.

import { createValidator, type ValidatorOptions } from "oidc-spa-native";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

const AUDIENCE = "https://api.example.com";

let f: Fixtures;

beforeAll(async () => {
    f = await createFixtures();
});

afterAll(() => f.issuer.close());
afterEach(() => vi.restoreAllMocks());

/** Sends a good request to this host, and says what was noticed. */
async function warningsFor(host: string, options: Partial<ValidatorOptions>, times = 1): Promise<string[]> {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const validator = createValidator({
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        ...options
    } as ValidatorOptions);
    const aud = [AUDIENCE, "items"];
    for (let i = 0; i < times; i++) {
        const accessToken = f.token(nowInSeconds(), { aud, cnf: { jkt: f.jkt } });
        const htu = `${options.publicBaseUrl ?? `http://${host}`}/items`;
        const dpop = f.proof(nowInSeconds(), accessToken, { htu, jti: `${host} ${i} ${Math.random()}` });
        const headers = { host, authorization: `DPoP ${accessToken}`, dpop };
        const request = { method: "GET", url: "/items", headers, socket: { encrypted: false } };
        expect(await validator.validateRequest(request as never)).toMatchObject({ isSuccess: true });
    }
    const calls = warned.mock.calls.map(([text, details]) => [
        (details as { code: string }).code,
        String(text)
    ]);
    return calls.filter(([code]) => code === "OIDC_SPA_NATIVE_HOST_DIFFERS").map(([, text]) => text ?? "");
}

test.each<[name: string, host: string, options: Partial<ValidatorOptions>]>([
    ["the host is the audience's", "api.example.com", {}],
    ["it has a port", "api.example.com:8443", {}],
    ["it is a resource's", "other.example", { resource: "https://other.example" }],
    ["the audience names no host", "other.example", { expectedAudience: "items" }],
    ["the audience is not checked", "other.example", { expectedAudience: false }],
    ["a proxy's word is taken", "other.example", { trustProxy: true }],
    ["the URL is fixed", "other.example", { publicBaseUrl: "https://api.example.com" }],
    ["a developer's own machine is asked", "localhost:3000", {}],
    ["and by its address", "127.0.0.1:3000", {}],
    ["and in IPv6", "[::1]:3000", {}]
])("no notice where %s", async (_, host, options) => {
    expect(await warningsFor(host, options)).toEqual([]);
});

test("one notice, once, where Host decides and names another host than the audience", async () => {
    const [notice, ...more] = await warningsFor("evil.example", {}, 3);
    expect(more).toEqual([]);
    expect(notice).toContain("for the host evil.example, but the options name api.example.com");
    expect(notice).toContain('publicBaseUrl (such as "https://api.example.com")');
});

test("and none in this thread after it", async () => {
    expect(await warningsFor("another.example", {})).toEqual([]);
});
