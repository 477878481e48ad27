// What a program may write wrongly beside rules: arguments too many, members of a Proxy, certificates that nobody shows.

import { createValidator, type Validator, type ValidatorOptions } from "oidc-spa-native";
import {
    allRoles,
    allScopes,
    anyRole,
    anyScope,
    rolesOf,
    satisfies,
    stepUp
} from "oidc-spa-native/authorization";
import * as express from "oidc-spa-native/express";
import * as fastify from "oidc-spa-native/fastify";
import * as fetching from "oidc-spa-native/fetch";
import * as hono from "oidc-spa-native/hono";
import * as koa from "oidc-spa-native/koa";
import { AuthModule, AuthRules, Dpop, RequireRoles } from "oidc-spa-native/nestjs";
import * as nodeHttp from "oidc-spa-native/node-http";
import { createTestIssuer } from "oidc-spa-native/testing";
import * as trpc from "oidc-spa-native/trpc";
import { protect as protectUpgrade, protectNamespace } from "oidc-spa-native/websocket";
import { expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { newKey } from "../support/jwt.js";

const OPTIONS: ValidatorOptions = {
    issuerUri: "https://issuer.test",
    expectedAudience: "https://api.test",
    keys: { jwks: { keys: [newKey("P-256").publicJwk] } }
};
const validator = createValidator(OPTIONS);

/** Each place for rules. Called as a program in JavaScript may. */
const placesOf = (validator: Validator): Record<string, (rules: any) => unknown> => ({
    express: rules => express.protect(validator, rules),
    fastify: rules => fastify.protect(validator, rules),
    koa: rules => koa.protect(validator, rules),
    hono: rules => hono.protect(validator, rules),
    trpc: rules => trpc.protect(validator, rules),
    fetch: rules => fetching.protect(validator, rules, () => new Response()),
    "node-http": rules => nodeHttp.protect(validator, rules, () => undefined),
    upgrade: rules => protectUpgrade(validator, rules, new WebSocketServer({ noServer: true })),
    namespace: rules => protectNamespace(validator, rules)
});

test("an argument too many is an error", () => {
    const calls: Record<string, [(...all: any[]) => unknown, unknown[]]> = {
        createValidator: [createValidator, [OPTIONS]],
        allScopes: [allScopes, [["read"], {}]],
        anyScope: [anyScope, [["read"], {}]],
        allRoles: [allRoles, [["admin"], ["roles"]]],
        anyRole: [anyRole, [["admin"], ["roles"]]],
        satisfies: [satisfies, [() => true, "a name"]],
        stepUp: [stepUp, [{ acrValues: ["mfa"] }]],
        AuthRules: [AuthRules, [{ dpop: "required" }]],
        Dpop: [Dpop, ["required"]],
        RequireRoles: [RequireRoles, [["admin"], ["roles"]]]
    };
    for (const [name, [call, right]] of Object.entries(calls)) {
        expect(() => call(...right, { maxAgeSeconds: 300 }), name).toThrow(/oidc-spa-native: .* beyond them/);
        expect(() => call(...right, undefined, { maxAgeSeconds: 300 }), name).toThrow(/ beyond them/);
        expect(() => call(...right), name).not.toThrow();
        expect(() => call(...right, undefined), name).not.toThrow();
    }
});

test("a Proxy's rules are those that it lists, and others are an error", () => {
    const require = allScopes(["admin"]);
    const places = {
        ...placesOf(validator),
        forRoot: (rules: any) => AuthModule.forRoot(validator, rules),
        AuthRules
    };
    for (const [name, place] of Object.entries(places)) {
        const hidden = new Proxy({}, { get: (_, key) => (key === "require" ? require : undefined) });
        expect(() => place(hidden), name).toThrow(/rule "require" is of a Proxy/);
        expect(() => place(new Proxy({ require }, {})), name).not.toThrow();
    }
});

test("rules from a prototype are an error, whatever it is", () => {
    const require = allScopes(["admin"]);
    class Rules {
        static require = require;
    }
    const prototypes = {
        "an object": { require },
        "an object that looks like Object.prototype": { require, hasOwnProperty: () => true },
        "a function": Object.assign(() => undefined, { require }),
        "a class": Rules
    };
    const places = { ...placesOf(validator), AuthRules };
    for (const [of, prototype] of Object.entries(prototypes)) {
        for (const [name, place] of Object.entries(places)) {
            expect(() => place(Object.create(prototype)), `${name}: ${of}`).toThrow(
                / is inherited, which would be lost/
            );
        }
    }
    for (const [name, place] of Object.entries(places)) {
        expect(() => place(Object.assign(Object.create(null), { require })), name).not.toThrow();
    }
});

test("a certificate that is required where nobody shows one is an error", () => {
    const blind = createValidator({ ...OPTIONS, clientCertificate: false });
    const target = () => ({ method: "GET", url: "/", clientCertificate: new Uint8Array() });
    const unbound = { senderConstrained: "required", dpop: "disabled" };
    for (const [name, place] of Object.entries(placesOf(blind))) {
        expect(() => place({ certificate: "required" }), name).toThrow(/looks at none/);
        expect(() => place(unbound), name).toThrow(/looks at none/);
        expect(() => place({ certificate: "required", target }), name).not.toThrow();
        expect(() => place({ senderConstrained: "required" }), name).not.toThrow();
        expect(() => place({ dpop: "disabled" }), name).not.toThrow();
    }
    const required = createValidator({ ...OPTIONS, clientCertificate: false, certificate: "required" });
    for (const [name, place] of Object.entries(placesOf(required))) {
        expect(() => place({}), name).toThrow(/looks at none/);
        expect(() => place({ certificate: "allowed" }), name).not.toThrow();
    }
    for (const [name, place] of Object.entries(placesOf(validator))) {
        expect(() => place({ certificate: "required" }), name).not.toThrow();
    }
});

test("what is forgotten is named, with the line to write", () => {
    const sockets = new WebSocketServer({ noServer: true });
    const asked = { req: new Request("https://api.test/trpc/me"), resHeaders: new Headers() };
    for (const [wrong, message, right] of [
        [
            () => protectUpgrade(validator, {}, undefined as never),
            "protect takes a WebSocketServer last; got undefined. Write server.on",
            () => protectUpgrade(validator, {}, sockets)
        ],
        [
            () => trpc.createContext(undefined as never),
            "createContext takes what tRPC gives, { req, res } or { req, resHeaders }; got undefined",
            () => trpc.createContext(asked)
        ],
        [
            () => trpc.createContext(asked.req as never),
            "got a Request. Write createContext: options =>",
            () => trpc.createContext(asked)
        ],
        [
            () => anyRole(["admin"], undefined as never),
            "the claim that holds the roles is missing. Write, for example, rolesOf.keycloakRealm",
            () => anyRole(["admin"], rolesOf.keycloakRealm)
        ],
        [
            () => AuthModule.forRoot(validator, {}, { globl: false } as never),
            'unknown option "globl" of AuthModule.forRoot, as its third argument; did you mean "global"?',
            () => AuthModule.forRoot(validator, {}, { global: false })
        ]
    ] as const) {
        expect(wrong, message).toThrow(message);
        expect(right, message).not.toThrow();
    }
    const issuer = createTestIssuer();
    const real = createValidator(issuer.options);
    const verdict = real.validateRequestSync({ authorization: `Bearer ${issuer.sign({ scope: "read" })}` });
    expect(() => real.authorize(verdict as never, "read" as never)).toThrow(
        'the second argument of authorize: expected a requirement; got the string "read"'
    );
    expect(real.authorize(verdict as never, allScopes(["read"])).isSuccess).toBe(true);
});
