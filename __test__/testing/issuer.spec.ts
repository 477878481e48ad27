// createTestIssuer: what it writes is accepted with its options, and each thing that is wrong on purpose is refused.

import {
    calculateJwkThumbprint,
    createLocalJWKSet,
    decodeJwt,
    decodeProtectedHeader,
    jwtVerify,
    type JSONWebKeySet
} from "jose";
import { createValidator } from "oidc-spa-native";
import {
    createTestClock,
    createTestIssuer,
    createTestKey,
    signInput,
    signJws,
    type SignOverrides,
    type TestIssuerOptions,
    type TestKey,
    type TokenShape
} from "oidc-spa-native/testing";
import { describe, expect, test } from "vitest";

const SHAPES = {
    rfc9068: { typ: "at+jwt", client: "client_id" },
    keycloak: { typ: "JWT", client: "azp" },
    auth0: { typ: "JWT", client: "azp" },
    "entra-v1": { typ: "JWT", client: "appid" },
    "entra-v2": { typ: "JWT", client: "azp" },
    okta: { typ: undefined, client: "cid" },
    cognito: { typ: undefined, client: "client_id" },
    google: { typ: "JWT", client: "azp" },
    clerk: { typ: "JWT", client: "azp" },
    supabase: { typ: "JWT", client: undefined }
} satisfies Record<TokenShape, { typ: string | undefined; client: string | undefined }>;

const codeOf = async (
    options: Parameters<typeof createValidator>[0],
    token: string
): Promise<string | undefined> => {
    const verdict = await createValidator(options).validateRequest({ authorization: `Bearer ${token}` });
    return verdict.isSuccess ? "granted" : verdict.code;
};

describe.each(Object.entries(SHAPES) as [TokenShape, { typ?: string; client?: string }][])(
    "the shape %s",
    (shape, { typ, client }) => {
        const issuer = createTestIssuer({ shape });

        test("is accepted with the issuer's options, and so are changed claims", async () => {
            const validator = createValidator(issuer.options);
            const token = issuer.sign({ sub: "ann", department: "sales" });
            const verdict = await validator.validateRequest({ authorization: `Bearer ${token}` });
            expect(verdict.debugErrorMessage).toBeUndefined();
            expect(verdict.claims).toMatchObject({
                iss: issuer.issuerUri,
                sub: "ann",
                department: "sales"
            });
            expect(decodeProtectedHeader(token).typ).toBe(typ);
            expect(client === undefined || typeof decodeJwt(token)[client] === "string").toBe(true);
        });

        test("is verified by another library with its JWK Set", async () => {
            const set = createLocalJWKSet(issuer.jwks as unknown as JSONWebKeySet);
            await expect(jwtVerify(issuer.sign(), set, { issuer: issuer.issuerUri })).resolves.toBeDefined();
        });

        test("is refused when it is old, and by whoever expects somebody else", async () => {
            expect(await codeOf(issuer.options, issuer.sign({}, { expiresInSeconds: -60 }))).toBe(
                "token_expired"
            );
            const other = { ...issuer.options, expectedClients: "somebody else" };
            const { expectedAudience: _, ...clients } = other;
            expect(await codeOf(clients, issuer.sign())).toMatch(/client_mismatch|claim_missing/);
        });
    }
);

describe("what is wrong on purpose", () => {
    const issuer = createTestIssuer({ algorithms: ["ES256", "EdDSA", "RS256"] });
    const cases: readonly [what: string, claims: object, overrides: SignOverrides, code: string][] = [
        ["nothing", {}, {}, "granted"],
        ["another algorithm of the issuer", {}, { algorithm: "EdDSA" }, "granted"],
        ["a token that lasts", {}, { expiresInSeconds: 3600 }, "granted"],
        ["expired", {}, { expiresInSeconds: -1 }, "token_expired"],
        ["another key", {}, { otherKey: true }, "signature_invalid"],
        ["a key that nobody has", {}, { header: { kid: "x" } }, "key_unknown"],
        ["no signature", {}, { algorithm: "none" }, "algorithm_not_allowed"],
        ["the public key as a secret", {}, { algorithm: "HS256" }, "algorithm_not_allowed"],
        ["another type", {}, { header: { typ: "dpop+jwt" } }, "token_type_unexpected"],
        ["another audience", { aud: "https://other.test" }, {}, "audience_mismatch"],
        ["another issuer", { iss: "https://other.test" }, {}, "issuer_mismatch"],
        ["a claim less", { sub: undefined }, {}, "claim_missing"],
        ["a claim of another type", { exp: "soon" }, {}, "claim_malformed"],
        ["bound, and presented as Bearer", {}, { boundTo: createTestKey() }, "token_bound"],
        ["a token of another shape", {}, { shape: "google" }, "token_type_unexpected"]
    ];

    test.each(cases)("%s", async (_, claims, overrides, code) => {
        expect(await codeOf(issuer.options, issuer.sign({ ...claims }, overrides))).toBe(code);
    });

    test("how old it is", async () => {
        const options = { ...issuer.options, maxTokenAgeSeconds: 600 };
        expect(await codeOf(options, issuer.sign({}, { issuedSecondsAgo: 500 }))).toBe("granted");
        expect(await codeOf(options, issuer.sign({}, { issuedSecondsAgo: 700 }))).toBe("token_expired");
    });
});

test("a clock is the issuer's and the validator's", async () => {
    const clock = createTestClock(new Date("2030-01-01T00:00:00Z"));
    const issuer = createTestIssuer({ clock });
    const validator = createValidator(issuer.options);
    const ask = () => validator.validateRequest(headers);
    const headers = { authorization: `Bearer ${issuer.sign()}` };
    expect(decodeJwt(headers.authorization.slice(7)).iat).toBe(Date.UTC(2030) / 1000);
    expect((await ask()).isSuccess).toBe(true);
    clock.advance(299);
    expect((await ask()).isSuccess).toBe(true);
    clock.advance(1);
    expect((await ask()).code).toBe("token_expired");
    clock.set(Date.UTC(2030));
    expect((await ask()).isSuccess).toBe(true);
    for (const move of [() => clock.advance(Number.NaN), () => clock.set("now" as never)]) {
        expect(move).toThrow(/^oidc-spa-native: clock\.\w+ takes a finite number/);
    }
    expect(clock()).toBe(Date.UTC(2030));
});

test.each(["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "RS384", "PS256", "PS512"] as const)(
    "signs with %s",
    async algorithm => {
        const issuer = createTestIssuer({ algorithms: [algorithm] });
        expect(await codeOf(issuer.options, issuer.sign())).toBe("granted");
        expect(await codeOf(issuer.options, issuer.sign({}, { otherKey: true }))).toBe("signature_invalid");
    }
);

test("issuer, audience and client are those that are written", async () => {
    const issuerUri = "https://auth.example.com/realms/app";
    const audience = ["https://a.test", "https://b.test"];
    const issuer = createTestIssuer({ issuerUri, audience, clientId: "web" });
    expect(issuer.options).toMatchObject({ issuerUri, expectedAudience: audience });
    expect(decodeJwt(issuer.sign())).toMatchObject({ iss: issuerUri, aud: audience, client_id: "web" });
    expect(await codeOf(issuer.options, issuer.sign())).toBe("granted");
    expect(createTestIssuer({ shape: "clerk", clientId: "web" }).options).toMatchObject({
        expectedClients: "web"
    });
});

test("keys that are given are the issuer's, also of another process", async () => {
    const key = createTestKey("RS256", { modulusLength: 3072 });
    const issuer = createTestIssuer({ keys: [JSON.parse(JSON.stringify(key)) as TestKey] });
    expect(issuer.jwks.keys[0]).toMatchObject(key.publicJwk);
    expect(Buffer.from(key.publicJwk["n"] as string, "base64url")).toHaveLength(384);
    expect(await codeOf(issuer.options, issuer.sign())).toBe("granted");
    expect(await codeOf(issuer.options, createTestIssuer().sign())).toBe("key_unknown");
});

test("a key is made of its private JWK", async () => {
    const { privateJwk, publicJwk, thumbprint } = createTestKey("EdDSA");
    const same = createTestKey("EdDSA", { privateJwk });
    expect(same).toEqual({ algorithm: "EdDSA", privateJwk, publicJwk, thumbprint });
    expect(publicJwk).not.toHaveProperty("d");
    expect(thumbprint).toBe(await calculateJwkThumbprint(publicJwk as { kty: string }));
    expect(createTestKey("EdDSA").thumbprint).not.toBe(thumbprint);
});

test("signInput signs any text", async () => {
    const key = createTestKey();
    const options = {
        ...createTestIssuer().options,
        keys: { jwks: { keys: [{ ...key.publicJwk, kid: "k" }] } }
    };
    const [, payload = ""] = createTestIssuer().sign().split(".");
    const header = Buffer.from('{"alg":"ES256","typ":"at+jwt","kid":"k"}').toString("base64url");
    expect(await codeOf(options, signInput(`${header}.${payload}`, key))).toBe("granted");
    expect(await codeOf(options, signInput(`${header}.${payload}=`, key))).toBe("credentials_malformed");
});

test("header and payload of signJws stay as they are written", async () => {
    const issuer = createTestIssuer();
    const key = createTestKey();
    const options = {
        ...issuer.options,
        keys: { jwks: { keys: [{ ...key.publicJwk, kid: "k" }] } }
    };
    const [, payload = ""] = issuer.sign().split(".");
    const claims = Buffer.from(payload, "base64url");
    const good = signJws({ alg: "ES256", typ: "at+jwt", kid: "k" }, claims, key);
    expect(await codeOf(options, good)).toBe("granted");
    const twice = signJws('{"alg":"ES256","alg":"ES256","typ":"at+jwt","kid":"k"}', claims, key);
    expect(twice.split(".").map(part => Buffer.from(part, "base64url").toString())[0]).toContain(
        '"alg":"ES256","alg":"ES256"'
    );
    expect(await codeOf(options, twice)).toBe("token_malformed");
});

describe("an option that makes no sense is an error that says what to write", () => {
    const make = (options: object) => () => createTestIssuer(options as TestIssuerOptions);
    const sign = (overrides: object, claims: object = {}) => {
        const issuer = createTestIssuer();
        return () => issuer.sign(claims as never, overrides as SignOverrides);
    };
    test.each([
        [make({ shpe: "okta" }), 'did you mean "shape"'],
        [make({ shape: "oktaa" }), "There are rfc9068, keycloak"],
        [make({ issuer: "https://a.test" }), "issuerUri:"],
        [make({ issuerUri: "nonsense" }), 'got "nonsense". For a name that is no URL, write sign({ iss })'],
        [make({ shape: "cognito", audience: "x" }), "Write clientId"],
        [make({ algorithms: [] }), "at least one"],
        [make({ algorithms: ["HS256"] }), "the kit signs with"],
        [make({ clock: 5 }), 'the option "clock": expected a function'],
        [sign({ expired: true }), "expiresInSeconds: -60"],
        [sign({ expiresInSeconds: "60" }), "must be a number of seconds"],
        [sign({ algorithm: "RS256" }), "has no key for RS256"],
        [sign({ algorithm: "none of these" }), "the kit signs with"],
        [sign({ kid: "x" }), "has no key"],
        [sign({ shape: "x" }), "there is no shape"],
        [make({ issuerUri: Symbol("x") }), "issuerUri must be a URL"],
        [make({ audience: 5 }), 'the option "audience": expected a text or a list of texts; got 5'],
        [make({ audience: ["x", null] }), 'the option "audience"'],
        [make({ clientId: 5 }), 'the option "clientId": expected a text; got 5'],
        [make({ shape: 1n }), "there is no shape a bigint"],
        [make({ keys: [null] }), "createTestIssuer takes a key of createTestKey; got null"],
        [make({ keys: [{ ...createTestKey(), algorithm: "HS256" }] }), "the kit signs with"],
        [sign({ expiresInSeconds: null }), "must be a number of seconds; got null"],
        [sign({ header: "x" }), 'the option "header": expected an object; got "x"'],
        [sign({ otherKey: "true" }), 'the option "otherKey": expected true or false; got "true"'],
        [sign({ boundTo: null }), "boundTo takes a client"],
        [sign({ boundTo: "" }), "boundTo takes a client"],
        [sign({ boundTo: "x" }), "boundTo takes a client"],
        [sign({}, []), "takes an object of claims"],
        [sign({}, { expiresInSeconds: -60 }), "expiresInSeconds is an override of sign"],
        [sign({}, { sub: "x", otherKey: true }), "otherKey is an override of sign"],
        [make({ algorithms: ["ES256"], keys: [createTestKey()] }), "not both"],
        [make({ keys: [] }), "at least one"],
        [() => createTestKey("HS256" as never), "the kit signs with"],
        [() => createTestKey("ES256", { modulusLength: 2048 }), "for keys of RSA alone"],
        [() => createTestKey("RS256", { modulusLength: 512 }), "from 1024 to 8192"],
        [() => createTestKey("RS256", { privateJwk: createTestKey().privateJwk }), 'kty "RSA"'],
        [() => createTestKey("ES256", { privateJwk: createTestKey().publicJwk }), "private key"],
        [() => createTestKey("ES256", { privateJwk: null as never }), 'the option "privateJwk"'],
        [() => createTestKey("ES256", { privateJwk: createTestKey("ES384").privateJwk }), "the curve P-256"],
        [() => signJws({}, {}, {} as never), "signing takes a key of createTestKey; got an object"],
        [() => signJws({}, {}, createTestKey(), 5 as never), "the kit signs with"],
        [
            () => signJws((() => 1) as never, {}, createTestKey()),
            "a header or payload is an object, a text or bytes"
        ],
        [() => signInput(5 as never, createTestKey()), "signInput takes a text first; got 5"]
    ] as const)("%#: %s", (attempt, message) => {
        expect(attempt).toThrow(TypeError);
        expect(attempt).toThrow(message);
    });
});
