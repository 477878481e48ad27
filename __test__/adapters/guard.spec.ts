// What the conformance table cannot see from outside: objects that are used again, answers that came meanwhile, failures.

import { once } from "node:events";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createValidator, type Refused, type Validator, type ValidatorOptions } from "oidc-spa-native";
import * as ofExpress from "oidc-spa-native/express";
import { protect, resourceMetadata } from "oidc-spa-native/fetch";
import * as ofHono from "oidc-spa-native/hono";
import * as ofNodeHttp from "oidc-spa-native/node-http";
import { allScopes } from "oidc-spa-native/authorization";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let fixtures: Fixtures;
let options: ValidatorOptions;
let validator: Validator;

beforeAll(async () => {
    fixtures = await createFixtures();
    options = { issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE };
    validator = createValidator(options);
});

afterAll(() => fixtures.issuer.close());

const bearer = (claims: Record<string, unknown> = {}): string =>
    `Bearer ${fixtures.token(nowInSeconds(), claims)}`;

function dpopRequest(): Request {
    const token = fixtures.boundToken(nowInSeconds());
    return new Request(ITEMS, {
        headers: { authorization: `DPoP ${token}`, dpop: fixtures.proof(nowInSeconds(), token) }
    });
}

const requestWith = (authorization: string, method = "GET"): Request =>
    new Request(ITEMS, { method, headers: { authorization } });

const sub = (_request: Request, auth: { claims: { sub: string } } | null): Response =>
    new Response(auth?.claims.sub ?? null);

/** What a listener answers to one request. */
async function answerOf(listener: RequestListener, headers: Record<string, string> = {}) {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
        const { port } = server.address() as AddressInfo;
        const sent = httpRequest({
            port,
            host: "127.0.0.1",
            headers: { connection: "close", ...headers }
        }).end();
        const [response] = (await once(sent, "response")) as [IncomingMessage];
        return { status: response.statusCode, body: await text(response) };
    } finally {
        server.close();
    }
}

test("the validator's options do in its place", async () => {
    expect(await (await protect(options, {}, sub)(requestWith(bearer()))).text()).toBe("user-1");
});

test("a response to HEAD has no body, whatever the server does with one", async () => {
    const response = await protect(validator, {}, sub)(requestWith("Bearer x", "HEAD"));
    expect([response.status, response.body]).toEqual([401, null]);
});

test("an object that a server uses for another request is judged anew", async () => {
    const guarded = protect(validator, {}, sub);
    const request = { url: ITEMS, method: "GET", headers: new Headers({ authorization: bearer() }) };
    const statusOf = async () =>
        (await (guarded as unknown as (r: typeof request) => Promise<Response>)(request)).status;
    expect(await statusOf()).toBe(200);
    request.headers.set("authorization", bearer({ exp: nowInSeconds() - 1 }));
    expect(await statusOf()).toBe(401);
    request.headers.delete("authorization");
    expect(await statusOf()).toBe(401);
});

test("J42: what one guard lets pass, the next judges by its own mode, and by its own validator", async () => {
    const inOrder = async (request: Request, ...guards: ((request: Request) => Promise<Response>)[]) => {
        const statuses: number[] = [];
        for (const guard of guards) {
            statuses.push((await guard(request)).status);
        }
        return statuses;
    };
    const [allowed, required, disabled] = (["allowed", "required", "disabled"] as const).map(dpop =>
        protect(validator, { dpop }, sub)
    );
    const byDefault = protect(createValidator({ ...options, dpop: "disabled" }), {}, sub);
    if (allowed === undefined || required === undefined || disabled === undefined) {
        throw new Error("a guard for each mode");
    }
    expect(await inOrder(requestWith(bearer()), allowed, required, disabled)).toEqual([200, 401, 200]);
    // Its proof is good once, and is used once.
    expect(await inOrder(dpopRequest(), allowed, required, disabled, byDefault, allowed)).toEqual([
        200, 200, 401, 401, 200
    ]);
    const other = protect(
        createValidator({ ...options, expectedAudience: "https://other.example.com" } as ValidatorOptions),
        {},
        sub
    );
    expect(await inOrder(requestWith(bearer()), allowed, other)).toEqual([200, 401]);
});

test("guards that are asked at once share one validation, and each judges by its own mode and target", async () => {
    const guards = (["disabled", "allowed", "required", "allowed", "disabled"] as const).map(dpop =>
        protect(validator, { dpop }, sub)
    );
    const elsewhere = protect(
        validator,
        { target: () => ({ method: "GET", url: "https://elsewhere.example.com" }) },
        sub
    );
    const statusesOf = async (request: Request, all: ((request: Request) => Promise<Response>)[]) =>
        (await Promise.all(all.map(guard => guard(request)))).map(({ status }) => status);
    expect(await statusesOf(dpopRequest(), guards)).toEqual([401, 200, 200, 200, 401]);
    expect(await statusesOf(dpopRequest(), guards.toReversed())).toEqual([401, 200, 200, 200, 401]);
    // A proof for another URL than one guard names is still good for the others.
    expect(await statusesOf(dpopRequest(), [elsewhere, ...guards])).toEqual([401, 401, 200, 200, 200, 401]);
    const broken = createValidator({ ...options, clock: () => NaN });
    const request = requestWith(bearer());
    const both = await Promise.allSettled([
        protect(broken, {}, sub)(request),
        protect(broken, { dpop: "disabled" }, sub)(request)
    ]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("I26: preflights are judged unless a rule says otherwise", async () => {
    // A Request of the Fetch API does not take these names; a server's request has them.
    const requestOf = (method: string, fields: Record<string, string>) => ({
        url: ITEMS,
        method,
        headers: { get: (name: string) => fields[name] ?? null }
    });
    const statusBy = async (rules: { guardPreflights?: boolean }, request: ReturnType<typeof requestOf>) =>
        (await protect(validator, rules, () => new Response("reached"))(request)).status;
    const origin = { origin: "https://app.example.com" };
    const asked = { "access-control-request-method": "GET" };
    const preflight = requestOf("OPTIONS", { ...origin, ...asked });
    expect(await statusBy({}, preflight)).toBe(401);
    expect(await statusBy({ guardPreflights: false }, preflight)).toBe(204);
    // What is not all of a preflight is judged.
    for (const request of [
        requestOf("GET", { ...origin, ...asked }),
        requestOf("OPTIONS", origin),
        requestOf("OPTIONS", asked)
    ]) {
        expect(await statusBy({ guardPreflights: false }, request)).toBe(401);
    }
});

test("the target that a rule names is what a proof must be for", async () => {
    const moved = (request: Request) =>
        new Request(request.url.replace("api.example.com", "internal.example.com"), request);
    const target = ({ method, url }: Request) => ({
        method,
        url: url.replace("internal.example.com", "api.example.com")
    });
    expect((await protect(validator, {}, sub)(moved(dpopRequest()))).status).toBe(401);
    expect((await protect(validator, { target }, sub)(moved(dpopRequest()))).status).toBe(200);
});

test("a target that fails at once fails its own guard, and no other of the same request", async () => {
    const failing = protect(
        validator,
        {
            target: () => {
                throw new Error("no target");
            }
        },
        sub
    );
    const guarded = protect(validator, {}, sub);
    const request = requestWith(bearer());
    await expect(failing(request)).rejects.toThrow("no target");
    expect((await guarded(request)).status).toBe(200);
    const another = requestWith(bearer());
    const both = await Promise.allSettled([failing(another), guarded(another), failing(another)]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "rejected"]);
});

test("a logger that fails later changes nothing, and is warned of once", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const logged: Refused[] = [];
    const onRejected = async (refusal: Refused) => {
        logged.push(refusal);
        throw new Error("the log is full");
    };
    const guarded = protect(
        validator,
        { onRejected: (refusal: Refused) => void onRejected(refusal).catch(() => undefined) },
        sub
    );
    const failing = protect(validator, { onRejected: onRejected as (refusal: Refused) => void }, sub);
    for (const guard of [guarded, failing, failing]) {
        expect((await guard(requestWith("Bearer x"))).status).toBe(401);
    }
    await new Promise(setImmediate);
    expect(logged.map(({ code }) => code)).toEqual(["token_malformed", "token_malformed", "token_malformed"]);
    expect(warn.mock.calls.map(([message]) => message)).toEqual(["onRejected failed: the log is full"]);
    warn.mockRestore();
});

test.each([
    [{ optionel: true }],
    [{ optional: "no" }],
    [{ onRejected: true }],
    [{ target: "/items" }],
    [{ guardPreflights: 1 }],
    [{ dpop: "requried" }],
    [{ dpop: null }],
    [{ require: [] }],
    [{ require: "admin" }],
    [{ require: null }],
    [{ require: [undefined] }],
    [{ subprotocolToken: "chat" }]
])("rules that make no sense: %j", rules => {
    expect(() => ofExpress.protect(validator, rules as never)).toThrow(TypeError);
});

test("metadata of a validator without resource is the program's error", () => {
    expect(() => resourceMetadata(validator)).toThrow(/option resource/);
});

test("whoever was answered meanwhile is left alone", async () => {
    const passes: boolean[] = [];
    const listener: RequestListener = (req, res) => {
        const guard = ofExpress.protect(validator);
        // As a time limit does, while the guard still waits for keys.
        guard(req, res, () => passes.push(true));
        res.writeHead(503).end("too late");
    };
    expect(await answerOf(listener)).toEqual({ status: 503, body: "too late" });
    expect(passes).toEqual([]);
});

test("a nonce that comes too late for the response stops nobody", async () => {
    const offering = createValidator({ ...options, nonce: "on-stale-proof" });
    const { headers } = dpopRequest();
    const passed = new Promise(resolve => {
        void answerOf((req, res) => {
            res.writeHead(200).end("already");
            ofExpress.protect(offering, { target: () => ({ method: "GET", url: ITEMS }) })(req, res, resolve);
        }, Object.fromEntries(headers));
    });
    expect(await passed).toBeUndefined();
});

test("where this library or the application fails, nobody passes, and nobody learns why", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const broken = createValidator({ ...options, clock: () => NaN });
    const reached = vi.fn();
    const answer = await answerOf(ofNodeHttp.protect(broken, {}, reached), { authorization: bearer() });
    expect(answer).toEqual({
        status: 500,
        body: '{"type":"about:blank","title":"Internal Server Error","status":500}'
    });
    expect(String(warn.mock.calls[0]?.[0])).toContain("clock returned NaN");
    warn.mockRestore();

    const logged = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const hostile = () => {
        throw new Error(`no route for x\n    at forged (app.js:1)\u001b[31m${"y".repeat(1e6)}`);
    };
    const answered = await answerOf(ofNodeHttp.protect(validator, { target: hostile }, reached));
    expect(answered.status).toBe(500);
    const [[message, warned] = []] = logged.mock.calls as unknown as [string, { detail: string }][];
    expect(message).toMatch(/^no route for x at forged \(app\.js:1\)\\u\{1b\}\[31my+…$/);
    expect(warned?.detail).toContain("guard.spec.ts");
    expect(warned?.detail).not.toContain("\u001b");
    expect(warned?.detail.length).toBeLessThan(5000);
    logged.mockRestore();

    const errors: unknown[] = [];
    const onExpress: RequestListener = (req, res) => {
        ofExpress.protect(broken)(req, res, error => {
            errors.push(error);
            res.writeHead(500).end();
        });
    };
    expect((await answerOf(onExpress, { authorization: bearer() })).status).toBe(500);
    expect(errors).toEqual([expect.any(TypeError)]);
    await expect(protect(broken, {}, reached)(requestWith(bearer()))).rejects.toThrow(TypeError);
    expect(reached).not.toHaveBeenCalled();
});

test("on Hono, middleware that replaces the request leaves a proof used once", async () => {
    const app = new Hono()
        .use(ofHono.protect(validator))
        .use(bodyLimit({ maxSize: 1024 }))
        .post("/v1/items", ofHono.protect(validator), async c => c.text(await c.req.text()));
    const token = fixtures.boundToken(nowInSeconds());
    const headers = {
        authorization: `DPoP ${token}`,
        dpop: fixtures.proof(nowInSeconds(), token, { htm: "POST" })
    };
    const init = { method: "POST", headers, body: new Blob(["abc"]).stream(), duplex: "half" };
    expect(await (await app.request(ITEMS, init as RequestInit)).text()).toBe("abc");
});

test.each([
    [undefined, /expected a validator, .* as the first argument; got undefined\. Write /],
    [null, /expected a validator, .* as the first argument; got null\. Write /],
    ["validator", /createValidator takes an object of options/]
])("a guard without a validator says so: %s", (nothing, expected) => {
    expect(() => ofHono.protect(nothing as never)).toThrow(expected);
});

test("an option of ready() that is misspelt is an error", async () => {
    await expect(validator.ready({ timeout: 5 } as never)).rejects.toThrow(
        /unknown option "timeout" of ready\(\)/
    );
});

test("a parse that is asynchronous is waited for", async () => {
    const headers = { authorization: bearer() };
    const blocking = createValidator({
        ...options,
        claims: {
            parse: async (): Promise<{ name: string }> => Promise.reject(new Error("the user is blocked"))
        }
    });
    expect(await blocking.validateRequest(headers)).toMatchObject({
        isSuccess: false,
        code: "claims_rejected"
    });
    const naming = createValidator({
        ...options,
        claims: { parse: async ({ sub }) => ({ name: `user ${sub}` }) }
    });
    const verdict = await naming.validateRequest(headers);
    expect(verdict.isSuccess && verdict.claims.name).toBe("user user-1");
});

test("a request that is asked about again after its token's expiry is judged anew, by the validator's clock", async () => {
    let now = Date.now();
    const own = createValidator({ ...options, clock: () => now });
    const codes: string[] = [];
    const onRejected = ({ code }: Refused) => void codes.push(code);
    const guards = [protect(own, { onRejected }, sub), protect(own, { optional: true, onRejected }, sub)];
    const requests = [requestWith(bearer({ exp: nowInSeconds() + 60 })), dpopRequest()];
    const statuses = () =>
        Promise.all(requests.flatMap(request => guards.map(async guard => (await guard(request)).status)));
    expect(await statuses()).toEqual([200, 200, 200, 200]);
    // As long as the tokens last the proof is not used up by being asked about again.
    expect(await statuses()).toEqual([200, 200, 200, 200]);
    now += 3_600_000;
    expect(await statuses()).toEqual([401, 401, 401, 401]);
    expect(new Set(codes)).toEqual(new Set(["token_expired"]));
});

test("a URL that is none is not that of the resource metadata", () => {
    const serve = resourceMetadata(createValidator({ ...options, resource: AUDIENCE }));
    const asked = (url: string) => serve({ url, method: "GET", headers: new Headers() })?.status;
    for (const url of ["//", "http://", "http://[", "///x", "/%", "*", ""]) {
        expect(asked(url)).toBeUndefined();
    }
    expect(asked("/.well-known/oauth-protected-resource")).toBe(200);
});

test("an anonymous request is told the scopes of its route by the call that judges it", async () => {
    const { NativeValidator } = createRequire(import.meta.url)("../../binding/binding.js") as {
        NativeValidator: { prototype: { refuse: (...given: unknown[]) => string } };
    };
    const refuse = vi.spyOn(NativeValidator.prototype, "refuse");
    try {
        const guarded = (scope: string) => protect(validator, { require: allScopes([scope]) }, sub);
        const challenge = async (answer: Promise<Response> | Response) =>
            (await answer).headers.get("www-authenticate");
        const asked = await challenge(guarded("read")(new Request(ITEMS)));
        expect(asked).toMatch(/^Bearer scope="read", DPoP scope="read", algs=/);
        expect(refuse).not.toHaveBeenCalled();
        // The second of two guards that judge one request together has scopes of its own.
        const request = new Request(ITEMS);
        const both = await Promise.all([guarded("read")(request), guarded("write")(request)].map(challenge));
        expect(both).toEqual([asked, asked?.replaceAll("read", "write")]);
        // Whoever asks in two steps names them in the second.
        refuse.mockClear();
        const verdict = validator.authorize(await validator.validateRequest({}), allScopes(["read"]));
        expect(verdict.headers["WWW-Authenticate"]).toBe(asked);
        expect(refuse).toHaveBeenCalledOnce();
    } finally {
        refuse.mockRestore();
    }
});
