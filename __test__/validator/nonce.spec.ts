// Nonces of this server (RFC 9449 sections 8 and 9), with the client code that applications use (openid-client).

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createValidator, type ValidatorOptions } from "oidc-spa-native";
import * as oauth from "openid-client";
import { afterAll, beforeAll, expect, test } from "vitest";

interface Issuer {
    readonly issuerUri: string;
    readonly clientSecret: string;
    close(): Promise<void>;
}

const demo = (name: string): Promise<unknown> =>
    import(/* @vite-ignore */ new URL(`../../examples/demo/${name}.mjs`, import.meta.url).href);
const { startIssuer, API, SCOPE } = (await demo("issuer")) as {
    startIssuer: () => Promise<Issuer>;
    API: string;
    SCOPE: string;
};

let issuer: Issuer;
const servers: Server[] = [];

beforeAll(async () => {
    issuer = await startIssuer();
});

afterAll(async () => {
    for (const server of servers) {
        server.closeAllConnections();
        server.close();
    }
    await issuer.close();
});

/** WebAssembly has no secret of its own. */
const SECRET = "of the tests, at least 32 characters";

interface Answer {
    readonly status: number;
    readonly code: string | undefined;
    readonly nonce: string | undefined;
    readonly cacheControl: string | undefined;
}

/** An API that is guarded with these options, and what it answered. */
async function startApi(options: Partial<ValidatorOptions>): Promise<{ url: URL; answers: Answer[] }> {
    const validator = createValidator({
        issuerUri: issuer.issuerUri,
        expectedAudience: API,
        ...options
    } as ValidatorOptions);
    const answers: Answer[] = [];
    const server = createServer((req, res) => {
        void validator.validateRequest(req).then(verdict => {
            const status = verdict.isSuccess ? 200 : verdict.status;
            answers.push({
                status,
                code: verdict.code,
                nonce: verdict.headers["DPoP-Nonce"],
                cacheControl: verdict.headers["Cache-Control"]
            });
            res.writeHead(status, verdict.headers).end();
        });
    });
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/items`), answers };
}

/** A client with a bound token, as an application has it. */
async function newClient() {
    const config = await oauth.discovery(
        new URL(issuer.issuerUri),
        "service-es256",
        undefined,
        oauth.ClientSecretBasic(issuer.clientSecret),
        { execute: [oauth.allowInsecureRequests] }
    );
    const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair());
    return { config, DPoP };
}

async function newToken(): Promise<(url: URL) => Promise<number>> {
    const { config, DPoP } = await newClient();
    const grant = await oauth.clientCredentialsGrant(config, { resource: API, scope: SCOPE }, { DPoP });
    return url =>
        oauth
            .fetchProtectedResource(config, grant.access_token, url, "GET", undefined, undefined, { DPoP })
            .then(response => response.status)
            .catch((error: unknown) => {
                if (error instanceof oauth.WWWAuthenticateChallengeError) {
                    return error.response.status;
                }
                throw error;
            });
}

test("M01, M13: a client gets in at its second try, and then at its first", async () => {
    const { url, answers } = await startApi({ nonce: "required", nonceSecret: SECRET });
    const fetchItems = await newToken();
    expect([await fetchItems(url), await fetchItems(url)]).toEqual([200, 200]);
    const nonce = answers[0]?.nonce;
    expect(nonce).toMatch(/^[\w-]{43}$/);
    expect(answers.map(answer => answer.code)).toEqual(["proof_nonce_required", undefined, undefined]);
    expect(answers[0]?.cacheControl).toBe("no-store");
});

test("M10: with nonces, a client whose clock is off gets in", async () => {
    let skew = 0;
    const clock = () => Date.now() + skew;
    const { url, answers } = await startApi({
        nonce: "on-stale-proof",
        nonceSecret: SECRET,
        clock,
        leewaySeconds: 300
    });
    const fetchItems = await newToken();
    expect(await fetchItems(url)).toBe(200);
    // The token is fresh still; the proofs look 200 seconds old, and the nonce that came with the answer is too old.
    skew = 200_000;
    expect(await fetchItems(url)).toBe(200);
    expect(answers.map(answer => answer.code)).toEqual([undefined, "proof_nonce_required", undefined]);
});

test("M13: whoever lacks the nonce of now is given it with the answer, and keeps using it", async () => {
    const { url, answers } = await startApi({ nonce: "on-stale-proof", nonceSecret: SECRET });
    const fetchItems = await newToken();
    expect(await fetchItems(url)).toBe(200);
    expect(answers[0]?.nonce).toMatch(/^[\w-]{43}$/);
    expect(await fetchItems(url)).toBe(200);
    expect(answers[1]).toMatchObject({ status: 200, nonce: undefined, cacheControl: undefined });
});

test("M15: two processes that share a secret take each other's nonces; with other secrets they do not", async () => {
    const secret = (letter: string) => ({ nonce: "required", nonceSecret: letter.repeat(32) }) as const;
    const [one, two, other] = [
        await startApi(secret("a")),
        await startApi(secret("a")),
        await startApi(secret("b"))
    ];
    const fetchItems = await newToken();
    expect(await fetchItems(one.url)).toBe(200);
    const nonce = one.answers[0]?.nonce;
    expect(await fetchItems(two.url)).toBe(200);
    expect(await fetchItems(other.url)).toBe(200);
    expect(two.answers[0]?.nonce).toBe(nonce);
    expect(other.answers[0]?.nonce).not.toBe(nonce);
});

test("nonces are off by default", async () => {
    const { url, answers } = await startApi({});
    const fetchItems = await newToken();
    expect(await fetchItems(url)).toBe(200);
    expect(answers).toEqual([{ status: 200, code: undefined, nonce: undefined, cacheControl: undefined }]);
});
