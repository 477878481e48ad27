// The twins of validateRequest: one that throws, one that does not wait.

import { once } from "node:events";
import { createServer } from "node:http";
import express from "express";
import { createValidator, RefusedError, type Validator, type ValidatorOptions } from "oidc-spa-native";
import { RefusedError as RefusedErrorOfTrpc } from "oidc-spa-native/trpc";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testOfAddon } from "../support/engine.js";
import { alike } from "../support/refusals.js";
import { z } from "zod";
import { allScopes } from "oidc-spa-native/authorization";
import { AUDIENCE, createFixtures, ITEMS, type Fixtures } from "../support/fixtures.js";
import { jws, newKey } from "../support/jwt.js";
import { startLocalIssuer } from "../support/local-issuer.js";

const NOW = 1_800_000_000;
const TARGET = { method: "GET", url: ITEMS };

let f: Fixtures;
let validator: Validator;

const newValidator = (changes: object = {}): Validator =>
    createValidator({
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        clock: () => NOW * 1000,
        ...changes
    } as ValidatorOptions);

beforeAll(async () => {
    f = await createFixtures();
    validator = newValidator();
    await validator.ready();
});

afterAll(() => f.issuer.close());

const bearer = (changes = {}) => ({ authorization: `Bearer ${f.token(NOW, changes)}` });
function dpop() {
    const token = f.boundToken(NOW);
    return { authorization: `DPoP ${token}`, dpop: f.proof(NOW, token) };
}

describe("validateRequestOrThrow", () => {
    test("gives the grant", async () => {
        const headers = bearer();
        expect(await validator.validateRequestOrThrow(headers)).toEqual(
            await validator.validateRequest(headers)
        );
        expect(await validator.validateRequestOrThrow(dpop(), TARGET)).toMatchObject({
            isSuccess: true,
            scheme: "DPoP"
        });
    });

    test("throws a refusal with all that a response needs, and nothing for developers in what a client may see", async () => {
        const headers = bearer({ exp: NOW - 7 });
        const refused = await validator.validateRequest(headers);
        const error = await validator.validateRequestOrThrow(headers).catch((error: unknown) => error);
        expect(error).toBeInstanceOf(RefusedError);
        expect(error).toBeInstanceOf(Error);
        const { name, message, code, status, headers: fields, refusal } = error as RefusedError;
        expect({ name, message, code, status, fields, refusal }).toEqual({
            name: "RefusedError",
            message: "The access token expired",
            code: "token_expired",
            status: 401,
            fields: refused.headers,
            refusal: alike(refused)
        });
        expect(refused.debugErrorMessage).toContain("7 s ago");
        expect(JSON.stringify(error) + JSON.stringify(Object.entries(error as object))).not.toContain(
            "7 s ago"
        );
        // The fields are its own.
        fields["WWW-Authenticate"] = "changed";
        expect(refusal.headers).toEqual(refused.headers);
    });

    test("rules and misuse are those of validateRequest", async () => {
        await expect(
            validator.validateRequestOrThrow(bearer(), TARGET, { dpop: "required" })
        ).rejects.toMatchObject({
            code: "token_unbound"
        });
        await expect(validator.validateRequestOrThrow("eyJ" as never)).rejects.toThrow(TypeError);
        await expect(
            validator.validateRequestOrThrow(bearer(), null, { dpop: "on" } as never)
        ).rejects.toThrow(TypeError);
    });

    test("an error is made of what authorize refuses too", async () => {
        const grant = await validator.validateRequestOrThrow(bearer());
        const verdict = validator.authorize(grant, allScopes(["admin"]));
        const error = verdict.isSuccess ? undefined : new RefusedError(verdict);
        expect(error).toMatchObject({ code: "scope_insufficient", status: 403 });
        expect(error?.headers["WWW-Authenticate"]).toContain('scope="admin"');
    });

    test("it is one class, wherever it is imported from", () => {
        expect(RefusedErrorOfTrpc).toBe(RefusedError);
    });

    test("Express sends status and fields of it by itself", async () => {
        const app = express();
        app.set("env", "test");
        app.get("/", async (req, res) => {
            res.json((await validator.validateRequestOrThrow(req)).claims.sub);
        });
        const server = createServer(app).listen(0, "127.0.0.1");
        await once(server, "listening");
        try {
            const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
            const refused = await fetch(url, { headers: bearer({ exp: NOW - 7 }) });
            expect(refused.status).toBe(401);
            expect(refused.headers.get("www-authenticate")).toContain('error="invalid_token"');
            expect(await refused.text()).not.toContain("7 s ago");
            expect(await (await fetch(url, { headers: bearer() })).json()).toBe("user-1");
        } finally {
            server.close();
        }
    });
});

describe("validateRequestSync", () => {
    test("says at once what validateRequest says", async () => {
        for (const headers of [
            bearer(),
            bearer({ exp: NOW }),
            bearer({ aud: "x" }),
            {},
            { authorization: "Bearer x.y" }
        ]) {
            const verdict = validator.validateRequestSync(headers, TARGET);
            expect(verdict).toEqual(alike(await validator.validateRequest(headers, TARGET)));
        }
        const headers = dpop();
        expect(validator.validateRequestSync(headers, TARGET)).toMatchObject({
            isSuccess: true,
            scheme: "DPoP"
        });
        expect(validator.validateRequestSync(headers, TARGET)).toMatchObject({ code: "proof_replayed" });
        expect(await validator.validateRequest(headers, TARGET)).toMatchObject({ code: "proof_replayed" });
        expect(validator.validateRequestSync(bearer(), TARGET, { dpop: "required" })).toMatchObject({
            code: "token_unbound"
        });
    });

    testOfAddon("does so where other threads verify, too", async () => {
        const threads = newValidator({ verification: "threads" });
        await threads.ready();
        expect(threads.validateRequestSync(bearer())).toMatchObject({ isSuccess: true });
    });

    test("is null while keys are not there, and writes nothing", async () => {
        const issuer = await startLocalIssuer({ keys: (f.issuer.jwks as { keys: [] }).keys });
        const cold = newValidator({ issuerUri: issuer.issuerUri });
        const token = f.token(NOW, { iss: issuer.issuerUri, cnf: { jkt: f.jkt } });
        const headers = { authorization: `DPoP ${token}`, dpop: f.proof(NOW, token) };
        expect(cold.validateRequestSync(headers, TARGET)).toBeNull();
        expect(cold.validateRequestSync(headers, TARGET)).toBeNull();
        expect(issuer.requests).toEqual({ metadata: 0, jwks: 0 });
        expect(await cold.validateRequest(headers, TARGET)).toMatchObject({ isSuccess: true });
        expect(cold.validateRequestSync(headers, TARGET)).toMatchObject({ code: "proof_replayed" });
        // What no key could change needs none.
        expect(newValidator({ issuerUri: issuer.issuerUri }).validateRequestSync({})).toMatchObject({
            code: "credentials_missing"
        });
        await issuer.close();
    });

    test("is null where a key is new, until it was fetched", async () => {
        const issuer = await startLocalIssuer({ keys: (f.issuer.jwks as { keys: [] }).keys });
        const fresh = newValidator({ issuerUri: issuer.issuerUri });
        await fresh.ready();
        const key = newKey("P-256");
        const claims = f.claims(NOW, { iss: issuer.issuerUri });
        const headers = {
            authorization: `Bearer ${jws({ alg: "ES256", kid: "new" }, claims, "ES256", key)}`
        };
        issuer.jwks = { keys: [{ ...key.publicJwk, kid: "new" }] };
        expect(fresh.validateRequestSync(headers)).toBeNull();
        expect(await fresh.validateRequest(headers)).toMatchObject({ isSuccess: true });
        expect(fresh.validateRequestSync(headers)).toMatchObject({ isSuccess: true });
        await issuer.close();
    });

    test("is null where a store has a word in it, which is not asked", async () => {
        let asked = 0;
        const checkAndStore = async () => {
            asked++;
            return true;
        };
        const shared = newValidator({ replayStore: { checkAndStore } });
        await shared.ready();
        const headers = dpop();
        expect(shared.validateRequestSync(headers, TARGET)).toBeNull();
        expect(asked).toBe(0);
        expect(await shared.validateRequest(headers, TARGET)).toMatchObject({ isSuccess: true });
        expect(asked).toBe(1);
        expect(shared.validateRequestSync(bearer())).toMatchObject({ isSuccess: true });
    });

    test("a schema is asked at once; one that makes a Promise is the program's error", async () => {
        const sync = newValidator({ claims: z.object({ sub: z.string() }) });
        await sync.ready();
        expect(sync.validateRequestSync(bearer())).toMatchObject({
            isSuccess: true,
            claims: { sub: "user-1" }
        });
        const strict = newValidator({ claims: z.object({ missing: z.string() }) });
        await strict.ready();
        expect(strict.validateRequestSync(bearer())).toMatchObject({ code: "claims_rejected" });
        const throwing = newValidator({
            claims: {
                parse: () => {
                    throw new Error("no");
                }
            }
        });
        await throwing.ready();
        expect(throwing.validateRequestSync(bearer())).toMatchObject({ code: "claims_rejected" });
        for (const claims of [
            z.object({ sub: z.string().refine(async () => true) }),
            { parse: async (claims: unknown) => claims },
            { parse: () => ({ then: () => undefined }) },
            { parse: () => Promise.reject(new Error("no")) }
        ]) {
            const waiting = newValidator({ claims });
            await waiting.ready();
            expect(() => waiting.validateRequestSync(bearer())).toThrow(/which answers with a Promise/);
        }
        const thenable = newValidator({
            claims: { parse: (claims: object) => ({ ...claims, then: "a text" }) }
        });
        await thenable.ready();
        expect(thenable.validateRequestSync(bearer())).toMatchObject({
            isSuccess: true,
            claims: { then: "a text" }
        });
    });
});
