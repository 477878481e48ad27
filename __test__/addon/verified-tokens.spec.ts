// The memory of verified tokens: what it spares, and that it never changes a verdict.

import { createRequire } from "node:module";
import { createValidator, type Validator, type ValidatorOptions, type Verdict } from "oidc-spa-native";
import { oidcSpa, type ValidateAndDecodeAccessToken } from "oidc-spa-native/server";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import type * as native from "../../dist/addon/native.js";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { jws, newKey, type Jwk } from "../support/jwt.js";
import { startLocalIssuer } from "../support/local-issuer.js";
import { countNativeCalls } from "../support/native-calls.js";
import { withTextAfter } from "../drop-in/token-mutations.js";

const NOW = 1_800_000_000;
const target = { method: "GET", url: ITEMS };

let f: Fixtures;
/** Seconds; the clock of the validators below. */
let now = NOW;

beforeAll(async () => {
    f = await createFixtures();
});

afterAll(() => f.issuer.close());
afterEach(() => {
    now = NOW;
    vi.restoreAllMocks();
});

const validatorOf = (changes: object = {}): Validator =>
    createValidator({
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        keys: { jwks: f.issuer.jwks },
        clock: () => now * 1000,
        verification: "inline",
        ...changes
    } as ValidatorOptions);

type Headers = Record<string, string | string[]>;
const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });
const dpop = (token: string, dpop: string): Headers => ({ authorization: `DPoP ${token}`, dpop });
const codeOf = (verdict: Verdict<unknown>): string => verdict.code ?? "granted";
const judge = async (validator: Validator, headers: Headers): Promise<string> =>
    codeOf(await validator.validateRequest(headers, target));

/** The verdict of a validator that remembers is that of one that never saw anything. */
async function agrees(warm: Validator, headers: Headers, code: string, changes: object = {}): Promise<void> {
    const verdict = await warm.validateRequest(headers, target);
    expect(codeOf(verdict)).toBe(code);
    const cold = await validatorOf({ verifiedTokenMemory: false, ...changes }).validateRequest(
        headers,
        target
    );
    // Each refusal has a name of its own.
    const unnamed = (verdict: Verdict<unknown>) => ({ ...verdict, refusalId: undefined });
    expect(unnamed(verdict)).toEqual(unnamed(cold));
}

/** Has a token granted and so remembered. */
async function remembered(validator: Validator, token: string): Promise<void> {
    expect(await verifications(validator, token)).toBe(1);
    expect(await verifications(validator, token)).toBe(0);
}

/** How often a good token is verified when it comes once. */
async function verifications(validator: Validator, token: string): Promise<number> {
    const calls = countNativeCalls();
    expect(await judge(validator, bearer(token))).toBe("granted");
    const { here } = calls();
    vi.restoreAllMocks();
    return here;
}

describe("time", () => {
    test.each([0, 30])(
        "Q02: a remembered token expires to the second, with a leeway of %i s",
        async leewaySeconds => {
            const validator = validatorOf({ leewaySeconds });
            const token = f.token(NOW, { exp: NOW + 60 });
            await remembered(validator, token);
            for (const [at, code] of [
                [59.999, "granted"],
                [60 + leewaySeconds - 0.001, "granted"],
                [60 + leewaySeconds, "token_expired"],
                [1e6, "token_expired"],
                [59, "granted"]
            ] as const) {
                now = NOW + at;
                await agrees(validator, bearer(token), code, { leewaySeconds });
            }
        }
    );

    test("Q06: a clock that goes back and forth decides each time", async () => {
        const validator = validatorOf();
        const token = f.token(NOW, { nbf: NOW - 3.5, iat: NOW - 3 });
        await remembered(validator, token);
        for (const [at, code] of [
            // Ten seconds before its nbf, rounded up.
            [-13, "granted"],
            [-13.001, "token_not_yet_valid"],
            [-1e6, "token_not_yet_valid"],
            [5, "granted"],
            [600, "token_expired"],
            [0, "granted"]
        ] as const) {
            now = NOW + at;
            await agrees(validator, bearer(token), code);
        }
        // Issued ahead of this clock by more than a minute.
        const issued = f.token(NOW, { iat: NOW });
        await remembered(validator, issued);
        now = NOW - 60;
        await agrees(validator, bearer(issued), "granted");
        now = NOW - 61;
        await agrees(validator, bearer(issued), "token_not_yet_valid");
    });

    test("Q06: a refusal is not remembered", async () => {
        const validator = validatorOf();
        const token = f.token(NOW, { nbf: NOW + 15 });
        expect(await judge(validator, bearer(token))).toBe("token_not_yet_valid");
        now = NOW + 5;
        await remembered(validator, token);
    });

    test("Q18: the process's clock counts where there is no other", async () => {
        const token = f.token(nowInSeconds(), { exp: nowInSeconds() + 2 });
        const validator = validatorOf({ clock: undefined });
        await remembered(validator, token);
        await vi.waitFor(
            async () => expect(await judge(validator, bearer(token))).toBe("token_expired"),
            20_000
        );
    });
});

describe("keys", () => {
    test("Q03: a token whose key is withdrawn is refused, and one whose key stays is not", async () => {
        const [old, kept, fresh] = [newKey("P-256"), newKey("P-256"), newKey("P-256")];
        const jwk = (kid: string, { publicJwk }: typeof old): Jwk => ({ ...publicJwk, kid });
        const issuer = await startLocalIssuer({ keys: [jwk("old", old), jwk("kept", kept)] });
        const validator = validatorOf({
            issuerUri: issuer.issuerUri,
            keys: undefined,
            keysCooldownSeconds: 1
        });
        const token = (kid: string, key: typeof old, changes = {}) =>
            jws({ alg: "ES256", kid }, { ...f.claims(NOW), iss: issuer.issuerUri, ...changes }, "ES256", key);
        const [first, second] = [token("old", old), token("kept", kept)];
        const bound = token("old", old, { cnf: { jkt: f.jkt } });
        await remembered(validator, first);
        await remembered(validator, second);
        const keptBound = token("kept", kept, { cnf: { jkt: f.jkt } });
        const subOf = async (token: string) =>
            (await validator.validateRequest(dpop(token, f.proof(NOW, token)), target)).claims?.["sub"];
        for (let i = 0; i < 3; i++) {
            expect([await subOf(bound), await subOf(keptBound)]).toEqual([
                f.claims(NOW)["sub"],
                f.claims(NOW)["sub"]
            ]);
        }

        issuer.jwks = { keys: [jwk("kept", kept), jwk("fresh", fresh)] };
        expect(await judge(validator, bearer(token("fresh", fresh)))).toBe("granted");
        expect(await judge(validator, bearer(first))).toBe("key_unknown");
        expect(await judge(validator, dpop(bound, f.proof(NOW, bound)))).toBe("key_unknown");
        await remembered(validator, second);
        // It is verified anew, and told anew.
        for (let i = 0; i < 3; i++) {
            expect(await subOf(keptBound)).toBe(f.claims(NOW)["sub"]);
        }

        // The kid comes back with another key.
        await new Promise(resolve => setTimeout(resolve, 1_100));
        issuer.jwks = { keys: [jwk("old", fresh), jwk("kept", kept)] };
        expect(await judge(validator, bearer(token("old", fresh)))).toBe("granted");
        expect(await judge(validator, bearer(first))).toBe("signature_invalid");
        expect(await judge(validator, dpop(bound, f.proof(NOW, bound)))).toBe("signature_invalid");
        await issuer.close();
    });

    test("Q03: what was verified with the old keys while new ones came is not kept beyond them", async () => {
        const [old, fresh] = [newKey("P-256"), newKey("P-256")];
        const issuer = await startLocalIssuer({ keys: [{ ...old.publicJwk, kid: "old" }] });
        const validator = validatorOf({
            issuerUri: issuer.issuerUri,
            keys: undefined,
            verification: "threads"
        });
        const token = (kid: string, key: typeof old, n: number) =>
            jws({ alg: "ES256", kid }, { ...f.claims(NOW), iss: issuer.issuerUri, n }, "ES256", key);
        await validator.ready();
        issuer.jwks = { keys: [{ ...fresh.publicJwk, kid: "fresh" }] };
        const olds = Array.from({ length: 800 }, (_, n) => bearer(token("old", old, n)));
        issuer.answerJwks = res => setTimeout(() => res.end(JSON.stringify(issuer.jwks)), 30);
        const rotated = validator.validateRequest(bearer(token("fresh", fresh, 0)));
        const during = olds.map(async (headers, i) => {
            await new Promise(resolve => setTimeout(resolve, i / 10));
            return codeOf(await validator.validateRequest(headers));
        });
        expect(codeOf(await rotated)).toBe("granted");
        expect(new Set(await Promise.all(during))).toEqual(new Set(["granted", "key_unknown"]));
        const after = await Promise.all(olds.map(headers => validator.validateRequest(headers)));
        expect(new Set(after.map(codeOf))).toEqual(new Set(["key_unknown"]));
        await issuer.close();
    });
});

describe("whose token it is", () => {
    test("Q04: each validator judges for itself", async () => {
        const token = f.token(NOW);
        const validator = validatorOf();
        await remembered(validator, token);
        expect(await judge(validatorOf({ expectedAudience: "https://other.example" }), bearer(token))).toBe(
            "audience_mismatch"
        );
        expect(await judge(validatorOf({ algorithms: ["EdDSA"] }), bearer(token))).toBe(
            "algorithm_not_allowed"
        );
        expect(await judge(validatorOf({ dpop: "required" }), bearer(token))).toBe("token_unbound");
        expect(
            await judge(
                validatorOf({ profile: "rfc9068", issuerUri: `${f.issuer.issuerUri}/` }),
                bearer(token)
            )
        ).toBe("issuer_mismatch");
        expect(await verifications(validator, token)).toBe(0);
    });

    test("Q01: a token that ends like another one is another one", async () => {
        const validator = validatorOf();
        const token = f.token(NOW);
        const [header = "", payload = "", signature = ""] = token.split(".");
        await remembered(validator, token);
        const encode = (claims: object) => Buffer.from(JSON.stringify(claims)).toString("base64url");
        const changed = encode(f.claims(NOW, { sub: "root", scope: "admin" }));
        for (const [other, code] of [
            [`${header}.${changed}.${signature}`, "signature_invalid"],
            [
                `${encode({ alg: "ES256", typ: "at+jwt", kid: "unknown" })}.${payload}.${signature}`,
                "key_unknown"
            ],
            [
                `${header}.${payload}.${signature.slice(0, -43).replace(/./g, "A")}${signature.slice(-43)}`,
                "signature_invalid"
            ],
            [signature.slice(-43), "token_malformed"]
        ] as const) {
            const verdict = await judge(validator, bearer(other));
            expect(code.split("|"), `${other.slice(0, 20)} ${verdict}`).toContain(verdict);
            await agrees(validator, bearer(other), verdict);
            expect(await verifications(validator, token), "it takes no good one's place").toBe(0);
        }
    });

    test("I10: a second Authorization line is refused though the first is remembered", async () => {
        const validator = validatorOf();
        const token = f.token(NOW);
        await remembered(validator, token);
        const authorization = `Bearer ${token}`;
        for (const headers of [
            { authorization: [authorization, authorization] },
            { authorization: [authorization, "Bearer x"] }
        ]) {
            await agrees(validator, headers, "credentials_repeated");
            const atOnce = validator.validateRequestSync(headers, target);
            expect(atOnce).toMatchObject({ isSuccess: false, code: "credentials_repeated" });
        }
        // Node.js keeps the first line alone in `headers`, so the text is that of the remembered one.
        const ofNode = {
            ...target,
            headers: { authorization },
            rawHeaders: ["Authorization", authorization, "Authorization", "Bearer x"],
            socket: {}
        };
        expect(codeOf(await validator.validateRequest(ofNode, target))).toBe("credentials_repeated");
        expect(validator.validateRequestSync(ofNode, target)).toMatchObject({ code: "credentials_repeated" });
        expect(
            codeOf(
                await validator.validateRequest([
                    "Authorization",
                    authorization,
                    "authorization",
                    authorization
                ])
            )
        ).toBe("credentials_repeated");
        for (const [text, code] of [
            [`${authorization} `, "granted"],
            [`bearer ${token}`, "granted"],
            [`Bearer\t${token}`, "scheme_unsupported|credentials_malformed"],
            [`DPoP ${token}`, "proof_missing"],
            [token, "credentials_malformed|scheme_unsupported"]
        ] as const) {
            const verdict = await judge(validator, { authorization: text });
            expect(code.split("|")).toContain(verdict);
            await agrees(validator, { authorization: text }, verdict);
        }
    });

    test("Q05: a bound token is never remembered as one that anybody may bear", async () => {
        const validator = validatorOf();
        const token = f.boundToken(NOW);
        for (let i = 0; i < 3; i++) {
            expect(await judge(validator, dpop(token, f.proof(NOW, token)))).toBe("granted");
            await agrees(validator, bearer(token), "token_bound");
            await agrees(validator, { authorization: `DPoP ${token}` }, "proof_missing");
            const other = f.boundToken(NOW, { jti: "other" });
            await agrees(validator, dpop(token, f.proof(NOW, other)), "proof_token_mismatch");
            await agrees(
                validator,
                dpop(token, f.proof(NOW, token, { htm: "POST" })),
                "proof_method_mismatch"
            );
        }
        const unbound = f.token(NOW);
        await remembered(validator, unbound);
        await agrees(validator, dpop(unbound, f.proof(NOW, unbound)), "token_unbound");
    });

    test("Q05: in the drop-in, what one call let pass another one does not", async () => {
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        await bootstrapAuth({
            implementation: "real",
            issuerUri: f.issuer.issuerUri,
            expectedAudience: AUDIENCE
        });
        const accessToken = f.boundToken(nowInSeconds());
        const pass = async (rejectIfAccessTokenDPoPBound: boolean) => {
            const params = {
                scheme: "Bearer",
                accessToken,
                rejectIfAccessTokenDPoPBound
            } as ValidateAndDecodeAccessToken.Params;
            return (await validateAndDecodeAccessToken(params)).isSuccess;
        };
        expect([await pass(false), await pass(true), await pass(false), await pass(true)]).toEqual([
            true,
            false,
            true,
            false
        ]);
        const unbound = {
            scheme: "Bearer",
            accessToken: f.token(nowInSeconds()),
            rejectIfAccessTokenDPoPBound: true
        } as const;
        expect(await validateAndDecodeAccessToken(unbound)).toMatchObject({ isSuccess: true });
        const asDPoP = {
            ...unbound,
            scheme: "DPoP",
            dpopProof: "x",
            expectedHtm: "GET",
            expectedHtu: ITEMS
        } as const;
        expect(await validateAndDecodeAccessToken(asDPoP)).toMatchObject({ code: "token_unbound" });
    });
});

describe("claims", () => {
    const mutate = (claims: Record<string, unknown>): Record<string, unknown> => {
        (claims["realm_access"] as { roles: string[] }).roles.push("root");
        return Object.assign(claims, { sub: "changed", extra: true });
    };

    test("Q22: each request has claims of its own", async () => {
        const validator = validatorOf();
        const token = f.token(NOW);
        await remembered(validator, token);
        for (let i = 0; i < 3; i++) {
            const verdict = await validator.validateRequest(bearer(token));
            expect(verdict).toMatchObject({
                claims: f.claims(NOW),
                rawClaims: f.claims(NOW),
                headers: {},
                accessToken: token
            });
            mutate(verdict.claims as Record<string, unknown>);
            Object.assign(verdict.headers, { "X-Changed": "1" });
            Object.assign(verdict, { accessToken: "changed", issuerUri: "changed" });
        }
    });

    const bound = (token: string): Headers => dpop(token, f.proof(NOW, token));

    test.each([{}, { verification: "threads" }, { replayStore: { checkAndStore: () => true } }])(
        "Q22: with a bound token too, whose claims the addon does not tell each time: %j",
        async options => {
            const validator = validatorOf(options);
            const tokens = ["a", "b"].map(sub => f.boundToken(NOW, { sub }));
            for (let i = 0; i < 5; i++) {
                for (const [n, token] of tokens.entries()) {
                    const verdict = await validator.validateRequest(bound(token), target);
                    const claims = { ...f.claims(NOW), sub: "ab"[n], cnf: { jkt: f.jkt } };
                    expect(verdict).toMatchObject({ isSuccess: true, accessToken: token });
                    expect([verdict.claims, verdict.rawClaims]).toEqual([claims, claims]);
                    mutate(verdict.claims as Record<string, unknown>);
                }
            }
        }
    );

    test("Q01: the addon leaves out only claims that were told under the number it is asked with", () => {
        const { NativeValidator, NativeInbox } = createRequire(import.meta.url)(
            "../../binding/binding.js"
        ) as typeof native;
        const options = {
            issuerUri: f.issuer.issuerUri,
            expectedAudience: AUDIENCE,
            keys: { jwks: f.issuer.jwks }
        };
        const { authorizeRequest } = new NativeValidator(JSON.stringify(options), {}).doors(
            new NativeInbox(() => undefined)
        );
        const ask = (token: string, knownToken: number) => {
            const parts = [
                0,
                `DPoP ${token}`,
                f.proof(NOW, token),
                "GET",
                ITEMS
            ] as unknown as native.RequestParts;
            const read = JSON.parse(
                authorizeRequest(NOW * 1000, 0, null, knownToken, ...parts) as string
            ) as unknown[];
            return { number: read[7] as number, claims: read[8] };
        };
        const [one, other] = ["a", "b"].map(sub => f.boundToken(NOW, { sub })) as [string, string];
        const claims = (sub: string) => ({ ...f.claims(NOW), sub, cnf: { jkt: f.jkt } });
        expect([ask(one, 0), ask(other, 0)]).toEqual([
            { number: 0, claims: claims("a") },
            { number: 0, claims: claims("b") }
        ]);
        const [{ number }, { number: otherNumber }] = [ask(one, 0), ask(other, 0)];
        expect(number > 0 && otherNumber > 0 && number !== otherNumber).toBe(true);
        expect(ask(one, number)).toEqual({ number, claims: null });
        for (const wrong of [
            otherNumber,
            0,
            -number,
            number + 2,
            number + 0.5 + otherNumber,
            NaN,
            Infinity
        ]) {
            expect(ask(one, wrong), String(wrong)).toEqual({ number, claims: claims("a") });
        }
        const forgetful = { ...options, verifiedTokenMemory: false };
        const doors = new NativeValidator(JSON.stringify(forgetful), {}).doors(
            new NativeInbox(() => undefined)
        );
        const parts = () =>
            [0, `DPoP ${one}`, f.proof(NOW, one), "GET", ITEMS] as unknown as native.RequestParts;
        for (let i = 0; i < 3; i++) {
            const read = JSON.parse(
                doors.authorizeRequest(NOW * 1000, 0, null, number, ...parts()) as string
            ) as unknown[];
            expect(read.slice(7)).toEqual([0, claims("a")]);
        }
    });

    test("Q22: with a schema too, which is asked each time", async () => {
        let asked = 0;
        let isRejecting = false;
        const parse = (claims: Record<string, unknown>) => {
            asked++;
            if (isRejecting) {
                throw new Error("not now");
            }
            expect(claims).toEqual(f.claims(NOW));
            return mutate(claims);
        };
        const validator = validatorOf({ claims: { parse } });
        const token = f.token(NOW);
        for (let i = 0; i < 3; i++) {
            const verdict = await validator.validateRequest(bearer(token));
            expect(verdict).toMatchObject({
                isSuccess: true,
                claims: { sub: "changed" },
                rawClaims: f.claims(NOW)
            });
            mutate(verdict.rawClaims as Record<string, unknown>);
        }
        isRejecting = true;
        expect(await judge(validator, bearer(token))).toBe("claims_rejected");
        expect(asked).toBe(4);
    });

    test("D43: names of the language's own come from memory as they came", async () => {
        const validator = validatorOf({ claims: z.any() });
        const text = withTextAfter(f.claims(NOW), '"__proto__":{"isAdmin":true},"then":"x","toJSON":"y"');
        const token = jws({ alg: "ES256", kid: "es256" }, text, "ES256", f.keyOf("ES256"));
        await remembered(validator, token);
        const { rawClaims } = await validator.validateRequest(bearer(token));
        expect(rawClaims).toEqual(JSON.parse(text));
        expect((rawClaims as Record<string, unknown>)["isAdmin"]).toBeUndefined();
    });
});

describe("bounds", () => {
    test("without a memory each request is verified", async () => {
        const validator = validatorOf({ verifiedTokenMemory: false });
        const token = f.token(NOW);
        for (let i = 0; i < 3; i++) {
            expect(await verifications(validator, token)).toBe(1);
        }
    });

    test("a small memory keeps what comes again, and stays right", async () => {
        const validator = validatorOf({ verifiedTokenMemory: 65_536 });
        const tokens = Array.from({ length: 600 }, (_, n) => f.token(NOW, { n }));
        const claimsOf = async (token: string) =>
            (await validator.validateRequest(bearer(token))).claims?.["n"];
        const all = Array.from(tokens.keys());
        expect(await Promise.all(tokens.map(claimsOf))).toEqual(all);
        // It is full: only what comes a second time is kept now.
        await Promise.all(tokens.slice(-10).map(claimsOf));
        const calls = countNativeCalls();
        expect(await Promise.all(tokens.slice(-10).map(claimsOf))).toEqual(all.slice(-10));
        expect(calls().here).toBe(0);
        expect(await Promise.all(tokens.map(claimsOf))).toEqual(all);
        // An entry takes at least twice its characters.
        expect(tokens.length - calls().here).toBeLessThan(65_536 / (2 * (tokens[0] as string).length));
    });
});
