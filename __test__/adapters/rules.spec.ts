// A rule that is written wrongly is an error, wherever it is written: every place where rules are read, by every wrong form.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createValidator, type Validator, type ValidatorOptions } from "oidc-spa-native";
import {
    allOf,
    allRoles,
    allScopes,
    anyRole,
    anyScope,
    rolesOf,
    satisfies,
    stepUp
} from "oidc-spa-native/authorization";
import * as ofExpress from "oidc-spa-native/express";
import * as ofFastify from "oidc-spa-native/fastify";
import * as ofFetch from "oidc-spa-native/fetch";
import * as ofHono from "oidc-spa-native/hono";
import * as ofKoa from "oidc-spa-native/koa";
import * as ofNest from "oidc-spa-native/nestjs";
import * as ofNodeHttp from "oidc-spa-native/node-http";
import * as ofTrpc from "oidc-spa-native/trpc";
import * as ofWebSocket from "oidc-spa-native/websocket";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { createNativeValidator } from "../../dist/validator/addon-validator.js";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let fixtures: Fixtures;
let validator: Validator;

beforeAll(async () => {
    fixtures = await createFixtures();
    validator = createValidator({ issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE });
});

afterAll(() => fixtures.issuer.close());

const noServer = new WebSocketServer({ noServer: true });
const handler = () => new Response();

/** Every function that takes a validator and rules. */
const GUARDS: Record<string, (given: never, rules: never) => unknown> = {
    "/express": ofExpress.protect,
    "/fastify": ofFastify.protect,
    "/hono": ofHono.protect,
    "/koa": ofKoa.protect,
    "/trpc": ofTrpc.protect,
    "/fetch": (given, rules) => ofFetch.protect(given, rules, handler),
    "/node-http": (given, rules) => ofNodeHttp.protect(given, rules, handler),
    "/websocket": (given, rules) => ofWebSocket.protect(given, rules, noServer),
    "/websocket, socket.io": ofWebSocket.protectNamespace,
    "/nestjs, forRoot": ofNest.AuthModule.forRoot,
    "/nestjs, forRootAsync": (given, rules) =>
        ofNest.AuthModule.forRootAsync({ useFactory: () => given as Validator, rules })
};

/** Every place where rules are read; the last takes some rules only. */
const PLACES: Record<string, (rules: never) => unknown> = {
    ...Object.fromEntries(
        Object.entries(GUARDS).map(([name, guard]) => [
            name,
            (rules: never) => guard(validator as never, rules)
        ])
    ),
    "/nestjs, @AuthRules": ofNest.AuthRules
};

class WithGetter {
    get require() {
        return allScopes(["admin"]);
    }
}
class WithMethod {
    require() {}
}
class Child extends WithGetter {
    optional = false;
}

const WRONG: Record<string, () => unknown> = {
    "require: an empty list": () => ({ require: [] }),
    "require: undefined": () => ({ require: undefined }),
    "require: null": () => ({ require: null }),
    "require: the name of a scope": () => ({ require: "admin" }),
    "require: names of scopes": () => ({ require: ["admin"] }),
    "require: a function that was not called": () => ({ require: allScopes }),
    "require: a predicate": () => ({ require: () => true }),
    "require: a list with a hole": () => ({ require: new Array(1) }),
    "require: a list with undefined": () => ({ require: [allScopes(["a"]), undefined] }),
    "require: a list of lists": () => ({ require: [[allScopes(["a"])]] }),
    "require: a Promise": () => ({ require: Promise.resolve(allScopes(["a"])) }),
    "a name in another case": () => ({ Require: allScopes(["a"]) }),
    "a name misspelt": () => ({ optionel: false }),
    "a name of another library": () => ({ scopes: ["admin"] }),
    "an option of a validator": () => ({ issuerUri: "https://as.example" }),
    "a name that is a symbol": () => ({ [Symbol("require")]: allScopes(["a"]) }),
    "optional: a text": () => ({ optional: "false" }),
    "optional: null": () => ({ optional: null }),
    "dpop: a boolean": () => ({ dpop: true }),
    "dpop: null": () => ({ dpop: null }),
    "dpop: misspelt": () => ({ dpop: "requried" }),
    "dpop: a name of Object.prototype": () => ({ dpop: "toString" }),
    "a getter of a class": () => new WithGetter(),
    "a getter of a parent class": () => new Child(),
    "a method of a class": () => new WithMethod(),
    "members of a prototype": () => Object.create({ require: allScopes(["admin"]) }),
    "members of a prototype without prototype": () =>
        Object.create(Object.assign(Object.create(null), { require: allScopes(["admin"]) })),
    "a function": () => () => undefined,
    "a class": () => WithGetter,
    "a requirement": () => allScopes(["admin"]),
    "a list": () => [{ optional: false }],
    "a list of requirements": () => [allScopes(["admin"])],
    "a Promise": () => Promise.resolve({ require: allScopes(["admin"]) }),
    "a Map": () => new Map([["require", allScopes(["admin"])]]),
    "a text": () => "admin",
    "a number": () => 1,
    true: () => true,
    null: () => null,
    "a validator": () => validator
};

describe.each(Object.keys(PLACES))("rules of %s", place => {
    const read = PLACES[place] as (rules: unknown) => unknown;

    test.each(Object.keys(WRONG))("%s", form => {
        expect(() => read((WRONG[form] as () => unknown)())).toThrow(/^oidc-spa-native: .+[.?]$/);
    });

    test("the same, right", () => {
        const admin = allScopes(["admin"]);
        const inClass = new (class {
            require = admin;
            optional = true;
        })();
        const hidden = Object.defineProperty({}, "require", { value: admin });
        const bare = Object.assign(Object.create(null), { require: admin });
        for (const rules of [
            {},
            { require: admin },
            { require: [admin, stepUp({ maxAgeSeconds: 60 })] },
            { optional: false, dpop: "required" },
            { optional: undefined, dpop: undefined },
            inClass,
            hidden,
            bare,
            {
                get require() {
                    return admin;
                }
            }
        ]) {
            expect(() => read(rules)).not.toThrow();
        }
    });
});

describe.each(Object.keys(GUARDS))("the validator of %s", place => {
    const guard = GUARDS[place] as (validator: unknown, rules: unknown) => unknown;

    test.each<[string, () => [unknown, unknown], RegExp]>([
        ["swapped with the rules", () => [{ optional: true }, validator], /rule|option/],
        [
            "rules alone",
            () => [{ require: allScopes(["a"]) }, {}],
            /"require".*protect\(validator, \{ require/
        ],
        ["a Promise", () => [Promise.resolve(validator), {}], /got a Promise\. Wait for it first/],
        ["a handler", () => [() => undefined, {}], /got a function\. Write/],
        ["a class", () => [class Validator {}, {}], /got a function\. Write/],
        ["createValidator, not called", () => [createValidator, {}], /createValidator, which was not called/],
        ["a text", () => ["https://as.example", {}], /takes an object of options/],
        ["a validator that validates nothing", () => [{ validateRequest: true }, {}], /unknown option/]
    ])("%s", async (_name, given, expected) => {
        const [first, rules] = given();
        if (place.endsWith("forRootAsync")) {
            if (first instanceof Promise) {
                return; // a factory may be asynchronous
            }
            // What a factory returns is seen as the application starts; wrong rules are seen at once.
            const isWrong = await settled(() => guard(first, rules));
            expect(isWrong).toMatch(/^oidc-spa-native: /);
            return;
        }
        expect(() => guard(first, rules)).toThrow(expected);
    });
});

/** The error of a module's definition, or of its factory. */
async function settled(define: () => unknown): Promise<string> {
    try {
        const { providers } = define() as { providers: { useFactory?: () => Promise<unknown> }[] };
        await providers[0]?.useFactory?.();
        return "nothing was wrong";
    } catch (error) {
        return (error as Error).message;
    }
}

test("rules that stand beyond the last argument are an error, and without them all is well", () => {
    const rules = { require: allScopes(["items:read"]) };
    const forms: Record<string, [(...given: never[]) => unknown, readonly unknown[]]> = {
        fetch: [ofFetch.protect, [validator, {}, handler]],
        "node-http": [ofNodeHttp.protect, [validator, {}, handler]],
        websocket: [ofWebSocket.protect, [validator, {}, noServer]],
        forRoot: [ofNest.AuthModule.forRoot as never, [validator, {}, {}]],
        forRootAsync: [ofNest.AuthModule.forRootAsync as never, [{ useFactory: () => validator }]]
    };
    for (const [name, [form, given]] of Object.entries(forms)) {
        expect(() => form(...([...given, rules] as never[])), name).toThrow(
            /got an object beyond them\. Write /
        );
        expect(() => form(...(given as never[])), name).not.toThrow();
    }
});

test("a handler in the place of rules, or beyond them, says so with the right line", () => {
    const args = [validator, handler] as unknown as [never, never, never];
    expect(() => ofFetch.protect(...args)).toThrow(/got a function. Write protect\(validator, \{\}, /);
    expect(() => ofNodeHttp.protect(...args)).toThrow(
        /got a function. Write createServer\(protect\(validator, \{\}, /
    );
    expect(() => ofExpress.protect(...args)).toThrow(
        /got a function. Write app.get\(path, protect\(validator/
    );
    const beyond = [validator, {}, handler] as unknown as [never, never];
    for (const protect of [
        ofExpress.protect,
        ofFastify.protect,
        ofHono.protect,
        ofKoa.protect,
        ofTrpc.protect
    ]) {
        expect(() => (protect as (...given: unknown[]) => unknown)(...beyond)).toThrow(
            /a function beyond them/
        );
    }
    for (const protect of [ofFetch.protect, ofNodeHttp.protect] as ((...given: never[]) => unknown)[]) {
        for (const last of [undefined, {}, validator]) {
            expect(() => protect(...([validator, {}, last] as never[]))).toThrow(
                /takes the handler last, a function; got/
            );
        }
    }
});

test("a rule in the wrong place says where it belongs", () => {
    const { forRoot, forRootAsync } = ofNest.AuthModule;
    const admin = allScopes(["admin"]);
    for (const [make, expected] of [
        [
            () => ofExpress.protect(validator, { closeAtExpiry: true } as never),
            /rule of oidc-spa-native\/websocket/
        ],
        [
            () => ofTrpc.protect(validator, { guardPreflights: false } as never),
            /unknown rule "guardPreflights"/
        ],
        [
            () => ofWebSocket.protect(validator, { subprotocolToken: false } as never, noServer),
            /unknown rule/
        ],
        [() => ofWebSocket.protectNamespace(validator, { guardPreflights: false } as never), /unknown rule/],
        [
            () => ofWebSocket.protectNamespace(validator, { closeAtExpiry: "no" } as never),
            /expected a boolean; got "no"/
        ],
        [() => ofExpress.protect(validator, { optionl: true } as never), /did you mean "optional"\?/],
        [() => ofExpress.protect(validator, { roles: ["a"] } as never), /Write require: allRoles/],
        [() => ofNest.AuthRules({ onRejected: () => undefined } as never), /unknown rule "onRejected"/],
        [
            () => forRoot(validator, { global: false } as never),
            /forRoot\(validator, \{\}, \{ global: false \}\)/
        ],
        [() => forRoot(validator, {}, { optional: true } as never), /unknown option "optional"/],
        [() => forRoot(validator, {}, { global: "no" } as never), /"global": expected a boolean; got "no"/],
        [
            () => forRootAsync({ useFactory: () => validator, require: admin } as never),
            /Write rules: \{ require/
        ],
        [
            () => forRootAsync({ useFactory: () => validator, dpop: "required" } as never),
            /Write rules: \{ dpop/
        ],
        [() => forRootAsync({ useFactory: () => validator, rule: {} } as never), /did you mean "rules"/],
        [() => forRootAsync({ useClass: class {} } as never), /Write useFactory/],
        [() => forRootAsync({} as never), /useFactory: expected a function/],
        [() => forRootAsync(validator as never), /unknown option/],
        [() => createValidator({ require: admin } as never), /It is a rule of a route: protect\(/],
        [
            () => ofExpress.resourceMetadata({ resourceMetadata: { resourceName: "x" } } as never),
            /takes a validator/
        ],
        [() => ofExpress.resourceMetadata(Promise.resolve(validator) as never), /got a Promise/],
        [() => ofExpress.resourceMetadata(undefined as never), /takes a validator; got undefined/]
    ] as const) {
        expect(make).toThrow(expected);
    }
});

test("rules inside what a factory returns are an error as the application starts", async () => {
    const options = { issuerUri: "https://as.example", expectedAudience: "x" };
    for (const given of [
        { ...options, require: allScopes(["a"]) },
        { ...options, optional: true },
        { validator, rules: {} }
    ]) {
        const message = await settled(() =>
            ofNest.AuthModule.forRootAsync({ useFactory: () => given as unknown as ValidatorOptions })
        );
        expect(message).toMatch(/^oidc-spa-native: /);
    }
    expect(await settled(() => ofNest.AuthModule.forRootAsync({ useFactory: () => options }))).toBe(
        "nothing was wrong"
    );
});

test.each<[string, () => unknown]>([
    ["@Require()", () => (ofNest.Require as () => unknown)()],
    ["@Require(undefined)", () => ofNest.Require(undefined as never)],
    ["@Require([requirement])", () => ofNest.Require([allScopes(["a"])] as never)],
    ["@RequireScopes()", () => (ofNest.RequireScopes as () => unknown)()],
    ["@RequireScopes([])", () => ofNest.RequireScopes([] as never)],
    ["@RequireScopes([names])", () => ofNest.RequireScopes(["a", "b"] as never)],
    ["@RequireScopes(undefined)", () => ofNest.RequireScopes(undefined as never)],
    ["@RequireRoles([], path)", () => ofNest.RequireRoles([], rolesOf.keycloakRealm)],
    ["@RequireRoles(names)", () => ofNest.RequireRoles(["a"], undefined as never)],
    ["@RequireAnyRole([], path)", () => ofNest.RequireAnyRole([], rolesOf.keycloakRealm)],
    ["@RequireAnyRole(name, path)", () => ofNest.RequireAnyRole("a" as never, rolesOf.keycloakRealm)],
    ["@Dpop()", () => (ofNest.Dpop as () => unknown)()],
    ["@Dpop(true)", () => ofNest.Dpop(true as never)],
    ["@AuthRules()", () => (ofNest.AuthRules as () => unknown)()],
    ["@Public without parentheses", () => ofNest.Public(class {} as never)],
    ["@OptionalAuth without parentheses", () => ofNest.OptionalAuth(class {} as never)],
    ["@OptionalAuth(false)", () => ofNest.OptionalAuth(false as never)],
    ["@Auth without parentheses", () => ofNest.Auth({} as never)],
    ["stepUp()", () => (stepUp as () => unknown)()],
    ["stepUp({})", () => stepUp({})],
    ["stepUp with a member misspelt", () => stepUp({ acrValues: ["mfa"], maxAge: 300 } as never)],
    [
        "stepUp with a member undefined",
        () => stepUp({ acrValues: ["mfa"], maxAgeSeconds: undefined as never })
    ],
    ["stepUp with a list undefined", () => stepUp({ acrValues: undefined as never, maxAgeSeconds: 5 })],
    [
        "stepUp of a class",
        () => stepUp(Object.create({ maxAgeSeconds: 300 }, { acrValues: { value: ["mfa"] } }))
    ],
    ["stepUp of a list", () => stepUp(["mfa"] as never)],
    ["allScopes with options misspelt", () => allScopes(["a"], { imply: () => true } as never)],
    ["allScopes with options of another", () => allScopes(["a"], { scopes: ["b"] } as never)],
    ["allScopes with names one by one", () => allScopes(["a"], "b" as never)],
    ["allScopes with options null", () => allScopes(["a"], null as never)],
    ["anyScope with a function as options", () => anyScope(["a"], (() => true) as never)],
    ["anyScope of a text", () => anyScope("a" as never)],
    ["allRoles with a path that is a text", () => allRoles(["a"], "realm_access.roles" as never)],
    ["anyRole without a path", () => anyRole(["a"], undefined as never)],
    ["allOf of a list", () => allOf([allScopes(["a"])] as never)],
    ["satisfies with the name first", () => satisfies("tenant" as never, (() => true) as never)],
    ["satisfies with options", () => satisfies(() => true, { name: "tenant" } as never)]
])("%s is an error that says what to write", (_name, make) => {
    expect(make).toThrow(/^oidc-spa-native: .{20,}\.$/);
});

test("rules of a request, of authorize and of ready", async () => {
    const headers = { authorization: `Bearer ${fixtures.token(nowInSeconds())}` };
    const read = allScopes(["read"]);
    const verdict = await validator.validateRequest(headers);
    const wrong = [
        { dpopp: "required" },
        { optional: true },
        { require: read },
        { dpop: "on" },
        "required",
        [],
        null,
        () => undefined,
        Object.create({ dpop: "required" }),
        new (class {
            get dpop() {
                return "required";
            }
        })()
    ];
    for (const rules of wrong) {
        await expect(validator.validateRequest(headers, null, rules as never)).rejects.toThrow(
            /^oidc-spa-native: /
        );
        expect(() => validator.authorize(verdict, read, rules as never)).toThrow(/^oidc-spa-native: /);
    }
    for (const given of [validator.validateRequest(headers), read, undefined, {}, { isSuccess: "yes" }]) {
        expect(() => validator.authorize(given as never, read)).toThrow(/authorize takes a verdict/);
    }
    for (const options of [
        5000,
        null,
        [],
        { timeout: 5 },
        Object.create({ timeoutMs: 5 }),
        { timeoutMs: null }
    ]) {
        await expect(validator.ready(options as never)).rejects.toThrow(/^oidc-spa-native: /);
    }
    // The same, right.
    expect((await validator.validateRequest(headers, null, { dpop: "allowed" })).isSuccess).toBe(true);
    expect((await validator.validateRequest(headers, null, { dpop: undefined })).isSuccess).toBe(true);
    expect(
        (await validator.validateRequest(headers, null, Object.freeze({ dpop: "required" }))).isSuccess
    ).toBe(false);
    await validator.ready({ timeoutMs: undefined });
});

test("a polluted prototype is neither a rule nor an option", async () => {
    const headers = { authorization: `Bearer ${fixtures.token(nowInSeconds())}` };
    const POLLUTION = {
        optional: true,
        dpop: "disabled",
        guardPreflights: false,
        subprotocolToken: true,
        require: undefined,
        closeAtExpiry: false,
        claims: { parse: () => ({ sub: "forged" }) },
        clock: () => 0,
        clientCertificate: false,
        global: false,
        rules: { optional: true },
        implies: () => true,
        acrValues: ["x"],
        maxAgeSeconds: 0,
        timeoutMs: 0,
        replayStore: { checkAndStore: async () => true }
    };
    const server = createServer();
    try {
        for (const [name, value] of Object.entries(POLLUTION)) {
            Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
        }
        const made = createValidator({ issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE });
        const guarded = ofFetch.protect(made, { require: allScopes(["items:write"]) }, handler);
        const statusOf = async (init: RequestInit) =>
            (await guarded(new Request("https://api.example.com/", init))).status;
        const dropIn = { issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE };
        const seen = {
            memories: [made.health(), createNativeValidator(dropIn, { dropIn: true }).health()].map(
                h => h.replayMemory.kind
            ),
            dpop: made.dpop,
            sub: (await made.validateRequest(headers)).claims?.sub,
            nobody: await statusOf({}),
            token: await statusOf({ headers }),
            preflight: await statusOf({ method: "OPTIONS" }),
            express: await expressStatus(server, made)
        };
        const isGlobal = (
            ofNest.AuthModule.forRoot(made).providers as { useFactory?: (v: unknown) => object }[]
        )
            .map(({ useFactory }) => useFactory?.(made))
            .find(settings => settings !== undefined && Object.hasOwn(settings, "rules")) as {
            global: boolean;
        };
        expect({ ...seen, global: isGlobal.global }).toEqual({
            memories: ["process", "process"],
            dpop: "allowed",
            sub: "user-1",
            nobody: 401,
            token: 403,
            preflight: 401,
            express: 401,
            global: true
        });
    } finally {
        for (const name of Object.keys(POLLUTION)) {
            delete (Object.prototype as Record<string, unknown>)[name];
        }
        server.close();
    }
});

/** What Express' middleware answers to nobody. */
async function expressStatus(server: ReturnType<typeof createServer>, made: Validator): Promise<number> {
    const guard = ofExpress.protect(made);
    server.on("request", (req, res) => guard(req, res, () => res.writeHead(200).end()));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } })).status;
}
