// What is granted is of the types that index.d.ts promises, whatever an issuer writes; and no value makes anything throw.

import {
    createValidator,
    type AnyAccessTokenClaims,
    type Validator,
    type ValidatorOptions
} from "oidc-spa-native";
import { allRoles, allScopes, anyScope, stepUp } from "oidc-spa-native/authorization";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { alike } from "../support/refusals.js";
import { AUDIENCE, createFixtures, tokenHeader, type Fixtures } from "../support/fixtures.js";
import { jws } from "../support/jwt.js";

const NOW = 1_800_000_000;

let f: Fixtures;

beforeAll(async () => {
    f = await createFixtures();
});

afterAll(() => f.issuer.close());

const newValidator = (changes: object): Validator =>
    createValidator({
        issuerUri: f.issuer.issuerUri,
        keys: { jwks: f.issuer.jwks as { keys: [] } },
        clock: () => NOW * 1000,
        limits: { accessTokenBytes: 65_536 },
        ...changes
    } as unknown as ValidatorOptions);

const NAMES = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "scope",
    "scp",
    "client_id",
    "azp",
    "cid",
    "appid",
    "jti",
    "auth_time",
    "cnf",
    "typ",
    "type",
    "token_use",
    "token_type",
    "nonce",
    "at_hash",
    "tid",
    "roles",
    "__proto__",
    "constructor",
    "then",
    "toJSON"
];

/** JSON texts: numbers that a double rounds, and names that an object literal would lose, stay as they are. */
const VALUES = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1.5",
    "1e20",
    "-1e300",
    "1e308",
    "9007199254740993",
    "1800000000000",
    `${NOW}.999999999`,
    '""',
    '" "',
    '"1"',
    '"__proto__"',
    '"web"',
    '"\\u0000"',
    '"\\ud83d\\ude00\\u202e"',
    '"caf\\u00e9"',
    '"refresh"',
    '"id"',
    "[]",
    "[null]",
    '["read"]',
    '["read",1]',
    '[["read"]]',
    "{}",
    '{"jkt":{}}',
    '{"jkt":""}',
    '{"jkt":"x","x5t#S256":null}',
    '{"x5t#S256":["x"]}',
    '{"cnf":{"jkt":"x"}}',
    '{"__proto__":{"jkt":"x"}}',
    '{"length":1,"0":"read"}',
    `${"[".repeat(60)}${"]".repeat(60)}`
];

const isText = (value: unknown): boolean => typeof value === "string";
const isDate = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value);
const isTexts = (value: unknown): boolean => isText(value) || (Array.isArray(value) && value.every(isText));

/** By index.d.ts. */
const PROMISED: Record<string, (value: unknown, lacking: readonly string[]) => boolean> = {
    iss: isText,
    sub: (value, lacking) => isText(value) || (value === undefined && lacking.includes("sub")),
    aud: (value, lacking) => isTexts(value) || (value === undefined && lacking.includes("aud")),
    exp: isDate,
    iat: (value, lacking) => isDate(value) || (value === undefined && lacking.includes("iat")),
    nbf: value => value === undefined || isDate(value),
    scope: value => value === undefined || isTexts(value),
    cnf: value =>
        value === undefined || (typeof value === "object" && value !== null && !Array.isArray(value))
};

const OPTIONS: [string, object, readonly string[]][] = [
    ["an audience", { expectedAudience: AUDIENCE }, []],
    ["this API alone", { expectedAudience: [AUDIENCE, "web"], audienceMode: "only" }, []],
    ["no audience", { expectedAudience: false }, ["aud"]],
    ["clients", { expectedClients: ["app-1", "web"] }, ["aud"]],
    ["optional claims", { expectedAudience: AUDIENCE, optionalClaims: ["sub", "iat"] }, ["sub", "iat"]],
    ["RFC 9068", { expectedAudience: AUDIENCE, profile: "rfc9068" }, []],
    [
        "ID tokens, and an age",
        { expectedAudience: AUDIENCE, acceptIdTokens: true, maxTokenAgeSeconds: 60 },
        []
    ]
];

/** The payload with one member replaced by a JSON text, or taken away. */
function tokenWith(name: string, value: string | undefined): string {
    const members = Object.entries(f.claims(NOW)).filter(([key]) => key !== name);
    const texts = members.map(([key, member]) => `${JSON.stringify(key)}:${JSON.stringify(member)}`);
    const all = value === undefined ? texts : [...texts, `${JSON.stringify(name)}:${value}`];
    return jws(tokenHeader("ES256"), `{${all.join(",")}}`, "ES256", f.keyOf("ES256"));
}

describe.each(OPTIONS)("%s", (_name, options, lacking) => {
    test("each claim of each type: granted as promised, or refused with a reason", async () => {
        const validator = newValidator(options);
        let granted = 0;
        for (const name of NAMES) {
            for (const value of [undefined, ...VALUES]) {
                const headers = { authorization: `Bearer ${tokenWith(name, value)}` };
                const id = `${name} of ${value}`;
                const verdict = await validator.validateRequest(headers);
                expect(validator.validateRequestSync(headers), id).toEqual(alike(verdict));
                if (!verdict.isSuccess) {
                    expect(verdict.status, id).toBe(401);
                    expect(verdict.debugErrorMessage.length, id).toBeGreaterThan(10);
                    continue;
                }
                granted++;
                const claims: AnyAccessTokenClaims = verdict.claims;
                for (const [claim, isPromised] of Object.entries(PROMISED)) {
                    const found = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
                    expect(isPromised(found, lacking), `${id}: ${claim} is ${JSON.stringify(found)}`).toBe(
                        true
                    );
                }
                // Whatever came, the requirements answer.
                for (const requirement of [
                    allScopes(["read"]),
                    anyScope(["none", "never"]),
                    allRoles(["admin"], ["roles"]),
                    stepUp({ maxAgeSeconds: 60 })
                ]) {
                    const judged = validator.authorize(verdict, requirement);
                    expect(judged.isSuccess || judged.status === 403 || judged.status === 401, id).toBe(true);
                }
            }
        }
        expect(granted).toBeGreaterThan(100);
    });
});

test("only what is decided by is missed", async () => {
    const validator = newValidator({ expectedAudience: AUDIENCE });
    const missed = [];
    for (const name of NAMES) {
        const verdict = await validator.validateRequest({
            authorization: `Bearer ${tokenWith(name, undefined)}`
        });
        if (!verdict.isSuccess) {
            missed.push([name, verdict.code]);
        }
    }
    expect(missed).toEqual([
        ["iss", "claim_missing"],
        ["sub", "claim_missing"],
        ["aud", "claim_missing"],
        ["exp", "claim_missing"],
        ["iat", "claim_missing"]
    ]);
});

test("a date that is no number fulfils no step-up, and a number does", async () => {
    const validator = newValidator({ expectedAudience: AUDIENCE });
    const judged = async (value: string) => {
        const verdict = await validator.validateRequest({
            authorization: `Bearer ${tokenWith("auth_time", value)}`
        });
        return validator.authorize(verdict, stepUp({ maxAgeSeconds: 60 })).code ?? "granted";
    };
    expect(await judged(String(NOW - 5))).toBe("granted");
    for (const value of ['"2027-01-15T08:00:00.000Z"', `"${NOW}"`, `[${NOW}]`, "null", "true", "{}"]) {
        expect(await judged(value), value).toBe("authentication_insufficient");
    }
});

test("a token that is remembered ends with its age", async () => {
    let now = NOW;
    const validator = newValidator({
        expectedAudience: AUDIENCE,
        maxTokenAgeSeconds: 60,
        clock: () => now * 1000
    });
    const headers = { authorization: `Bearer ${f.token(NOW, { iat: NOW })}` };
    for (let i = 0; i < 3; i++) {
        expect(await validator.validateRequest(headers)).toMatchObject({ isSuccess: true });
    }
    now = NOW + 59;
    expect(await validator.validateRequest(headers)).toMatchObject({ isSuccess: true });
    now = NOW + 60;
    expect(await validator.validateRequest(headers)).toMatchObject({
        code: "token_expired",
        debugErrorMessage: expect.stringContaining("maxTokenAgeSeconds is 60")
    });
    now = NOW + 59;
    expect(await validator.validateRequest(headers)).toMatchObject({ isSuccess: true });
});

test("each of several issuers has clients of its own", async () => {
    const { issuerUri } = f.issuer;
    const keys = { jwks: f.issuer.jwks as { keys: [] } };
    const validator = createValidator({
        issuers: [
            { issuerUri, keys, expectedClients: ["app-1"] },
            { issuerUri: "https://b.example.com", keys, expectedAudience: AUDIENCE, expectedClients: "app-2" }
        ],
        clock: () => NOW * 1000
    });
    const codeOf = async (changes: object) =>
        (await validator.validateRequest({ authorization: `Bearer ${f.token(NOW, { ...changes })}` })).code ??
        "granted";
    expect(await codeOf({})).toBe("granted");
    expect(await codeOf({ aud: undefined })).toBe("granted");
    expect(await codeOf({ client_id: "app-2" })).toBe("client_mismatch");
    expect(await codeOf({ iss: "https://b.example.com", client_id: "app-2" })).toBe("granted");
    expect(await codeOf({ iss: "https://b.example.com" })).toBe("client_mismatch");
    expect(await codeOf({ iss: "https://b.example.com", client_id: "app-2", aud: undefined })).toBe(
        "claim_missing"
    );
});
