// Each case of fetch-cases.ts, through the engine's own client, and through functions of the application in its place.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
    createValidator,
    type FetchFunction,
    type IssuerHealth,
    type ValidatorOptions
} from "oidc-spa-native";
import { fetch as undiciFetch } from "undici";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { IS_WASM } from "../support/engine.js";
import { AUDIENCE, createFixtures, type Fixtures } from "../support/fixtures.js";
import { outcome } from "../support/reaching.js";
import { fetchCases, WAYS, type Client, type FetchCase, type Way } from "./fetch-cases.js";

let f: Fixtures;

beforeAll(async () => {
    f = await createFixtures();
});
afterAll(() => f.issuer.close());

const FUNCTIONS: { readonly [way in Way]: FetchFunction | undefined } = {
    "the engine": undefined,
    "network.fetch: fetch": fetch,
    "network.fetch: undici": undiciFetch
};

const CLIENTS: { readonly [way in Way]: Client } = {
    "the engine": IS_WASM ? "fetch" : "reqwest",
    "network.fetch: fetch": "fetch",
    "network.fetch: undici": "undici"
};

const MADE_BY = ". The requests are made by `network.fetch`";

// Only the names are needed before the fixtures are made.
describe.each(WAYS)("%s", way => {
    test.each(fetchCases("").map(({ name }) => name))("%s", async name => {
        const one = fetchCases(JSON.stringify(f.issuer.jwks)).find(one => one.name === name) as FetchCase;
        const { origin, asked } = await startServer(one);
        const { network, ...options } = one.options?.(origin) ?? {};
        const given = FUNCTIONS[way];
        const all = {
            issuerUri: "https://auth.example.com",
            jwksUri: `${origin}/jwks`,
            expectedAudience: AUDIENCE,
            ...options,
            network: { ...network, ...(given && { fetch: given }) }
        } as ValidatorOptions & { issuerUri: string };
        const validator = createValidator(all);
        const said = await outcome(f, validator, all.issuerUri);
        const now = Date.now();
        const health = validator.health().issuers[0] as IssuerHealth;

        const { otherwise } = one;
        if (one.expected === "granted") {
            expect(said).toBe("granted");
        } else {
            expect(said.endsWith(MADE_BY)).toBe(given !== undefined);
            const pattern = otherwise?.[CLIENTS[way]];
            const failure = said.replace(MADE_BY, "").replaceAll(origin, "{origin}");
            pattern === undefined
                ? expect(failure).toBe(`failed: ${one.expected}`)
                : expect(failure).toMatch(pattern);
        }
        // A next attempt may have begun.
        expect(asked.slice(0, one.asked.length)).toEqual(one.asked);
        expect([undefined, one.asked[0]]).toContain(asked[one.asked.length]);
        if (one.wait !== undefined) {
            const { nextFetchAt } = health;
            const [from, to] = one.wait;
            expect(nextFetchAt).not.toBeNull();
            const wait = ((nextFetchAt ?? 0) - now) / 1000;
            // The clock has gone on since the end of the fetch.
            expect(wait).toBeLessThanOrEqual(to + 0.1);
            expect(wait).toBeGreaterThan(from > 2 ? from - 2 : Number.NEGATIVE_INFINITY);
        }
        if (one.expected === "granted") {
            const { clockSkewSeconds } = health;
            one.clockSkewSeconds === undefined
                ? expect(clockSkewSeconds).toBeNull()
                : expect(Math.abs((clockSkewSeconds ?? 0) - one.clockSkewSeconds)).toBeLessThan(5);
        }
    });
});

async function startServer({ answer }: FetchCase): Promise<{ origin: string; asked: string[] }> {
    const asked: string[] = [];
    const server = createServer((request, response) => {
        response.sendDate = false;
        asked.push(request.url as string);
        answer(request.url as string, response, `http://${request.headers.host}`);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
        server.closeAllConnections();
        server.close();
    });
    return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}
