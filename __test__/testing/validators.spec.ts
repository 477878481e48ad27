// fakeValidator and mockValidator: what they answer, on every adapter, and that production refuses them.

import express from "express";
import { fastify } from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { RefusedError, type ErrorCode, type Validator, type ValidatorOptions } from "oidc-spa-native";
import { allScopes } from "oidc-spa-native/authorization";
import { protect as ofExpress } from "oidc-spa-native/express";
import { protect as ofFastify } from "oidc-spa-native/fastify";
import { protect as ofFetch } from "oidc-spa-native/fetch";
import { protect as ofHono } from "oidc-spa-native/hono";
import { protect as ofKoa } from "oidc-spa-native/koa";
import { protect as ofNodeHttp } from "oidc-spa-native/node-http";
import { createTestIssuer, fakeValidator, mockValidator } from "oidc-spa-native/testing";
import { afterEach, describe, expect, test, vi } from "vitest";

afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
});

const { errorTable } = createRequire(import.meta.url)("../../binding/binding.js") as {
    errorTable: () => { code: ErrorCode }[];
};

const require = allScopes(["items:write"]);

/** An API on each adapter: it answers with the user, where the scope is there. */
const ADAPTERS: Record<string, (validator: Validator) => (init?: RequestInit) => Promise<Response>> = {
    express: validator => {
        const auth = ofExpress(validator, { require });
        return served(express().get("/", auth, (req, res) => res.send(auth.of(req).claims.sub)));
    },
    fastify: validator => {
        const auth = ofFastify(validator, { require });
        const app = fastify();
        app.get("/", { onRequest: auth }, async request => auth.of(request).claims.sub);
        return async (init = {}) => {
            const { statusCode, headers, body } = await app.inject({
                url: "/",
                headers: Object.fromEntries(new Headers(init.headers))
            });
            return new Response(body, { status: statusCode, headers: headers as Record<string, string> });
        };
    },
    fetch: validator => {
        const handle = ofFetch(validator, { require }, (_: Request, auth) => new Response(auth.claims.sub));
        return init => handle(new Request("https://api.test/", init));
    },
    hono: validator => {
        const app = new Hono().get("/", ofHono(validator, { require }), c => c.text(c.var.auth.claims.sub));
        return async init => app.request("/", init);
    },
    koa: validator =>
        served(
            new Koa()
                .use(ofKoa(validator, { require }))
                .use(ctx => {
                    ctx.body = (ctx.state["auth"] as { claims: { sub: string } }).claims.sub;
                })
                .callback()
        ),
    "node-http": validator =>
        served(ofNodeHttp(validator, { require }, (_req, res, auth) => res.end(auth.claims.sub)))
};

const served = (listener: RequestListener) => async (init?: RequestInit) => {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
        return await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
            ...init,
            headers: { ...Object.fromEntries(new Headers(init?.headers)), connection: "close" }
        });
    } finally {
        server.close();
    }
};

describe.each(Object.entries(ADAPTERS))("on %s", (_, api) => {
    test("whoever the test says gets in, if the route permits it", async () => {
        const writer = await api(fakeValidator({ claims: { sub: "ann", scope: "items:write" } }))();
        expect([writer.status, await writer.text()]).toEqual([200, "ann"]);
        const reader = await api(fakeValidator({ claims: { sub: "ben", scope: "items:read" } }))();
        expect(reader.status).toBe(403);
        expect(reader.headers.get("www-authenticate")).toContain('scope="items:write"');
    });

    test("a refusal is the real one's", async () => {
        const outage = await api(fakeValidator({ refusal: "keys_unavailable" }))();
        expect(outage.status).toBe(503);
        expect(outage.headers.has("retry-after")).toBe(true);
        const expired = await api(fakeValidator({ refusal: "token_expired" }))();
        expect(expired.status).toBe(401);
        expect(expired.headers.get("www-authenticate")).toMatch(/^Bearer error="invalid_token"/);
        const anonymous = await api(fakeValidator({ refusal: "credentials_missing" }))();
        expect(anonymous.headers.get("www-authenticate")).toContain('scope="items:write"');
    });

    test("decode only: a token without a good signature gets in, nothing else", async () => {
        const issuer = createTestIssuer();
        const send = api(mockValidator(issuer.options, { behavior: "decode only" }));
        const bearer = (token: string) => send({ headers: { authorization: `Bearer ${token}` } });
        const claims = { sub: "ben", scope: "items:write" };
        const odd = issuer.sign(
            { ...claims, iss: "https://other.test" },
            { otherKey: true, expiresInSeconds: -60 }
        );
        const response = await bearer(odd);
        expect([response.status, await response.text()]).toEqual([200, "ben"]);
        expect((await bearer(issuer.sign())).status).toBe(403);
        expect((await send()).status).toBe(401);
        expect((await bearer("nonsense")).status).toBe(401);
        expect((await bearer(issuer.sign({ ...claims, exp: undefined }))).status).toBe(401);
    });
});

describe("fakeValidator", () => {
    test("fills in what is not written, and leaves out what is undefined", async () => {
        const verdict = await fakeValidator({
            claims: { email: "a@example.com", sub: undefined }
        }).validateRequest({});
        expect(verdict.claims).toMatchObject({ email: "a@example.com", aud: "https://api.test" });
        expect(verdict.claims).not.toHaveProperty("sub");
        expect(verdict.scheme).toBe("Bearer");
        const bound = await fakeValidator({ claims: { cnf: { jkt: "x" } } }).validateRequest({});
        expect(bound.scheme).toBe("DPoP");
    });

    test("every way to ask has the same answer", async () => {
        const ann = fakeValidator({ claims: { sub: "ann" }, accessToken: "t" });
        expect((await ann.validateRequestOrThrow({})).accessToken).toBe("t");
        expect(ann.validateRequestSync({})?.claims?.sub).toBe("ann");
        const nobody = fakeValidator({ refusal: "token_expired" });
        await expect(nobody.validateRequestOrThrow({})).rejects.toBeInstanceOf(RefusedError);
        expect(nobody.validateRequestSync({})?.code).toBe("token_expired");
        await ann.ready();
    });

    test("a grant ends as a real one does", async () => {
        const now = Math.floor(Date.now() / 1000);
        const live = await fakeValidator({ claims: {} }).validateRequestOrThrow({});
        const over = await fakeValidator({ claims: { exp: now - 1 } }).validateRequestOrThrow({});
        const validator = fakeValidator({ claims: {} });
        expect([validator.hasExpired(live), validator.hasExpired(over)]).toEqual([false, true]);
    });

    test.each(errorTable())("the refusal $code has a status and a challenge", async ({ code }) => {
        const verdict = await fakeValidator({ refusal: code }).validateRequest({});
        expect(verdict.code).toBe(code);
        expect([400, 401, 403, 503]).toContain(verdict.status);
        expect(verdict.status !== 401 || "WWW-Authenticate" in verdict.headers).toBe(true);
    });

    test.each([
        [{}, "either claims or a refusal"],
        [{ claims: {}, refusal: "token_expired" }, "either claims or a refusal"],
        [{ refusal: "token_is_expired" }, "there is no code"],
        [{ sub: "ann" }, "claims: { sub }"],
        [{ claim: {} }, 'did you mean "claims"'],
        [{ claims: [] }, "claims must be an object; got a list"],
        [{ claims: {}, scheme: "bearer" }, 'the option "scheme": expected "Bearer" or "DPoP"; got "bearer"'],
        [{ claims: {}, accessToken: 5 }, 'the option "accessToken": expected a text; got 5']
    ])("%j makes no sense", (options, message) => {
        expect(() => fakeValidator(options as never)).toThrow(message);
    });
});

describe("mockValidator", () => {
    const options = { issuerUri: "https://issuer.invalid", expectedAudience: "https://api.test" };
    const parse = (claims: { sub: string }) => {
        if (claims.sub === "nobody") {
            throw new Error("no such user");
        }
        return { name: claims.sub };
    };

    test("decode only applies the schema, and asks no issuer", async () => {
        const issuer = createTestIssuer();
        const validator = mockValidator({ ...options, claims: { parse } }, { behavior: "decode only" });
        await validator.ready();
        const ask = (sub: string, scheme = "Bearer") =>
            validator.validateRequest(
                { authorization: `${scheme} ${issuer.sign({ sub })}`, dpop: "x" },
                { method: "GET", url: "https://api.test/" }
            );
        expect(await ask("ann")).toMatchObject({ claims: { name: "ann" }, rawClaims: { sub: "ann" } });
        expect((await ask("ann", "DPoP")).scheme).toBe("DPoP");
        expect((await ask("nobody")).code).toBe("claims_rejected");
        expect((await validator.validateRequest({ authorization: "Bearer" })).code).toBe(
            "credentials_malformed"
        );
    });

    test("decode only: nothing ends with a token", async () => {
        const issuer = createTestIssuer();
        const validator = mockValidator(issuer.options, { behavior: "decode only" });
        const authorization = `Bearer ${issuer.sign({}, { expiresInSeconds: -60 })}`;
        const granted = await validator.validateRequestOrThrow({ authorization });
        expect(validator.hasExpired(granted)).toBe(false);
        expect(validator.untilExpiry(granted).aborted).toBe(false);
    });

    test("use static identity: every request is from one user", async () => {
        const validator = mockValidator(options, {
            behavior: "use static identity",
            claims: { sub: "ann" },
            accessToken: "t"
        });
        for (const headers of [{}, { authorization: "Bearer nonsense" }]) {
            const verdict = await validator.validateRequest(headers);
            expect(verdict).toMatchObject({ isSuccess: true, claims: { sub: "ann" }, accessToken: "t" });
        }
    });

    test.each([
        [options, { behavior: "decode" }, "the behavior must be"],
        [options, { behaviour: "decode only" }, 'did you mean "behavior"'],
        [options, { behavior: "decode only", claims: {} }, "belong to the behavior"],
        [options, { behavior: "use static identity" }, "claims must be an object"],
        [
            options,
            { behavior: "use static identity", claims: {}, accessToken: 5 },
            'the option "accessToken"'
        ],
        [{ ...options, leewaySeconds: -1 }, { behavior: "decode only" }, "leewaySeconds"]
    ])("%#: options that make no sense", (given, mock, message) => {
        expect(() => mockValidator(given as ValidatorOptions, mock as never)).toThrow(message);
    });
});

describe("in production", () => {
    const options = { issuerUri: "https://issuer.invalid", expectedAudience: "https://api.test" };
    const making = (verifyNothingInProduction?: boolean) => [
        () => fakeValidator({ claims: {}, verifyNothingInProduction }),
        () => mockValidator(options, { behavior: "decode only", verifyNothingInProduction }),
        () =>
            mockValidator(options, {
                behavior: "use static identity",
                claims: {},
                verifyNothingInProduction
            })
    ];

    test.each(["production", " Production "])("NODE_ENV=%s refuses, with one word or the other", env => {
        vi.stubEnv("NODE_ENV", env);
        for (const make of [...making(), ...making(true)]) {
            expect(make).toThrow(/anybody may enter.* verifyNothingInProduction: true/);
        }
        vi.stubEnv("OIDC_SPA_NATIVE_VERIFY_NOTHING", "true");
        for (const make of [...making(), ...making(false)]) {
            expect(make).toThrow(/anybody may enter/);
        }
        vi.stubEnv("OIDC_SPA_NATIVE_VERIFY_NOTHING", "1");
        for (const make of making(true)) {
            expect(make).toThrow(/anybody may enter/);
        }
    });

    test("both words are enough, and a warning says so each time", () => {
        vi.stubEnv("NODE_ENV", "production");
        vi.stubEnv("OIDC_SPA_NATIVE_VERIFY_NOTHING", "true");
        const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
        for (const make of making(true)) {
            expect(make).not.toThrow();
        }
        expect(warned.mock.calls.map(([, told]) => (told as unknown as { code: string }).code)).toEqual(
            Array(3).fill("OIDC_SPA_NATIVE_MOCK_IN_PRODUCTION")
        );
    });

    test("elsewhere they are made without a word", () => {
        vi.stubEnv("NODE_ENV", "development");
        for (const make of making()) {
            expect(make).not.toThrow();
        }
    });
});
