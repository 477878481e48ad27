// A Worker of Cloudflare, on workerd: its issuer is fetched, its requests end, and its engine has no timers between them.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { root } from "../support/script.js";
import { startWorker, type Worker } from "../support/workerd.js";

const URL = "https://api.example/items";

let fixtures: Fixtures;
let worker: Worker;
const now = nowInSeconds();

beforeAll(async () => {
    fixtures = await createFixtures();
    worker = await startWorker({
        // The validators are made at the top level, where workerd has no randomness, no timers and no fetch.
        "worker.mjs": `
            import { createValidator } from "oidc-spa-native";
            import { protect } from "oidc-spa-native/fetch";
            import { protect as protectRoute } from "oidc-spa-native/hono";
            import { oidcSpa, extractRequestAuthContext } from "oidc-spa-native/server";
            import { createContext, protect as protectProcedure } from "oidc-spa-native/trpc";
            import { initTRPC } from "@trpc/server";
            import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
            import { Hono } from "hono";
            import { channel } from "node:diagnostics_channel";
            import { hasListeners, isHeard, traceChannels } from ${JSON.stringify(join(root, "dist/addon/tracing.js"))};
            const issuerUri = ${JSON.stringify(fixtures.issuer.issuerUri)};
            const expectedAudience = ${JSON.stringify(AUDIENCE)};
            // Miniflare hands requests over under a host of its own.
            const publicBaseUrl = "https://api.example";
            const validator = createValidator({ issuerUri, expectedAudience, publicBaseUrl });
            const seen = new Set();
            const stored = createValidator({ issuerUri, expectedAudience, publicBaseUrl, replayStore: {
                checkAndStore: async key => !seen.has(key) && !!seen.add(key)
            } });
            const hurried = createValidator({ issuerUri, expectedAudience, network: { timeoutMs: 1000 } });
            const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
            await bootstrapAuth({ implementation: "real", issuerUri, expectedAudience });
            const early = await validator.ready().then(() => "ready", error => error.code);
            const t = initTRPC.context().create();
            const router = t.router({
                me: t.procedure.use(protectProcedure(validator)).query(({ ctx }) => ctx.auth.claims.sub)
            });
            const app = new Hono();
            app.use("/hono/*", protectRoute(validator));
            app.get("/hono/me", c => c.text(c.get("auth").claims.sub));
            const items = protect(validator, {}, (request, auth) => new Response(auth.claims.sub));
            const withStore = protect(stored, {}, (request, auth) => new Response(auth.claims.sub));
            const inAHurry = protect(hurried, {}, (request, auth) => new Response(auth.claims.sub));
            export default {
                async fetch(request, env, ctx) {
                    const { pathname } = new URL(request.url);
                    if (pathname === "/listeners") {
                        const [one, trace] = [channel("one"), traceChannels("trace")];
                        const said = () => [hasListeners(one), isHeard(trace)];
                        const before = said();
                        one.subscribe(() => {});
                        trace.end.subscribe(() => {});
                        return Response.json([before, said()]);
                    }
                    if (pathname === "/early") { return new Response(early); }
                    if (pathname.startsWith("/trpc/")) {
                        return fetchRequestHandler({ req: request, endpoint: "/trpc", router, createContext });
                    }
                    if (pathname === "/health") { return Response.json(validator.health()); }
                    if (pathname === "/drop-in") {
                        const own = new Request(request);
                        own.headers.set("host", "api.example");
                        const context = extractRequestAuthContext({ request: own, trustProxy: false });
                        const verdict = await validateAndDecodeAccessToken(context.accessTokenAndMetadata);
                        return new Response(verdict.isSuccess ? "granted" : verdict.code);
                    }
                    if (pathname.startsWith("/hono/")) { return app.fetch(request, env, ctx); }
                    if (pathname === "/hurried") { return inAHurry(request); }
                    return pathname === "/stored" ? withStore(request) : items(request);
                }
            };`
    });
}, 60_000);
afterAll(async () => {
    await worker.close();
    await fixtures.issuer.close();
});

const bearer = () => ({ headers: { authorization: `Bearer ${fixtures.token(now)}` } });
const bound = (changes: object = {}) => {
    const token = fixtures.boundToken(now);
    const proof = fixtures.proof(nowInSeconds(), token, { htu: URL, ...changes });
    return { headers: { authorization: `DPoP ${token}`, dpop: proof } };
};

test("the keys are fetched once for many requests that come at once", async () => {
    const before = fixtures.issuer.requests.jwks;
    const statuses = await Promise.all(
        Array.from({ length: 20 }, async () => (await worker.fetch("/items", bearer())).status)
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(fixtures.issuer.requests.jwks).toBe(before + 1);
    const health = (await (await worker.fetch("/health")).json()) as { engine: string };
    expect(health).toMatchObject({ engine: "wasm", issuers: [{ state: "fresh" }] });
});

test("every algorithm is verified, and a changed token is not", async () => {
    for (const alg of ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"] as const) {
        const token = fixtures.token(now, {}, alg);
        const ask = (text: string) =>
            worker.fetch("/items", { headers: { authorization: `Bearer ${text}` } });
        expect([alg, (await ask(token)).status]).toEqual([alg, 200]);
        const [header, payload, signature = ""] = token.split(".");
        const other = signature.startsWith("A") ? "B" : "A";
        const refused = await ask(`${header}.${payload}.${other}${signature.slice(1)}`);
        expect([alg, refused.status, refused.headers.get("www-authenticate")]).toEqual([
            alg,
            401,
            expect.stringContaining('error="invalid_token"')
        ]);
    }
});

describe("a proof", () => {
    test("is accepted once", async () => {
        const request = bound();
        const answers = [await worker.fetch("/items", request), await worker.fetch("/items", request)];
        expect(answers.map(({ status }) => status)).toEqual([200, 401]);
        expect(answers[1]?.headers.get("www-authenticate")).toContain('error="invalid_dpop_proof"');
    });

    test("for another target is refused", async () => {
        expect((await worker.fetch("/items", bound({ htu: "https://other.example/items" }))).status).toBe(
            401
        );
    });

    test("is accepted once by an application's replay store", async () => {
        const request = bound({ htu: "https://api.example/stored" });
        const answers = await Promise.all([1, 2, 3].map(() => worker.fetch("/stored", request)));
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401]);
    });
});

test("nothing is published for nobody", async () => {
    expect(await (await worker.fetch("/listeners")).json()).toEqual([
        [false, false],
        [true, true]
    ]);
});

test("before a request comes, nothing is fetched: ready() says so, and bootstrapAuth lets the Worker start", async () => {
    expect(await (await worker.fetch("/early")).text()).toBe("OIDC_SPA_NATIVE_NO_REQUEST");
    expect(await (await worker.fetch("/drop-in", bearer())).text()).toBe("granted");
});

test.each(["/hono/me", "/drop-in", "/trpc/me"])("%s judges tokens and proofs", async path => {
    const said = async (init: object = {}) => {
        const response = await worker.fetch(path, init);
        return [response.status, await response.text()].join(" ");
    };
    const proven = bound({ htu: `https://api.example${path}` });
    const isGranted = /^200 .*(user-1|granted)/;
    expect(await said(bearer())).toMatch(isGranted);
    expect(await said()).not.toMatch(isGranted);
    expect(await said(proven)).toMatch(isGranted);
    expect(await said(proven)).not.toMatch(isGranted);
});

test("requests do not wait for ever for a fetch that another request began, and that is gone", async () => {
    fixtures.issuer.isSilent = true;
    const leaving = new AbortController();
    const first = worker.fetch("/hurried", { ...bearer(), signal: leaving.signal }).catch(() => undefined);
    const second = worker.fetch("/hurried", bearer());
    await new Promise(resolve => setTimeout(resolve, 300));
    leaving.abort();
    await first;
    fixtures.issuer.isSilent = false;
    // The fetch that got no answer is over after a second, or forgotten after two, and the next one gets the keys.
    const statuses = [await second, await worker.fetch("/hurried", bearer())].map(({ status }) => status);
    expect(statuses[1]).toBe(200);
    expect([200, 503]).toContain(statuses[0]);
});
