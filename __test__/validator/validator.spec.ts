// createValidator: request shapes, schemas, verdicts.

import { inspect } from "node:util";
import { type } from "arktype";
import { createValidator, type Validator, type ValidatorOptions } from "oidc-spa-native";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { createTestIssuer } from "oidc-spa-native/testing";
import { AUDIENCE, createFixtures, ITEMS, type Fixtures } from "../support/fixtures.js";
import { ALGS, jws } from "../support/jwt.js";
import { startLocalIssuer } from "../support/local-issuer.js";
import { withTextAfter } from "../drop-in/token-mutations.js";

const NOW = 1_800_000_000;

let f: Fixtures;
let validator: Validator;

const options = (changes: object = {}): ValidatorOptions =>
    ({
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        clock: () => NOW * 1000,
        ...changes
    }) as ValidatorOptions;

const target = { method: "GET", url: ITEMS };

beforeAll(async () => {
    f = await createFixtures();
    validator = createValidator(options());
    await validator.ready();
});

afterAll(() => f.issuer.close());

const withBearer = (accessToken = f.token(NOW)) => ({ authorization: `Bearer ${accessToken}` });
const withProof = (changes: Record<string, unknown> = {}) => {
    const accessToken = f.boundToken(NOW);
    return { authorization: `DPoP ${accessToken}`, dpop: f.proof(NOW, accessToken, changes) };
};

describe("verdicts", () => {
    test("granted: claims, token, scheme, issuer", async () => {
        const accessToken = f.token(NOW);
        expect(await validator.validateRequest({ authorization: `Bearer ${accessToken}` })).toEqual({
            isSuccess: true,
            claims: f.claims(NOW),
            rawClaims: f.claims(NOW),
            accessToken,
            scheme: "Bearer",
            issuerUri: f.issuer.issuerUri,
            headers: {}
        });
    });

    test.each(ALGS)("A23, A24: %s", async alg => {
        const verdict = await validator.validateRequest(withBearer(f.token(NOW, {}, alg)));
        expect(verdict).toMatchObject({ isSuccess: true });
    });

    test("CH: without credentials, a challenge without error", async () => {
        const verdict = await validator.validateRequest({});
        expect(verdict).toMatchObject({ isSuccess: false, code: "credentials_missing", status: 401 });
        expect(verdict.headers["WWW-Authenticate"]).toMatch(/^Bearer, DPoP algs="/);
        expect(verdict.headers["WWW-Authenticate"]).not.toContain("error");
    });

    test("refused: code, cause, message, status, challenge, and nothing else", async () => {
        const verdict = await validator.validateRequest(withBearer(f.token(NOW, { exp: NOW - 1 })));
        expect(Object.keys(verdict).sort()).toEqual([
            "code",
            "debugErrorMessage",
            "errorCause",
            "headers",
            "isSuccess",
            "refusalId",
            "status"
        ]);
        expect(verdict).toMatchObject({
            code: "token_expired",
            errorCause: "validation error - access token expired",
            status: 401
        });
        expect(verdict.headers["WWW-Authenticate"]).toContain('Bearer error="invalid_token"');
    });

    test("O11: a refusal holds no token", async () => {
        for (const headers of [
            withBearer(f.token(NOW, { exp: 1 })),
            withBearer(`${f.token(NOW).slice(0, -8)}AAAAAAAA`),
            { authorization: `DPoP ${f.token(NOW)}`, dpop: f.proof(NOW, f.token(NOW)) },
            withProof({ htm: "POST" }),
            { authorization: `Bearer ${f.token(NOW)} x` }
        ]) {
            const verdict = await validator.validateRequest(headers, target);
            expect(verdict.isSuccess).toBe(false);
            const shown = inspect(verdict, { depth: 9, showHidden: true }) + JSON.stringify(verdict);
            for (const secret of Object.values(headers)
                .flatMap(value => value.split(/[ .]/))
                .filter(part => part.length > 20)) {
                expect(shown).not.toContain(secret);
            }
        }
    });

    test("503 with Retry-After when there are no keys (H19)", async () => {
        const issuer = await startLocalIssuer();
        issuer.failWith = 500;
        const cold = createValidator(options({ issuerUri: issuer.issuerUri, keysTimeoutMs: 200 }));
        const verdict = await cold.validateRequest(withBearer(f.token(NOW, { iss: issuer.issuerUri })));
        expect(verdict).toMatchObject({ isSuccess: false, code: "keys_unavailable", status: 503 });
        expect(verdict.headers["Retry-After"]).toMatch(/^\d+$/);
        expect(verdict.headers).not.toHaveProperty("WWW-Authenticate");
        await expect(cold.ready({ timeoutMs: 300 })).rejects.toThrow(Error);
        await issuer.close();
    });

    test("H33: a thousand requests before the keys cost the issuer one fetch each", async () => {
        const issuer = await startLocalIssuer({ keys: (f.issuer.jwks as { keys: [] }).keys });
        const cold = createValidator(options({ issuerUri: issuer.issuerUri }));
        const headers = withBearer(f.token(NOW, { iss: issuer.issuerUri }));
        const verdicts = await Promise.all(
            Array.from({ length: 1_000 }, () => cold.validateRequest(headers))
        );
        expect(verdicts.every(({ isSuccess }) => isSuccess)).toBe(true);
        expect(issuer.requests).toEqual({ metadata: 1, jwks: 1 });
        await issuer.close();
    });

    test("H23, H27: a new key is found by its kid, once", async () => {
        const issuer = await startLocalIssuer({ keys: [] });
        const [old] = (f.issuer.jwks as { keys: { kid: string }[] }).keys;
        issuer.jwks = { keys: [old] };
        const rotating = createValidator(options({ issuerUri: issuer.issuerUri }));
        await rotating.ready();
        issuer.jwks = f.issuer.jwks;
        const { jwks } = issuer.requests;
        const fresh = withBearer(f.token(NOW, { iss: issuer.issuerUri }));
        expect(await rotating.validateRequest(fresh)).toMatchObject({ isSuccess: true });
        expect(issuer.requests.jwks).toBe(jwks + 1);
        const unknown = jws(
            { alg: "ES256", kid: "unknown" },
            f.claims(NOW, { iss: issuer.issuerUri }),
            "ES256",
            f.client
        );
        for (let i = 0; i < 20; i++) {
            expect(await rotating.validateRequest(withBearer(unknown))).toMatchObject({
                code: "key_unknown"
            });
        }
        expect(issuer.requests.jwks).toBeLessThanOrEqual(jwks + 2);
        await issuer.close();
    });
});

describe("DPoP", () => {
    test("granted with method and URL", async () => {
        const verdict = await validator.validateRequest(withProof(), target);
        expect(verdict).toMatchObject({ isSuccess: true, scheme: "DPoP", claims: { sub: "user-1" } });
    });

    test("without a target, it is refused and Bearer is not", async () => {
        expect(await validator.validateRequest(withProof())).toMatchObject({ isSuccess: false });
        expect(await validator.validateRequest(withBearer())).toMatchObject({ isSuccess: true });
    });

    test("a request target and the Host tell the URL where publicBaseUrl is set", async () => {
        const behind = createValidator(options({ publicBaseUrl: "https://api.example.com/v1" }));
        const headers = { ...withProof(), host: "10.0.0.5:3000" };
        expect(await behind.validateRequest(headers, { method: "GET", url: "/items?x=1" })).toMatchObject({
            isSuccess: true
        });
    });

    test("K39, K40: forwarded fields count where they are trusted", async () => {
        const trusting = createValidator(options({ trustProxy: true }));
        const hops = createValidator(options({ trustProxy: 1 }));
        const fields = {
            host: "10.0.0.5:3000",
            "x-forwarded-proto": "https",
            "x-forwarded-host": "api.example.com"
        };
        const request = (headers: object) => ({
            headers: { ...fields, ...headers },
            method: "GET",
            url: "/v1/items",
            socket: {}
        });
        expect(await trusting.validateRequest(request(withProof()))).toMatchObject({ isSuccess: true });
        expect(await hops.validateRequest(request(withProof()))).toMatchObject({ isSuccess: true });
        expect(await validator.validateRequest(request(withProof()))).toMatchObject({
            code: "proof_uri_mismatch"
        });
    });

    test("K01: htm is compared as it came", async () => {
        expect(await validator.validateRequest(withProof({ htm: "get" }), target)).toMatchObject({
            code: "proof_method_mismatch"
        });
    });

    test("J41, J42: schemes that are switched off", async () => {
        const only = createValidator(options({ dpop: "required" }));
        const none = createValidator(options({ dpop: "disabled" }));
        expect(await only.validateRequest(withBearer())).toMatchObject({ isSuccess: false, status: 401 });
        expect(await only.validateRequest(withProof(), target)).toMatchObject({ isSuccess: true });
        expect(await none.validateRequest(withProof(), target)).toMatchObject({
            isSuccess: false,
            status: 401
        });
        expect(await none.validateRequest(withBearer(f.boundToken(NOW)))).toMatchObject({
            code: "token_bound"
        });
        expect(await none.validateRequest(withBearer())).toMatchObject({ isSuccess: true });
    });

    test("L01: a validator with a clock of its own has a replay memory of its own", async () => {
        const other = createValidator(options());
        const headers = withProof();
        expect(await validator.validateRequest(headers, target)).toMatchObject({ isSuccess: true });
        expect(await validator.validateRequest(headers, target)).toMatchObject({ code: "proof_replayed" });
        expect(await other.validateRequest(headers, target)).toMatchObject({ isSuccess: true });
    });
});

describe("shapes", () => {
    const code = async (...args: Parameters<Validator["validateRequest"]>): Promise<string> => {
        const verdict = await validator.validateRequest(...args);
        return verdict.isSuccess ? "granted" : verdict.code;
    };

    test("header fields in every shape", async () => {
        const { authorization } = withBearer();
        expect(await code({ authorization })).toBe("granted");
        expect(await code({ Authorization: authorization })).toBe("granted");
        expect(await code({ AUTHORIZATION: authorization })).toBe("granted");
        expect(await code({ authorization: [authorization] })).toBe("granted");
        expect(await code(new Headers({ authorization }))).toBe("granted");
        expect(await code(["Host", "x", "Authorization", authorization])).toBe("granted");
        expect(await code(Object.assign(Object.create(null) as object, { authorization }))).toBe("granted");
        expect(await code(new Request(ITEMS, { headers: { authorization } }))).toBe("granted");
        expect(await code({ raw: new Request(ITEMS, { headers: { authorization } }) })).toBe("granted");
        const node = { headers: { authorization }, method: "GET", url: "/", socket: {} };
        expect(await code(node)).toBe("granted");
        expect(await code({ raw: node })).toBe("granted");
        expect(await code({ req: node, originalUrl: "/" })).toBe("granted");
    });

    test("I21: two spellings of a name", async () => {
        const { authorization } = withBearer();
        expect(await code({ authorization, Authorization: authorization })).toBe("granted");
        expect(await code({ authorization, Authorization: `Bearer ${f.token(NOW, { sub: "b" })}` })).toBe(
            "credentials_repeated"
        );
        const { dpop, ...rest } = withProof();
        expect(await code({ ...rest, dpop, DPoP: withProof().dpop }, target)).toBe("proof_repeated");
    });

    test("I10, I12: Authorization and DPoP that came twice", async () => {
        const { authorization } = withBearer();
        expect(await code({ authorization: [authorization, authorization] })).toBe("credentials_repeated");
        expect(await code(["authorization", authorization, "Authorization", authorization])).toBe(
            "credentials_repeated"
        );
        const rawHeaders = ["Authorization", authorization, "authorization", "Bearer x"];
        const node = { headers: { authorization }, rawHeaders, method: "GET", url: "/", socket: {} };
        expect(await code(node)).toBe("credentials_repeated");
        const proof = withProof();
        expect(await code({ ...proof, dpop: [proof.dpop, proof.dpop] }, target)).toBe("proof_repeated");
        expect(await code({ ...proof, dpop: `${proof.dpop}, ${proof.dpop}` }, target)).toMatch(
            /^proof_(repeated|malformed)$/
        );
        expect(await code(proof, target)).toBe("granted");
    });

    test("I22: a polluted prototype is not a header field", async () => {
        const { authorization } = withBearer();
        const prototype = Object.prototype as { authorization?: string };
        try {
            prototype.authorization = authorization;
            expect(await code({})).toBe("credentials_missing");
            expect(await code({ headers: {}, method: "GET", url: "/", socket: {} })).toBe(
                "credentials_missing"
            );
        } finally {
            delete prototype.authorization;
        }
    });

    test("I23: HTTP/2 pseudo headers tell the target", async () => {
        const pseudo = {
            ":method": "GET",
            ":path": "/v1/items?x",
            ":scheme": "https",
            ":authority": "api.example.com"
        };
        expect(await code({ ...pseudo, ...withProof() })).toBe("granted");
        expect(await code({ ...pseudo, ...withProof(), ":path": "/v1/other" })).toBe("proof_uri_mismatch");
    });

    test("the URL that the program gives goes before what the client says of it", async () => {
        const fields = { ":scheme": "http", ":authority": "evil.example", host: "evil.example" };
        expect(await code({ ...fields, ...withProof() }, target)).toBe("granted");
        expect(await code({ ...fields, ...withProof({ htu: "http://evil.example/v1/items" }) }, target)).toBe(
            "proof_uri_mismatch"
        );
    });

    test("K37: two Host lines leave no URL that a proof could be for", async () => {
        const node = (...hosts: string[]) => {
            const headers = withProof();
            const lines = [...hosts.flatMap(host => ["Host", host]), ...Object.entries(headers).flat()];
            const request = { method: "GET", url: "/v1/items", socket: { encrypted: true } };
            return { ...request, headers: { host: "api.example.com", ...headers }, rawHeaders: lines };
        };
        expect(await code(node("api.example.com"))).toBe("granted");
        expect(await code(node("api.example.com", "evil.example"))).toBe("proof_uri_mismatch");
    });

    test("names that a client may choose do not change how a record is read", async () => {
        const { authorization } = withBearer();
        for (const name of [
            "raw",
            "req",
            "headers",
            "socket",
            "type",
            "get",
            "url",
            "method",
            "pseudoHeaders",
            "originalUrl",
            "rawHeaders"
        ]) {
            expect(await code({ authorization, [name]: "unified" }), name).toBe("granted");
            expect(await code({ authorization, [name]: ["x"] }), name).toBe("granted");
            expect(await code({ [name]: authorization }), name).toBe("credentials_missing");
        }
    });

    test("I19, Q10, Q11: values that no header can have are refused, not thrown", async () => {
        for (const value of [
            1,
            true,
            {},
            Symbol("x"),
            new String("Bearer x"),
            [1],
            [{}],
            [Symbol("x")],
            "Bearer \ud800",
            "Bearer t\r\nX: y",
            "Bearer \u0000",
            "\u0000"
        ]) {
            const verdict = await validator.validateRequest({ authorization: value as string });
            expect(verdict.isSuccess, inspect(value)).toBe(false);
            expect(verdict.status, inspect(value)).toBe(400);
            const { authorization } = withProof();
            expect(
                (await validator.validateRequest({ authorization, dpop: value as string }, target)).isSuccess
            ).toBe(false);
        }
        expect(await code({ authorization: undefined })).toBe("credentials_missing");
        expect(await code({ authorization: [] })).toBe("credentials_missing");
    });

    test("Q12: a getter is read once", async () => {
        let reads = 0;
        const { authorization } = withBearer();
        const headers = {
            get authorization() {
                return reads++ === 0 ? authorization : "Bearer other";
            }
        };
        expect(await code(headers)).toBe("granted");
        expect(reads).toBe(1);
    });

    test("I24: what is not a request is the program's error", async () => {
        for (const input of [
            undefined,
            null,
            "Bearer x",
            1,
            true,
            Symbol("x"),
            () => undefined,
            Buffer.from("x"),
            new Date(),
            ["a"],
            [["a", "b"]],
            [1, 2]
        ]) {
            await expect(validator.validateRequest(input as never), inspect(input)).rejects.toThrow(
                TypeError
            );
        }
        await expect(validator.validateRequest({ headers: {}, socket: {} } as never)).rejects.toThrow(
            /method/
        );
        await expect(
            validator.validateRequest({ headers: {}, socket: {}, method: "GET" } as never)
        ).rejects.toThrow(/url/);
        await expect(validator.validateRequest({}, "x" as never)).rejects.toThrow(TypeError);
        await expect(validator.validateRequest({}, { method: "GET" } as never)).rejects.toThrow(/url/);
    });
});

describe("claims", () => {
    const schemas = {
        zod: z.object({ sub: z.string(), scope: z.string().transform(text => text.split(" ")) }),
        valibot: v.object({
            sub: v.string(),
            scope: v.pipe(
                v.string(),
                v.transform(text => text.split(" "))
            )
        }),
        arktype: type({ sub: "string", scope: type("string").pipe(text => text.split(" ")), "+": "delete" }),
        parse: {
            parse: ({ sub, scope }: { sub: string; scope?: string }) => ({
                sub,
                scope: (scope as string).split(" ")
            })
        },
        "asynchronous zod": z.object({
            sub: z.string(),
            scope: z.string().transform(async text => Promise.resolve(text.split(" ")))
        })
    };
    test.each(Object.entries(schemas))("%s: output and refusal", async (_, claims) => {
        const typed = createValidator(options({ claims }));
        const verdict = await typed.validateRequest(withBearer());
        expect(verdict).toMatchObject({ isSuccess: true, rawClaims: f.claims(NOW) });
        expect({ ...(verdict.claims as object) }).toEqual({ sub: "user-1", scope: ["read", "write"] });

        const refused = await typed.validateRequest(withBearer(f.token(NOW, { scope: undefined })));
        expect(refused).toMatchObject({
            isSuccess: false,
            code: "claims_rejected",
            status: 401,
            errorCause: "validation error"
        });
        expect(refused.debugErrorMessage).toMatch(
            /^The access token's claims do not satisfy the schema in `claims`: ./
        );
        expect(refused.headers["WWW-Authenticate"]).toContain('error="invalid_token"');
    });

    test("a schema that throws anything, or answers nothing, refuses", async () => {
        for (const validate of [
            () => {
                throw null;
            },
            () => Promise.reject(new Error("later")),
            () => undefined,
            () => ({ issues: [{ message: "no" }] })
        ]) {
            const claims = { "~standard": { version: 1, vendor: "x", validate } };
            expect(await createValidator(options({ claims })).validateRequest(withBearer())).toMatchObject({
                code: "claims_rejected"
            });
        }
    });

    test("the answer of a safeParse is no claims, whether it says success or not", async () => {
        const failing = z.object({ tenant: z.string() });
        const passing = z.object({ sub: z.string() });
        for (const parse of [
            (claims: unknown) => failing.safeParse(claims),
            (claims: unknown) => passing.safeParse(claims),
            (claims: unknown) => failing.safeParseAsync(claims),
            () => ({ typed: false, success: false, output: {}, issues: [{}] }),
            () => ({ success: false, issues: [] })
        ]) {
            const typed = createValidator(options({ claims: { parse } as never }));
            const verdict = await typed.validateRequest(withBearer());
            expect(verdict).toMatchObject({ code: "claims_rejected" });
            expect(verdict.debugErrorMessage).toMatch(/answer of a safeParse.*give the schema itself/);
        }
        for (const claims of [
            passing,
            { parse: (claims: unknown) => passing.parse(claims) },
            { parse: () => ({ success: true }) },
            { parse: () => ({ success: false, error: "e", sub: "user-1" }) },
            { parse: () => ({ success: "false", error: "e" }) }
        ]) {
            const typed = createValidator(options({ claims: claims as never }));
            expect((await typed.validateRequest(withBearer())).isSuccess).toBe(true);
        }
    });

    test("an error in the place of claims refuses: not every parser throws", async () => {
        const ofArktype = type({ sub: "number" });
        for (const parse of [
            () => new TypeError("no such user"),
            async () => new Error("no such user"),
            // As joi, superstruct and arktype answer.
            () => ({ value: { sub: "user-1" }, error: new Error("no such user") }),
            () => [new Error("no such user"), undefined],
            (claims: unknown) => ofArktype(claims)
        ]) {
            const typed = createValidator(options({ claims: { parse } as never }));
            const verdict = await typed.validateRequest(withBearer());
            expect(verdict).toMatchObject({ code: "claims_rejected" });
            expect(verdict.debugErrorMessage).toMatch(
                /answered with an error in the place of claims; .*: (no such user|sub must be a number)/
            );
        }
        const typed = createValidator(
            options({ claims: { parse: () => ({ value: {}, error: undefined }) } as never })
        );
        expect((await typed.validateRequest(withBearer())).isSuccess).toBe(true);
    });

    test("what is no answer of a schema, and what cannot be claims, refuses", async () => {
        const late = () => Promise.reject(new Error("later"));
        const nothing = [undefined, null, true, false];
        const standard = (answer: unknown) => ({
            "~standard": { version: 1, vendor: "x", validate: () => answer }
        });
        const none = [...nothing, 0, "no", {}, { success: false }, { valeu: {} }];
        for (const answer of [...none, ...nothing.map(value => ({ value })), { value: late() }]) {
            for (const given of [answer, Promise.resolve(answer)]) {
                const typed = createValidator(options({ claims: standard(given) as never }));
                const verdict = await typed.validateRequest(withBearer());
                expect(verdict, JSON.stringify(answer)).toMatchObject({ code: "claims_rejected" });
                expect(verdict.debugErrorMessage).toMatch(/the schema answered .* expected|in the place of/);
            }
        }
        for (const answer of nothing) {
            for (const parse of [() => answer, () => Promise.resolve(answer)]) {
                const typed = createValidator(options({ claims: { parse } as never }));
                expect(await typed.validateRequest(withBearer())).toMatchObject({ code: "claims_rejected" });
            }
        }
        for (const value of ["user-1", 0, "", { sub: "a" }, ["a"]]) {
            for (const claims of [
                standard({ value }),
                standard(Promise.resolve({ value })),
                { parse: () => value }
            ]) {
                const typed = createValidator(options({ claims: claims as never }));
                expect(await typed.validateRequest(withBearer())).toMatchObject({ claims: value });
            }
        }
    });

    test("Q22: rawClaims stay as they were, whatever the schema does", async () => {
        const claims = {
            parse: (given: Record<string, unknown>) => {
                given["sub"] = "changed";
                (given["realm_access"] as { roles: string[] }).roles.push("root");
                return given;
            }
        };
        const verdict = await createValidator(options({ claims })).validateRequest(withBearer());
        expect(verdict.rawClaims).toEqual(f.claims(NOW));
        expect(verdict.claims).toMatchObject({ sub: "changed" });
    });

    test("D43, D44, D45: members with names of the language's own", async () => {
        const text = withTextAfter(
            f.claims(NOW),
            '"__proto__":{"isAdmin":true},"constructor":{"a":1},"then":"x","toJSON":"y","hasOwnProperty":0,"acct":12345678901234567890'
        );
        const token = jws({ alg: "ES256", kid: "es256" }, text, "ES256", f.keyOf("ES256"));
        const verdict = await validator.validateRequest(withBearer(token));
        if (!verdict.isSuccess) {
            throw new Error(verdict.debugErrorMessage);
        }
        const { claims } = verdict;
        expect(Object.getPrototypeOf(claims)).toBe(Object.prototype);
        expect(claims["isAdmin"]).toBeUndefined();
        expect(({} as Record<string, unknown>)["isAdmin"]).toBeUndefined();
        expect(Object.getOwnPropertyDescriptor(claims, "__proto__")?.value).toEqual({ isAdmin: true });
        expect(claims["then"]).toBe("x");
        expect(claims["acct"]).toBe(12345678901234567890);
        expect(claims).toEqual(JSON.parse(text));
    });
});

test("options of a class are refused: its getters would be lost", () => {
    class Config {
        issuerUri = "https://auth.example.com";
        expectedAudience = "https://api.example.com";
        get dpop(): "required" {
            return "required";
        }
    }
    expect(() => createValidator(new Config())).toThrow(/option "dpop" is a getter of a class/);
});

test.each(["RS256", "PS256"] as const)(
    "F22: of a %s signature nothing is left out: the zero that it begins with, it is none",
    async algorithm => {
        const issuer = createTestIssuer({ algorithms: [algorithm] });
        const validator = createValidator(issuer.options);
        const of = (token: string) => validator.validateRequest({ authorization: `Bearer ${token}` });
        let parts: string[];
        let signature: Buffer;
        do {
            parts = issuer.sign({ jti: crypto.randomUUID() }).split(".");
            signature = Buffer.from(parts[2] as string, "base64url");
        } while (signature[0] !== 0);
        const shorter = [...parts.slice(0, 2), signature.subarray(1).toString("base64url")].join(".");
        expect(await of(shorter)).toMatchObject({ isSuccess: false, code: "signature_invalid" });
        expect(await of(parts.join("."))).toMatchObject({ isSuccess: true });
    }
);
