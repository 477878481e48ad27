// The engine over WebCrypto, whose answers come later: nothing is granted by an answer to another question, by one that never
// comes, or twice. The package runs here as the playground bundles it, and WebCrypto is that of Node.js.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { RequestLike, Validator } from "oidc-spa-native";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type * as later from "../../ts/wasm/web-crypto.js";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { settled } from "./settled.js";

const require = createRequire(import.meta.url);
const { WebQuestions, WebSignatures } = require("../../dist/wasm/web-crypto.js") as typeof later;

/** The timers of the engine that are set. */
const timers: (() => void)[] = [];
let folder: string;
let fixtures: Fixtures;
let validatorOf: (options: object) => Promise<Validator>;

beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "oidc-spa-native-web-crypto-"));
    const bundler: unknown = await import(
        /* @vite-ignore */ new URL("../../examples/playground/bundle.mjs", import.meta.url).href
    );
    const { bundlePage } = bundler as { bundlePage: () => Promise<Map<string, string | Uint8Array>> };
    for (const [path, content] of await bundlePage()) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), content);
    }
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    // The engine keeps the timers that it finds.
    vi.stubGlobal("setTimeout", (call: () => void) => timers.push(call));
    vi.stubGlobal("clearTimeout", (number: number) => delete timers[number - 1]);
    ({ validatorOf } = await import(/* @vite-ignore */ pathToFileURL(join(folder, "engine.js")).href));
    vi.unstubAllGlobals();
    fixtures = await createFixtures();
});
afterEach(() => {
    vi.restoreAllMocks();
});
afterAll(async () => {
    await fixtures.issuer.close();
    await rm(folder, { recursive: true, force: true });
});

const now = nowInSeconds();
const newValidator = (options: object = {}): Promise<Validator> =>
    validatorOf({
        issuerUri: fixtures.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        keys: { jwks: fixtures.issuer.jwks },
        clock: () => now * 1000,
        ...options
    });
const get = (headers: Record<string, string>) => ({ method: "GET", url: ITEMS, headers }) as RequestLike;
const bearer = () => get({ authorization: `Bearer ${fixtures.token(now)}` });
const bound = () => {
    const token = fixtures.boundToken(now);
    return get({ authorization: `DPoP ${token}`, dpop: fixtures.proof(now, token) });
};
const codeOf = async (validator: Validator, request: RequestLike): Promise<string> => {
    const verdict = await validator.validateRequest(request);
    return verdict.isSuccess ? "granted" : verdict.code;
};
const { subtle } = crypto;

/** WebCrypto answers about signatures, and says yes to each, only once it is let go. */
function heldBack(): { letGo: () => void; asked: () => number } {
    let letGo = (): void => undefined;
    const held = new Promise<boolean>(resolve => {
        letGo = () => resolve(true);
    });
    const verify = vi.spyOn(subtle, "verify").mockImplementation(() => held);
    return { letGo, asked: () => verify.mock.calls.length };
}

test("grants good requests, and refuses bad ones, each counted once", async () => {
    const validator = await newValidator();
    expect(await codeOf(validator, bearer())).toBe("granted");
    const request = bound();
    expect(await codeOf(validator, request)).toBe("granted");
    expect(await codeOf(validator, request)).toBe("proof_replayed");
    const [head, payload, signature = ""] = fixtures.token(now).split(".");
    const changed = `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    const bad = get({ authorization: `Bearer ${head}.${payload}.${changed}` });
    expect(await codeOf(validator, bad)).toBe("signature_invalid");
    const { granted, refused } = validator.metrics();
    expect(granted.reduce((sum, { count }) => sum + count, 0)).toBe(2);
    expect(refused.map(({ code, count }) => [code, count]).sort()).toEqual([
        ["proof_replayed", 1],
        ["signature_invalid", 1]
    ]);
});

test("of many requests at once with the same proof, one is granted", async () => {
    const validator = await newValidator();
    const request = bound();
    const codes = await Promise.all(Array.from({ length: 100 }, () => codeOf(validator, request)));
    expect(codes.filter(code => code === "granted")).toHaveLength(1);
    expect(codes.filter(code => code === "proof_replayed")).toHaveLength(99);
});

test("the verdict is on the request as it came, also if it changes while answers are awaited", async () => {
    const validator = await newValidator();
    const headers = { authorization: `Bearer ${fixtures.token(now, { exp: now - 100 })}` };
    const verdict = codeOf(validator, get(headers));
    headers.authorization = `Bearer ${fixtures.token(now)}`;
    expect(await verdict).toBe("token_expired");
});

test("a yes for one issuer's key is none for another key, although all is asked at the same time", async () => {
    const right = await newValidator();
    // The same name, another key.
    const { publicJwk } = fixtures.client;
    const wrong = await newValidator({ keys: { jwks: { keys: [{ ...publicJwk, kid: "es256" }] } } });
    const request = bearer();
    const all = [right, wrong, right, wrong].map(validator => codeOf(validator, request));
    expect(await Promise.all(all)).toEqual(["granted", "signature_invalid", "granted", "signature_invalid"]);
});

test("an answer counts for exactly the key, the message and the signature that were asked about", async () => {
    const signatures = new WebSignatures();
    const questions = new WebQuestions();
    const jwk = JSON.stringify(fixtures.keyOf("ES256").publicJwk);
    const key = await settled(questions, () => signatures.import(jwk, "ES256"));
    const again = await settled(questions, () => new WebSignatures().import(jwk, "ES256"));
    expect([key, again]).toEqual([1, 1]);
    const verify = vi.spyOn(subtle, "verify").mockResolvedValue(true);
    const [message, signature] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)];
    const ask = () => signatures.verify(key, message, signature);
    expect(await settled(questions, ask)).toBe(true);
    expect(questions.during(ask)).toBe(true);
    const asked = verify.mock.calls.length;
    verify.mockResolvedValue(false);
    for (const change of [message, signature]) {
        change[2] = 9;
        // The bytes are in a memory that changes: what was asked about is a copy.
        expect(questions.during(ask)).toBeUndefined();
        expect(await settled(questions, ask)).toBe(false);
        change[2] = change === message ? 3 : 6;
        expect(questions.during(ask)).toBe(true);
    }
    // A byte that moves from the message to the signature makes other bytes of both.
    const moved = () => signatures.verify(key, message.subarray(0, 2), Uint8Array.of(3, ...signature));
    expect(await settled(questions, moved)).toBe(false);
    // Another key under the same number, and another request.
    signatures.forget(key);
    const other = JSON.stringify(fixtures.client.publicJwk);
    expect(await settled(questions, () => signatures.import(other, "ES256"))).toBe(key);
    expect(await settled(questions, ask)).toBe(false);
    expect(new WebQuestions().during(ask)).toBeUndefined();
    expect(ask()).toBeUndefined();
    expect(verify.mock.calls.length).toBe(asked + 4);
});

test("an answer that never comes ends the request with an error, and a late yes grants nothing", async () => {
    const validator = await newValidator();
    const request = bound();
    const { letGo, asked } = heldBack();
    const waiting = codeOf(validator, request);
    waiting.catch(() => undefined);
    await vi.waitUntil(() => asked() > 0, { timeout: 10_000 });
    timers.forEach(end => end());
    await expect(waiting).rejects.toThrow("no answer about a signature in time");
    letGo();
    vi.restoreAllMocks();
    // Nothing was written: the proof is still new.
    expect(await codeOf(validator, request)).toBe("granted");
});

test("of 10,000 requests at once, some thousand are asked about, and no other waits", {
    timeout: 180_000
}, async () => {
    const validator = await newValidator();
    const requests = Array.from({ length: 10_000 }, bearer);
    const { letGo, asked } = heldBack();
    let ended = 0;
    const verdicts = requests.map(request =>
        codeOf(validator, request).then(
            () => "answered",
            (error: Error) => {
                ended += 1;
                return error.message;
            }
        )
    );
    await vi.waitUntil(() => asked() + ended === 10_000, { timeout: 150_000 });
    expect(asked()).toBe(4096);
    letGo();
    const told = await Promise.all(verdicts);
    expect(told.filter(one => one === "answered")).toHaveLength(4096);
    vi.restoreAllMocks();
    expect(await codeOf(validator, bearer())).toBe("granted");
});

test("one request asks at most a thousand questions", async () => {
    const questions = new WebQuestions();
    const signatures = new WebSignatures();
    questions.during(() => {
        for (let i = 0; i < 1001; i++) {
            expect(signatures.import(`{"kty":"EC","x":"${i}"}`, "ES256")).toBe(2 ** 32 - 1);
        }
    });
    expect(await questions.answered()).toBe(false);
    expect(questions.areOpen).toBe(true);
});

test("a WebCrypto that says yes to everything is not believed", async () => {
    // It is tried once for each algorithm, so this one must not have been asked before.
    const { WebQuestions, WebSignatures } = freshly();
    vi.spyOn(subtle, "verify").mockResolvedValue(true);
    const [signatures, questions] = [new WebSignatures(), new WebQuestions()];
    const ask = () => signatures.import(JSON.stringify(fixtures.keyOf("ES256").publicJwk), "ES256");
    questions.during(ask);
    expect(await questions.answered()).toBe(true);
    expect(questions.during(ask)).toBe(0);
});

test("a WebCrypto that fails says no, and one that cannot read the known key is not believed", async () => {
    const { WebQuestions, WebSignatures } = freshly();
    const [signatures, questions] = [new WebSignatures(), new WebQuestions()];
    const jwk = JSON.stringify(fixtures.keyOf("ES256").publicJwk);
    const key = await settled(questions, () => signatures.import(jwk, "ES256"));
    expect(key).toBe(1);
    vi.spyOn(subtle, "verify").mockRejectedValue(new Error("out of memory"));
    const ask = () => signatures.verify(key, Uint8Array.of(1), Uint8Array.of(2));
    expect(await settled(questions, ask)).toBe(false);
    vi.restoreAllMocks();
    const other = freshly();
    const reads = subtle.importKey.bind(subtle) as (...all: unknown[]) => Promise<unknown>;
    vi.spyOn(subtle, "importKey").mockImplementation((async (
        format: string,
        key: object,
        ...rest: unknown[]
    ) =>
        JSON.stringify(key) === jwk
            ? reads(format, key, ...rest)
            : Promise.reject(new Error("no such key"))) as never);
    const later = new other.WebSignatures();
    expect(await settled(new other.WebQuestions(), () => later.import(jwk, "ES256"))).toBe(0);
});

test("keys in the options that are none are refused with the sentence of the addon", async () => {
    const { createValidator } = await import("oidc-spa-native");
    const point = { ...fixtures.keyOf("ES256").publicJwk, y: Buffer.alloc(32, 7).toString("base64url") };
    const keys = { jwks: { keys: [{ ...point, kid: "a" }] } };
    const options = { issuerUri: "https://as.example", expectedAudience: AUDIENCE, keys };
    const sentence = (error: Error): string => error.message;
    const own = await Promise.resolve()
        .then(() => createValidator(options as Parameters<typeof createValidator>[0]))
        .then(() => "taken", sentence);
    expect(own).toContain("keys");
    expect(await newValidator(options).then(() => "taken", sentence)).toBe(own);
});

test("a validator that is made without waiting for the answers about its keys is refused", async () => {
    const { createWasmAddon } =
        require("../../dist/wasm/addon.js") as typeof import("../../ts/wasm/addon.js");
    const { inlineModule } = require("../../dist/wasm/inline.js") as typeof import("../../ts/wasm/inline.js");
    const addon = createWasmAddon({
        compiled: inlineModule,
        newSignatures: () => new WebSignatures(),
        newQuestions: () => new WebQuestions(),
        keepRunning: () => undefined,
        hasTimers: false,
        hasFiles: false
    });
    const issuer = { issuerUri: "https://as.example", expectedAudience: AUDIENCE };
    const options = JSON.stringify({ ...issuer, keys: { jwks: fixtures.issuer.jwks } });
    expect(() => new addon.NativeValidator(options, {} as never)).toThrow("answeredFirst()");
});

function freshly(): typeof later {
    const path = require.resolve("../../dist/wasm/web-crypto.js");
    delete require.cache[path];
    return require(path) as typeof later;
}
