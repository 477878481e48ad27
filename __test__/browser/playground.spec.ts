// The playground in a real browser: its page, and every vector that needs no network through its engine, which asks WebCrypto.

import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Requirements, Validator } from "oidc-spa-native";
import { createTestIssuer } from "oidc-spa-native/testing";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith, startable } from "../support/programs.js";
import { addon, answerTo, rotates, writtenOptionsOf, type Answer, type Reached } from "../vectors/engines.js";
import { nodeRequest, vectors, type Step } from "../vectors/vectors.js";

const playground: unknown = await import(
    /* @vite-ignore */ new URL("../../examples/playground/serve.mjs", import.meta.url).href
);
const { startPlayground } = playground as {
    startPlayground: (port: number) => Promise<{ url: string; server: Server }>;
};

/** Those whose keys an issuer publishes anew are fetched. */
const here = vectors.filter(vector => !rotates(vector));

describeWith(["chromium"], "the playground in Chromium", () => {
    let home: string;
    let server: Server;
    let url: string;
    let browser: Browser;
    let page: Page;
    const faults: string[] = [];
    const requested: string[] = [];

    beforeAll(async () => {
        home = await mkdtemp(join(tmpdir(), "oidc-spa-native-playground-"));
        ({ server, url } = await startPlayground(0));
        browser = await chromium.launch({
            executablePath: startable("chromium"),
            args: [
                ...["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic"],
                ...["--no-first-run", "--disable-background-networking", "--disable-component-update"]
            ],
            env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home }
        });
        page = await browser.newPage();
        page.on("pageerror", error => faults.push(String(error)));
        page.on("request", request => requested.push(new URL(request.url()).pathname));
        await page.goto(url);
    });

    afterAll(async () => {
        await browser?.close();
        server?.closeAllConnections();
        server?.close();
        await rm(home, { recursive: true, force: true });
    });

    const verdict = (): Promise<string | null> => page.textContent("#verdict");
    const outcomes = (): Promise<string[]> => page.locator("#checks td:first-child").allTextContents();

    test("shows a granted request at once, with all its checks", async () => {
        await expect.poll(verdict).toBe("Granted");
        const all = await outcomes();
        expect(all).not.toContain("failed");
        expect(all.filter(outcome => outcome === "passed").length).toBeGreaterThan(20);
    });

    test("shows a refused one, and why", async () => {
        await page.click("[data-sample=refused]");
        await expect.poll(verdict).toBe("Refused: proof_method_mismatch");
        expect(await page.textContent("#reason")).toContain("htm: GET, expected htm: DELETE");
        expect(await outcomes()).toContain("failed");
    });

    test("judges what is pasted: a token whose signature begins with another character has no good signature", async () => {
        await page.click("[data-sample=granted]");
        await expect.poll(verdict).toBe("Granted");
        const token = await page.inputValue("[name=token]");
        const [head, payload, signature = ""] = token.split(".");
        const changed = `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
        await page.fill("[name=token]", `Authorization: DPoP ${head}.${payload}.${changed}`);
        await page.click("[type=submit]");
        await expect.poll(verdict).toBe("Refused: signature_invalid");
        await page.fill("[name=token]", `DPoP ${token}`);
        await page.click("[type=submit]");
        await expect.poll(verdict).toBe("Granted");
    });

    test("shows pasted text as text, and says what is wrong with the keys", async () => {
        const hostile = '<img src=x onerror="document.title=1">';
        await page.fill("[name=method]", hostile);
        await page.click("[type=submit]");
        await expect.poll(() => page.textContent("#checks")).toContain("<img src=x");
        await page.fill("[name=keys]", `{"keys": [{"kty": "${hostile.replaceAll('"', "'")}"}]}`);
        await page.click("[type=submit]");
        await expect.poll(verdict).toBe("Not judged");
        await page.fill("[name=keys]", hostile);
        await page.click("[type=submit]");
        await expect.poll(() => page.textContent("#reason")).toContain("The keys are not JSON");
        expect(await page.locator("main img").count()).toBe(0);
        expect(await page.title()).toBe("Playground: oidc-spa-native");
    });

    test("takes the whole field of a proof, and says nothing of proofs where there is none", async () => {
        await page.click("[data-sample=granted]");
        await expect.poll(verdict).toBe("Granted");
        expect(await page.textContent("#reason")).toContain("this proof");
        await page.fill("[name=proof]", `DPoP: ${await page.inputValue("[name=proof]")}`);
        await page.fill("[name=method]", "DELETE");
        await page.click("[type=submit]");
        await expect.poll(verdict).toBe("Refused: proof_method_mismatch");

        const issuer = createTestIssuer();
        await page.fill("[name=issuer]", issuer.issuerUri);
        await page.fill("[name=audience]", "https://api.test");
        await page.fill("[name=keys]", JSON.stringify(issuer.jwks));
        await page.fill("[name=time]", "");
        await page.fill("[name=proof]", "");
        await page.fill("[name=token]", issuer.sign());
        await page.click("[type=submit]");
        await expect.poll(verdict).toBe("Granted");
        expect(await page.textContent("#reason")).toBe("");
    });

    test("has asked for nothing but its own files, and may not", async () => {
        expect(faults).toEqual([]);
        expect(requested.every(path => path === "/" || /^\/[\w./-]+\.(js|css)$/.test(path))).toBe(true);
        const sends = page.evaluate(() => fetch("/").then(String, error => `refused: ${error}`));
        expect(await sends).toContain("refused");
    });

    test("says of each vector what the addon says, word for word", { timeout: 180_000 }, async () => {
        expect(here.length).toBeGreaterThan(400);
        const tasks = here.map(vector => ({
            options: writtenOptionsOf(vector),
            steps: vector.steps.map(({ time, atOnce, rules, request }) => ({
                time,
                atOnce,
                rules,
                certificate: request.clientCertificate,
                request: nodeRequest(request)
            }))
        }));
        // Text: what is undefined stays away, as in JSON.
        const engine = await page.evaluateHandle('import("/engine.js")');
        const told = await page.evaluate(answersInPage, { engine, text: JSON.stringify(tasks) });
        const differences: string[] = [];
        for (const [i, vector] of here.entries()) {
            const own = await addon({} as Reached).answers(vector);
            const others = await Promise.all(
                vector.steps.map((step, j) => inOne(step, told[i]?.[j] as readonly Answer[]))
            );
            if (JSON.stringify(others) !== JSON.stringify(own)) {
                differences.push(
                    `${vector.id}: ${JSON.stringify(own)}; in Chromium ${JSON.stringify(others)}`
                );
            }
        }
        expect(differences.join("\n")).toBe("");
    });
});

/** The answers to one step, in one. */
function inOne(step: Step, told: readonly Answer[]): Promise<Answer> {
    let next = 0;
    return answerTo(step, async () => {
        next += 1;
        return told[next - 1] as Answer;
    });
}

/** Runs in the page: all answers to each step of each vector. */
async function answersInPage({ engine, text }: { engine: unknown; text: string }): Promise<Answer[][][]> {
    const { validatorOf, allScopes, stepUp } = engine as {
        validatorOf: (options: object) => Promise<Validator>;
        allScopes: (scopes: readonly string[]) => Requirements;
        stepUp: (asked: object) => Requirements;
    };
    const all: Answer[][][] = [];
    for (const { options, steps } of JSON.parse(text)) {
        let now = 0;
        const validator = await validatorOf({ ...options, clock: () => now });
        const answers: Answer[][] = [];
        for (const { time, atOnce = 1, rules, certificate, request } of steps) {
            now = time * 1000;
            if (certificate !== undefined && request.socket.encrypted) {
                const raw = Uint8Array.from(atob(certificate), character => character.charCodeAt(0));
                request.socket.getPeerX509Certificate = () => ({ raw });
            }
            const { scopes, acr, maxAgeSeconds } = rules ?? {};
            const stepped = { ...(acr && { acrValues: acr }), ...(maxAgeSeconds && { maxAgeSeconds }) };
            const require = rules && (scopes ? allScopes(scopes) : stepUp(stepped));
            const { refusal } = await validator.explain(request, null, require && { require });
            const judge = async (): Promise<Answer> => {
                const judged = await validator.validateRequest(request);
                const verdict = require ? validator.authorize(judged, require) : judged;
                const { code, status, headers, debugErrorMessage: message } = verdict;
                const answer: Answer = verdict.isSuccess
                    ? { verdict: "granted" }
                    : {
                          verdict: "refused",
                          code,
                          status,
                          challenge: headers["WWW-Authenticate"],
                          hasNonce: "DPoP-Nonce" in headers,
                          message
                      };
                return atOnce === 1 ? { ...answer, explained: refusal?.code ?? "granted" } : answer;
            };
            answers.push(await Promise.all(Array.from({ length: atOnce }, judge)));
        }
        all.push(answers);
    }
    return all;
}
