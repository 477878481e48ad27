// The nonces of this library (RFC 9449 section 9) and the client code of oidc-spa, in a real browser: Chromium signs in
// at oidc-provider and calls an API across origins.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createValidator } from "oidc-spa-native";
import { chromium, type Browser, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith, startable } from "../support/programs.js";

interface Issuer {
    readonly issuerUri: string;
    close(): Promise<void>;
}
interface App {
    readonly clientId: string;
    readonly redirectUri: string;
    readonly origin: string;
}

const demo: unknown = await import(
    /* @vite-ignore */ new URL("../../examples/demo/issuer.mjs", import.meta.url).href
);
const { startIssuer, API, SCOPE } = demo as {
    startIssuer: (options: { app: App }) => Promise<Issuer>;
    API: string;
    SCOPE: string;
};

/** What the API saw and said, preflights aside. */
interface Exchange {
    readonly hasNonce: boolean;
    readonly code: string | undefined;
    readonly nonce: string | undefined;
}

const PERIOD_MS = 60_000;
const servers: Server[] = [];
const exchanges: Exchange[] = [];
let folder: string;
let issuer: Issuer;
let browser: Browser;
let page: Page;
let apiUrl: string;
/** How far the API's clock is ahead. */
let skew = 0;

async function originOf(server: Server): Promise<string> {
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const TYPES: Record<string, string> = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json"
};

async function startPage(settings: () => object): Promise<string> {
    const server = createServer(async (req, res) => {
        const { pathname } = new URL(req.url ?? "/", "http://localhost");
        if (pathname === "/settings.json") {
            res.end(JSON.stringify(settings()));
            return;
        }
        const file = pathname === "/" ? "/index.html" : pathname;
        const body = await readFile(join(folder, "page", file)).catch(() => undefined);
        res.writeHead(body === undefined ? 404 : 200, {
            "content-type": TYPES[extname(file)] ?? "text/plain"
        }).end(body);
    });
    return originOf(server);
}

async function startApi(issuerUri: string, pageOrigin: string): Promise<string> {
    const validator = createValidator({
        issuerUri,
        expectedAudience: API,
        dpop: "required",
        nonce: "required",
        noncePeriodSeconds: PERIOD_MS / 1000,
        clock: () => Date.now() + skew
    });
    const cors = {
        "Access-Control-Allow-Origin": pageOrigin,
        "Access-Control-Allow-Headers": "Authorization, DPoP",
        "Access-Control-Expose-Headers": "WWW-Authenticate, DPoP-Nonce"
    };
    const server = createServer(async (req, res) => {
        if (req.method === "OPTIONS") {
            res.writeHead(204, cors).end();
            return;
        }
        const verdict = await validator.validateRequest(req);
        const [, payload = ""] = String(req.headers.dpop).split(".");
        const hasNonce = Buffer.from(payload, "base64url").toString().includes('"nonce"');
        exchanges.push({ hasNonce, code: verdict.code, nonce: verdict.headers["DPoP-Nonce"] });
        res.writeHead(verdict.isSuccess ? 200 : verdict.status, { ...cors, ...verdict.headers });
        res.end(verdict.isSuccess ? verdict.claims.sub : verdict.code);
    });
    return originOf(server);
}

describeWith(["chromium"], "in Chromium", () => {
    beforeAll(async () => {
        folder = await mkdtemp(join(tmpdir(), "oidc-spa-native-browser-"));
        const root = fileURLToPath(new URL("page", import.meta.url));
        await build({
            root,
            configFile: false,
            logLevel: "error",
            build: { outDir: join(folder, "page"), target: "esnext", modulePreload: false }
        });
        let issuerUri = "";
        const pageOrigin = await startPage(() => ({
            issuerUri,
            clientId: "spa",
            resource: API,
            scope: SCOPE
        }));
        issuer = await startIssuer({
            app: { clientId: "spa", redirectUri: `${pageOrigin}/`, origin: pageOrigin }
        });
        issuerUri = issuer.issuerUri;
        apiUrl = `${await startApi(issuerUri, pageOrigin)}/items`;
        const home = join(folder, "home");
        browser = await chromium.launch({
            executablePath: startable("chromium"),
            args: [
                ...[
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--disable-quic",
                    "--no-first-run"
                ],
                ...["--disable-background-networking", "--disable-component-update", "--disable-sync"]
            ],
            env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home }
        });
        page = await browser.newPage();
        await page.goto(`${pageOrigin}/`);
        await page.fill("input[name=login]", "alice");
        await page.click("button");
        await page.waitForURL(`${pageOrigin}/**`);
        await page.waitForFunction(() => window.callApi !== undefined);
    }, 120_000);

    afterAll(async () => {
        await browser?.close();
        await issuer?.close();
        for (const server of servers) {
            server.closeAllConnections();
            server.close();
        }
        await rm(folder, { recursive: true, force: true });
    });

    /** What the page got, and what went over the wire for it. */
    async function callApi(): Promise<{ status: number; body: string; exchanges: Exchange[] }> {
        exchanges.length = 0;
        const answer = await page.evaluate(url => window.callApi?.(url), apiUrl);
        return { status: 0, body: "", ...answer, exchanges: [...exchanges] };
    }

    test("M01: the first call is sent back for a nonce, which the client answers by itself", async () => {
        const { status, body, exchanges } = await callApi();
        expect({ status, body }).toEqual({ status: 200, body: "alice" });
        expect(exchanges).toMatchObject([
            { hasNonce: false, code: "proof_nonce_required", nonce: expect.stringMatching(/^[\w-]{43}$/) },
            { hasNonce: true, code: undefined }
        ]);
    });

    test("M13: the next calls carry it at once", async () => {
        for (let i = 0; i < 3; i++) {
            const { status, exchanges } = await callApi();
            expect(status).toBe(200);
            expect(exchanges).toEqual([{ hasNonce: true, code: undefined, nonce: undefined }]);
        }
    });

    test("M13: a period later, the nonce of before is good and the answer brings the next one", async () => {
        skew += PERIOD_MS;
        const first = await callApi();
        expect(first.status).toBe(200);
        expect(first.exchanges).toMatchObject([
            { hasNonce: true, code: undefined, nonce: expect.any(String) }
        ]);
        const second = await callApi();
        expect(second.status).toBe(200);
        expect(second.exchanges).toEqual([{ hasNonce: true, code: undefined, nonce: undefined }]);
    });

    test("M10: after a long pause, the nonce is too old, and the client gets in at its second try", async () => {
        skew += 2 * PERIOD_MS;
        const { status, exchanges } = await callApi();
        expect(status).toBe(200);
        expect(exchanges.map(({ code }) => code)).toEqual(["proof_nonce_required", undefined]);
        expect((await callApi()).exchanges).toMatchObject([{ code: undefined }]);
    });
});
