// The paths that a verdict can come by: the calling thread, other threads, memory. Each says the same.

import { createValidator, type Validator, type ValidatorOptions, type Verdict } from "oidc-spa-native";
import { oidcSpa, type ValidateAndDecodeAccessToken } from "oidc-spa-native/server";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { alike } from "../support/refusals.js";
import { z } from "zod";
import {
    AUDIENCE,
    createFixtures,
    ITEMS,
    nowInSeconds,
    publicMembers,
    type Fixtures
} from "../support/fixtures.js";
import { ALGS, jws, mutated, newKey, type Key } from "../support/jwt.js";
import { startLocalIssuer, type LocalIssuer } from "../support/local-issuer.js";
import { countNativeCalls } from "../support/native-calls.js";

const NOW = 1_800_000_000;
const PATHS = ["inline", "threads", "auto"] as const;
const target = { method: "GET", url: ITEMS };

let f: Fixtures;
let second: LocalIssuer;
let down: LocalIssuer;
const secondKey = newKey("P-256");
const stranger = newKey("P-256");

beforeAll(async () => {
    f = await createFixtures();
    second = await startLocalIssuer({ keys: [{ ...secondKey.publicJwk, kid: "second" }] });
    down = await startLocalIssuer();
    down.failWith = 500;
});

afterAll(() => Promise.all([f.issuer.close(), second.close(), down.close()]));
afterEach(() => vi.restoreAllMocks());

type Headers = Record<string, string | string[]>;
type Row = readonly [id: string, headers: Headers, code: string];

const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });
const dpop = (token: string, dpop: string): Headers => ({ authorization: `DPoP ${token}`, dpop });

/** A token with a byte of its signature changed. */
const forged = (token: string): string => {
    const at = token.lastIndexOf(".") + 10;
    return mutated(token, token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1));
};

function withPayload(token: string, changes: object): string {
    const [header = "", payload = "", signature = ""] = token.split(".");
    const claims = { ...(JSON.parse(Buffer.from(payload, "base64url").toString()) as object), ...changes };
    return [header, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
}

const ofStranger = (kid: string, claims: object): string =>
    jws({ alg: "ES256", typ: "at+jwt", kid }, { ...f.claims(NOW), ...claims }, "ES256", stranger);

/** Requests of every kind, and what each is answered with. */
function table(): Row[] {
    const good = f.token(NOW);
    const bound = f.boundToken(NOW);
    const other = f.boundToken(NOW, { jti: "token-2" });
    const proof = f.proof(NOW, bound);
    const again = f.proof(NOW, bound, { jti: "again" });
    const ofSecond = (changes: object = {}, key: Key = secondKey): string =>
        jws(
            { alg: "ES256", typ: "at+jwt", kid: "second" },
            { ...f.claims(NOW), iss: second.issuerUri, ...changes },
            "ES256",
            key
        );
    const byStranger = jws(
        { ...f.proofHeader(), jwk: publicMembers(stranger.publicJwk) },
        f.proofClaims(NOW, bound),
        "ES256",
        stranger
    );
    return [
        ["no credentials", {}, "credentials_missing"],
        ["no credentials, a proof", { dpop: proof }, "credentials_missing"],
        ["another scheme", { authorization: "Basic dXNlcjpwYXNz" }, "scheme_unsupported"],
        ["a scheme alone", { authorization: "Bearer" }, "credentials_malformed"],
        ["two tokens", { authorization: `Bearer ${good} ${good}` }, "credentials_malformed"],
        [
            "two Authorization lines",
            { authorization: [`Bearer ${good}`, `Bearer ${good}`] },
            "credentials_repeated"
        ],
        ["no JWT", bearer("x"), "token_malformed"],
        ["a lone surrogate", bearer(`${good}\ud800`), "credentials_malformed"],
        ...ALGS.map(alg => [`good ${alg}`, bearer(f.token(NOW, { jti: alg }, alg)), "granted"] as Row),
        ["the same again", bearer(good), "granted"],
        ["the same again", bearer(good), "granted"],
        ["white space around", { authorization: `\t Bearer  ${good} \t` }, "granted"],
        ["a proof beside a bearer token", { ...bearer(good), dpop: ["x", "y"] as string[] }, "granted"],
        ["claims beyond ASCII", bearer(f.token(NOW, { name: "Zoë 🦀 \u2028" })), "granted"],
        ["expired", bearer(f.token(NOW, { exp: NOW })), "token_expired"],
        ["not yet", bearer(f.token(NOW, { nbf: NOW + 11 })), "token_not_yet_valid"],
        ["wrong audience", bearer(f.token(NOW, { aud: "https://other.example" })), "audience_mismatch"],
        ["no subject", bearer(f.token(NOW, { sub: undefined })), "claim_missing"],
        ["bad signature", bearer(forged(good)), "signature_invalid"],
        ["changed payload", bearer(withPayload(good, { sub: "root" })), "signature_invalid"],
        [
            "none",
            bearer(`${Buffer.from('{"alg":"none"}').toString("base64url")}.e30.`),
            "algorithm_not_allowed"
        ],
        ["bound, as Bearer", bearer(bound), "token_bound"],
        ["a certificate's", bearer(f.token(NOW, { cnf: { "x5t#S256": "x" } })), "claim_malformed"],
        [
            "a certificate's, without it",
            bearer(f.token(NOW, { cnf: { "x5t#S256": "A".repeat(43) } })),
            "token_bound"
        ],
        ["unbound, as DPoP", dpop(good, f.proof(NOW, good)), "token_unbound"],
        ["no proof", { authorization: `DPoP ${bound}` }, "proof_missing"],
        ["two proofs", { authorization: `DPoP ${bound}`, dpop: [proof, again] }, "proof_repeated"],
        ["DPoP", dpop(bound, proof), "granted"],
        ["DPoP of the same client", dpop(bound, again), "granted"],
        ["replayed", dpop(bound, again), "proof_replayed"],
        ["wrong method", dpop(bound, f.proof(NOW, bound, { htm: "POST" })), "proof_method_mismatch"],
        ["wrong URL", dpop(bound, f.proof(NOW, bound, { htu: `${ITEMS}/1` })), "proof_uri_mismatch"],
        ["of another token", dpop(bound, f.proof(NOW, other)), "proof_token_mismatch"],
        ["of another key", dpop(bound, byStranger), "proof_key_mismatch"],
        ["old proof", dpop(bound, f.proof(NOW, bound, { iat: NOW - 41 })), "proof_stale"],
        ["early proof", dpop(bound, f.proof(NOW, bound, { iat: NOW + 11 })), "proof_not_yet_valid"],
        ["forged proof", dpop(bound, forged(again)), "proof_signature_invalid"],
        ["no proof at all", dpop(bound, "x"), "proof_malformed"],
        ["unknown key", bearer(ofStranger("unknown", {})), "key_unknown"],
        ["wrong key", bearer(ofStranger("es256", {})), "signature_invalid"],
        ["rejected by the schema", bearer(f.token(NOW, { scope: "none" })), "claims_rejected"],
        ["DPoP, rejected by the schema", dpop(...boundAndProof({ scope: "none" })), "claims_rejected"],
        ["of the second issuer", bearer(ofSecond()), "granted"],
        ["of the second issuer's key", bearer(ofSecond({ iss: f.issuer.issuerUri })), "key_unknown"],
        ["for another than the second's audience", bearer(ofSecond({ aud: "x" })), "audience_mismatch"],
        ["of nobody's", bearer(ofSecond({ iss: "https://nobody.example" })), "issuer_mismatch"],
        ["of an issuer that is down", bearer(ofStranger("x", { iss: down.issuerUri })), "keys_unavailable"]
    ];
}

function boundAndProof(changes: Record<string, unknown>): [string, string] {
    const token = f.boundToken(NOW, changes);
    return [token, f.proof(NOW, token)];
}

const claims = z.looseObject({ sub: z.string(), scope: z.literal("read write") });

/** A validator of three issuers. Its keys are its own: another age makes other keys. */
let validators = 0;
const newValidator = (changes: object = {}): Validator<z.output<typeof claims>> =>
    createValidator({
        issuers: [f.issuer, second, down].map(({ issuerUri }) => ({ issuerUri, expectedAudience: AUDIENCE })),
        clock: () => NOW * 1000,
        keysAgeSeconds: 600 + validators++,
        keysTimeoutMs: 300,
        claims,
        ...changes
    });

const codeOf = (verdict: Verdict<unknown>): string => verdict.code ?? "granted";

async function oneByOne(validator: Validator<unknown>, rows: readonly Row[]): Promise<Verdict<unknown>[]> {
    const verdicts = [];
    for (const [, headers] of rows) {
        verdicts.push(await validator.validateRequest(headers, target));
    }
    return verdicts;
}

const atOnce = (validator: Validator<unknown>, rows: readonly Row[]): Promise<Verdict<unknown>[]> =>
    Promise.all(rows.map(([, headers]) => validator.validateRequest(headers, target)));

describe("the verdict is the same", () => {
    test("whichever thread verifies, with and without the memory", { timeout: 60_000 }, async () => {
        const rows = table();
        const expected = await oneByOne(
            newValidator({ verification: "inline", verifiedTokenMemory: false }),
            rows
        );
        rows.forEach(([id, , code], i) => expect(codeOf(expected[i] as Verdict), id).toBe(code));
        for (const granted of expected.filter(({ isSuccess }) => isSuccess)) {
            expect(granted).toMatchObject({
                issuerUri: granted.rawClaims?.iss,
                scheme: granted.rawClaims?.cnf ? "DPoP" : "Bearer"
            });
        }
        const calls = countNativeCalls();
        for (const verification of PATHS) {
            calls();
            expect(await oneByOne(newValidator({ verification }), rows), verification).toEqual(
                expected.map(alike)
            );
            const { here, elsewhere } = calls();
            expect(verification === "threads" ? elsewhere : here).toBeGreaterThan(rows.length - 12);
        }
    });

    test("many at once", { timeout: 60_000 }, async () => {
        // Of one proof that comes twice at once, either may be the one that is new.
        const rows = table().filter(([id]) => id !== "replayed");
        const expected = await oneByOne(newValidator({ verification: "inline" }), rows);
        const calls = countNativeCalls();
        for (const verification of PATHS) {
            const validator = newValidator({ verification });
            calls();
            expect(await atOnce(validator, rows), verification).toEqual(expected.map(alike));
            const { elsewhere } = calls();
            expect(elsewhere > 20, `${verification} ${elsewhere}`).toBe(verification !== "inline");
            // DPoP aside, whose proofs are spent, the same again: from memory, where it was granted.
            const bearers = (_: unknown, i: number): boolean =>
                !String(rows[i]?.[1]["authorization"]).startsWith("DPoP");
            expect(await atOnce(validator, rows.filter(bearers)), verification).toEqual(
                expected.filter(bearers).map(alike)
            );
        }
    });

    test("where a nonce is needed", async () => {
        const expected = [];
        for (const verification of PATHS) {
            const validator = newValidator({ verification, nonce: "required", nonceSecret: "n".repeat(32) });
            const bound = f.boundToken(NOW, {}, "EdDSA");
            const refused = await validator.validateRequest(dpop(bound, f.proof(NOW, bound)), target);
            const nonce = refused.headers["DPoP-Nonce"];
            const granted = await validator.validateRequest(
                dpop(bound, f.proof(NOW, bound, { nonce })),
                target
            );
            expect([codeOf(refused), codeOf(granted)]).toEqual(["proof_nonce_required", "granted"]);
            expect(await validator.validateRequest(dpop(bound, f.proof(NOW, bound)), target)).toEqual(
                alike(refused)
            );
            expect(codeOf(await validator.validateRequest(bearer(f.token(NOW)), target))).toBe("granted");
            expected.push([refused, granted]);
        }
        const [first = [], ...others] = expected;
        for (const other of others) {
            expect(other).toEqual(first.map(alike));
        }
    });

    test.each(PATHS)("%s: a key that came since the last fetch is asked for", async verification => {
        const issuer = await startLocalIssuer({ keys: [{ ...secondKey.publicJwk, kid: "second" }] });
        const validator = createValidator({
            issuerUri: issuer.issuerUri,
            expectedAudience: AUDIENCE,
            verification
        });
        await validator.ready();
        issuer.jwks = { keys: [{ ...stranger.publicJwk, kid: "new" }] };
        const now = nowInSeconds();
        const token = (n: number) =>
            jws(
                { alg: "ES256", kid: "new" },
                { ...f.claims(now), iss: issuer.issuerUri, n },
                "ES256",
                stranger
            );
        const verdicts = await Promise.all(
            Array.from({ length: 64 }, (_, n) => validator.validateRequest(bearer(token(n))))
        );
        expect(verdicts.map(verdict => verdict.claims?.["n"])).toEqual(
            Array.from({ length: 64 }, (_, n) => n)
        );
        expect(issuer.requests.jwks).toBe(2);
        await issuer.close();
    });
});

describe("the drop-in", () => {
    test("64 at once are answered as one after the other", { timeout: 60_000 }, async () => {
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        await bootstrapAuth({
            implementation: "real",
            issuerUri: f.issuer.issuerUri,
            expectedAudience: AUDIENCE
        });
        const now = nowInSeconds();
        const bound = f.boundToken(now);
        type Params = ValidateAndDecodeAccessToken.Params;
        const bearer = (accessToken: string, rejectIfAccessTokenDPoPBound = true): Params =>
            ({ scheme: "Bearer", accessToken, rejectIfAccessTokenDPoPBound }) as Params;
        const dpop = (changes: Record<string, unknown> = {}, accessToken = bound): Params => ({
            scheme: "DPoP",
            accessToken,
            dpopProof: f.proof(now, bound, changes),
            expectedHtm: "GET",
            expectedHtu: ITEMS
        });
        const tokens = ALGS.map(alg => f.token(now, {}, alg));
        const params = (): Params[] => [
            ...tokens.map(token => bearer(token)),
            bearer(f.token(now, { exp: now - 5 })),
            bearer(f.token(now, { aud: "x" })),
            bearer(forged(tokens[3] as string)),
            bearer(withPayload(tokens[4] as string, { sub: "root" })),
            bearer(ofStranger("unknown", f.claims(now))),
            bearer(""),
            bearer("a.b.c"),
            bearer(bound),
            bearer(bound, false),
            dpop(),
            dpop({ htm: "POST" }),
            dpop({ ath: "x" }),
            dpop({}, tokens[4])
        ];
        const count = params().length;
        const expected: ValidateAndDecodeAccessToken.ReturnType<unknown>[] = [];
        for (const one of params()) {
            expected.push(await validateAndDecodeAccessToken(one));
        }
        expect(expected.filter(({ isSuccess }) => isSuccess).length).toBe(ALGS.length + 2);
        const calls = countNativeCalls();
        const many = [...params(), ...params(), ...params()].slice(0, Math.max(64, count));
        const got = await Promise.all(many.map(one => validateAndDecodeAccessToken(one)));
        const alike = (results: unknown[]) => JSON.parse(JSON.stringify(results)) as unknown[];
        got.forEach((result, i) => expect(alike([result]), String(i)).toEqual(alike([expected[i % count]])));
        expect(calls().elsewhere).toBeGreaterThan(20);
    });
});

describe("many at once", () => {
    test("Q15: 10,000 mixed requests each get their own verdict", { timeout: 60_000 }, async () => {
        const validator = newValidator({ verification: "threads" });
        const tokens = Array.from({ length: 997 }, (_, n) =>
            f.token(NOW, { n }, n % 8 === 0 ? "RS256" : "ES256")
        );
        // The keys first: only so many requests may wait for them.
        expect(codeOf(await validator.validateRequest(bearer(f.token(NOW))))).toBe("granted");
        const requests = Array.from({ length: 10_000 }, (_, i) => {
            const n = (i * 7919) % tokens.length;
            const token = tokens[n] as string;
            const kinds = [
                [bearer(token), n],
                [bearer(forged(token)), "signature_invalid"],
                [{}, "credentials_missing"],
                [bearer(withPayload(token, { n: -1 })), "signature_invalid"],
                [bearer(token), n]
            ] as const;
            return kinds[i % kinds.length] as (typeof kinds)[number];
        });
        const verdicts = await Promise.all(requests.map(([headers]) => validator.validateRequest(headers)));
        const wrong = verdicts.filter(
            (verdict, i) => (verdict.isSuccess ? verdict.claims["n"] : verdict.code) !== requests[i]?.[1]
        );
        expect(wrong).toEqual([]);
        expect(
            new Set(verdicts.filter(({ isSuccess }) => isSuccess).map(verdict => verdict.claims?.["n"])).size
        ).toBe(tokens.length);
    });

    test.each(PATHS)("L03 %s: of 100 copies of one proof one is accepted", async verification => {
        const validator = newValidator({ verification });
        for (const alg of ["ES256", "EdDSA", "RS256"] as const) {
            const client = newKey(alg === "EdDSA" ? "Ed25519" : alg === "RS256" ? "rsa" : "P-256");
            const token = f.boundToken(NOW, { cnf: { jkt: client.thumbprint } }, alg);
            const header = { typ: "dpop+jwt", alg, jwk: publicMembers(client.publicJwk) };
            const copy = dpop(token, jws(header, f.proofClaims(NOW, token), alg, client));
            const verdicts = await Promise.all(
                Array.from({ length: 100 }, () => validator.validateRequest(copy, target))
            );
            const codes = verdicts.map(codeOf).sort();
            expect(codes).toEqual(["granted", ...Array.from({ length: 99 }, () => "proof_replayed")]);
        }
    });
});

describe("a client's key that is remembered", () => {
    test.each(PATHS)("J05 to J17 %s: makes no other header good, and no replay", async verification => {
        const options = { verification, verifiedTokenMemory: false } as const;
        const [warm, cold] = [newValidator({ verification }), newValidator(options)];
        const token = f.boundToken(NOW);
        const by = (header: object, key = f.client) =>
            jws({ ...f.proofHeader(), ...header }, f.proofClaims(NOW, token), "ES256", key);
        const spent = f.proof(NOW, token);
        expect(codeOf(await warm.validateRequest(dpop(token, spent), target))).toBe("granted");
        const [head = "", body = "", signature = ""] = f.proof(NOW, token).split(".");
        const ofTheirs = f.boundToken(NOW, { cnf: { jkt: stranger.thumbprint } });
        for (const [id, accessToken, proof, code] of [
            ["private member", token, by({ jwk: f.client.privateJwk }), "proof_malformed"],
            ["another alg", token, by({ alg: "ES384" }), "proof_malformed"],
            ["none", token, by({ alg: "none" }), "proof_algorithm_not_allowed"],
            ["another kid", token, by({ kid: "another" }), "granted"],
            ["another typ", token, by({ typ: "JWT" }), "proof_malformed"],
            ["another's signature", token, by({}, stranger), "proof_signature_invalid"],
            ["two parts", token, `${head}.${body}`, "proof_malformed"],
            ["four parts", token, `${head}.${body}.${signature}.${signature}`, "proof_malformed"],
            ["five parts", token, `${head}.${body}.${signature}.x.x`, "proof_malformed"],
            ["no signature", token, `${head}.${body}.`, "proof_signature_invalid"],
            ["another's token", ofTheirs, f.proof(NOW, ofTheirs), "proof_key_mismatch"],
            ["fresh", token, by({}), "granted"]
        ] as const) {
            const verdict = await warm.validateRequest(dpop(accessToken, proof), target);
            expect(codeOf(verdict), id).toBe(code);
            expect(verdict, id).toEqual(alike(await cold.validateRequest(dpop(accessToken, proof), target)));
        }
        expect(codeOf(await warm.validateRequest(dpop(token, spent), target))).toBe("proof_replayed");
    });
});

describe("options", () => {
    const optionsOf = (changes: object) =>
        ({ issuerUri: f.issuer.issuerUri, expectedAudience: AUDIENCE, ...changes }) as ValidatorOptions;

    test.each(["thread", "AUTO", "", null, true, 1, ["auto"], {}])("CFG: verification %j", verification => {
        expect(() => createValidator(optionsOf({ verification }))).toThrow(TypeError);
        expect(() => createValidator(optionsOf({ verification }))).toThrow(
            /verification.*"auto".*"inline".*"threads"/s
        );
    });

    test.each([true, null, "16 MB", "false", 0, -1, 65_535, 65_536.5, 2 ** 30 + 1, NaN, Infinity, {}, []])(
        "CFG: verifiedTokenMemory %s",
        verifiedTokenMemory => {
            expect(() => createValidator(optionsOf({ verifiedTokenMemory }))).toThrow(TypeError);
            expect(() => createValidator(optionsOf({ verifiedTokenMemory }))).toThrow(/verifiedTokenMemory/);
            if (Number.isFinite(verifiedTokenMemory) || typeof verifiedTokenMemory === "string") {
                expect(() => createValidator(optionsOf({ verifiedTokenMemory }))).toThrow(
                    /65536.*1073741824/s
                );
            }
        }
    );

    test("Q12: what was read once is what holds", async () => {
        let reads = 0;
        const options = optionsOf({ clock: () => NOW * 1000 });
        Object.defineProperty(options, "verification", {
            enumerable: true,
            get: () => (reads++ === 0 ? "inline" : "other")
        });
        const validator = createValidator(options);
        expect(reads).toBe(1);
        const calls = countNativeCalls();
        const token = f.token(NOW);
        await Promise.all([1, 2, 3, 4, 5].map(() => validator.validateRequest(bearer(token))));
        expect(await validator.validateRequest(bearer(token))).toMatchObject({ isSuccess: true });
        expect(calls()).toEqual({ here: 5, elsewhere: 0 });
    });

    test("what options inherit is an error: it would be lost", () => {
        const inherits = Object.setPrototypeOf(optionsOf({}), { verifiedTokenMemory: 0 }) as ValidatorOptions;
        expect(() => createValidator(inherits)).toThrow(/the option "verifiedTokenMemory" is inherited/);
        const own = Object.setPrototypeOf(optionsOf({ verifiedTokenMemory: false }), {}) as ValidatorOptions;
        expect(() => createValidator(own)).not.toThrow();
    });
});
