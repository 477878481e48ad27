// What an issuer is called in its tokens, and which of several issuers a token belongs to.

import { expect, test } from "vitest";
import { createValidator, type IssuerOptions, type ValidatorOptions } from "oidc-spa-native";
import { jws, newKey, type Alg, type Key } from "../support/jwt.js";

const NOW = 1_800_000_000;
const API = "https://api.example";
const ec = newKey("P-256");
const rsa = newKey("rsa");
const jwks = { keys: [{ ...ec.publicJwk, kid: "ec" }] };

function token(claims: Record<string, unknown>, key: Key = ec, alg: Alg = "ES256", kid = "ec"): string {
    const times = { iat: NOW - 10, exp: NOW + 600 };
    return jws(
        { alg, typ: "at+jwt", kid },
        { sub: "user-1", aud: API, client_id: "app", jti: "1", ...times, ...claims },
        alg,
        key
    );
}

async function judge(options: ValidatorOptions, text: string): Promise<string> {
    const validator = createValidator({ clock: () => NOW * 1_000, ...options });
    const verdict = await validator.validateRequest({ authorization: `Bearer ${text}` });
    return verdict.isSuccess ? `granted of ${verdict.issuerUri}` : verdict.code;
}

function issuer(issuerUri: string, more: Partial<IssuerOptions> = {}): IssuerOptions {
    return { issuerUri, expectedAudience: API, keys: { jwks }, ...more };
}

test("beside keys, any name will do", async () => {
    const names = [
        "http://adfs.example.com/adfs/services/trust",
        "auth.example.com",
        "urn:example:issuer",
        "did:web:auth.example.com",
        "My Company",
        "https://auth.example.com?tenant=1"
    ];
    for (const name of names) {
        expect(await judge(issuer(name), token({ iss: name }))).toBe(`granted of ${name}`);
        expect(await judge(issuer(name), token({ iss: `${name}x` }))).toBe("issuer_mismatch");
        expect(() => createValidator({ issuerUri: name, expectedAudience: API })).toThrow(/issuerUri: /);
        expect(() =>
            createValidator({ issuerUri: name, expectedAudience: API, jwksUri: "https://keys.example/jwks" })
        ).not.toThrow();
    }
    for (const name of ["", " x", "x ", "a\nb", "urn:a b", "127.0.0.1:80", "a\u0000", "{x}"]) {
        expect(() => createValidator(issuer(name)), name).toThrow(/issuerUri: expected/);
    }
});

test("an http name opens no http for keys", () => {
    const adfs = "http://adfs.example.com/adfs/services/trust";
    const at = (jwksUri: string) => () =>
        createValidator({ issuerUri: adfs, expectedAudience: API, jwksUri });
    expect(at("http://adfs.example.com/adfs/discovery/keys")).toThrow(/jwksUri: expected https/);
    expect(at("https://adfs.example.com/adfs/discovery/keys")).not.toThrow();
});

test("a name is told to no client as an authorization server", () => {
    const servers = (issuers: IssuerOptions[]): unknown =>
        createValidator({ issuers, resource: API }).resourceMetadata?.document["authorization_servers"];
    expect(servers([issuer("https://auth.example.com"), issuer("urn:example:issuer")])).toEqual([
        "https://auth.example.com"
    ]);
    expect(servers([issuer("http://adfs.example.com/adfs/services/trust")])).toBeUndefined();
});

test("an issuer may have several names", async () => {
    const named = issuer("https://auth.example.com", {
        issuerAliases: ["auth.example.com", "https://old.example"]
    });
    for (const iss of ["https://auth.example.com", "auth.example.com", "https://old.example"]) {
        expect(await judge(named, token({ iss }))).toBe("granted of https://auth.example.com");
        expect(await judge({ issuers: [issuer("https://b.example"), named] }, token({ iss }))).toBe(
            "granted of https://auth.example.com"
        );
        expect(await judge({ ...named, profile: "rfc9068" }, token({ iss }))).toBe(
            "granted of https://auth.example.com"
        );
    }
    expect(await judge({ ...named, profile: "rfc9068" }, token({ iss: "auth.example.com/" }))).toBe(
        "issuer_mismatch"
    );
    for (const iss of [
        "auth.example.com.evil",
        "http://auth.example.com",
        "",
        "old.example",
        ["auth.example.com"]
    ]) {
        expect(await judge(named, token({ iss }))).not.toMatch(/granted/);
    }
});

test("Google's two names are known, to the default profile alone", async () => {
    const [long, short] = ["https://accounts.google.com", "accounts.google.com"];
    for (const configured of [long, short]) {
        for (const iss of [long, short]) {
            expect(await judge(issuer(configured), token({ iss }))).toBe(`granted of ${configured}`);
            const strict = await judge({ ...issuer(configured), profile: "rfc9068" }, token({ iss }));
            expect(strict).toBe(iss === configured ? `granted of ${configured}` : "issuer_mismatch");
        }
        expect(await judge(issuer(configured), token({ iss: "http://accounts.google.com" }))).toBe(
            "issuer_mismatch"
        );
    }
    expect(await judge(issuer("https://auth.example.com"), token({ iss: short }))).toBe("issuer_mismatch");
    expect(() => createValidator({ issuers: [issuer(long), issuer(short)] })).toThrow(
        /accounts.google.com has a name in common/
    );
});

test("a tenant's own rules hold beside a template, in whatever order", async () => {
    const tid = "11111111-2222-3333-4444-555555555555";
    const template = issuer("https://login.example/{tenantid}/v2.0");
    const own = issuer(`https://login.example/${tid}/v2.0`, {
        expectedAudience: "api://admin",
        algorithms: ["PS256"],
        keys: { jwks: { keys: [{ ...rsa.publicJwk, kid: "rsa" }] } }
    });
    const by = (tenant: string, aud: string, key: Key, alg: Alg, kid: string): string =>
        token({ iss: `https://login.example/${tenant}/v2.0`, tid: tenant, aud }, key, alg, kid);
    for (const issuers of [
        [template, own],
        [own, template]
    ]) {
        expect(await judge({ issuers }, by(tid, "api://admin", rsa, "PS256", "rsa"))).toBe(
            `granted of ${own.issuerUri}`
        );
        expect(await judge({ issuers }, by(tid, API, ec, "ES256", "ec"))).toBe("algorithm_not_allowed");
        expect(await judge({ issuers }, by(tid, API, rsa, "PS256", "rsa"))).toBe("audience_mismatch");
        expect(await judge({ issuers }, by("another", API, ec, "ES256", "ec"))).toBe(
            `granted of ${template.issuerUri}`
        );
    }
    const capital = issuer("https://login.example/ABC/v2.0", { algorithms: ["PS256"] });
    expect(await judge({ issuers: [template, capital] }, by("abc", API, ec, "ES256", "ec"))).toBe(
        "algorithm_not_allowed"
    );
});

test("sets of keys count together", async () => {
    const sets: ValidatorOptions = {
        issuerUri: "urn:example:issuer",
        expectedAudience: API,
        keys: { sets: [{ jwks }, { jwks: { keys: [{ ...rsa.publicJwk, kid: "rsa" }] } }] }
    };
    const iss = "urn:example:issuer";
    expect(await judge(sets, token({ iss }))).toBe(`granted of ${iss}`);
    expect(await judge(sets, token({ iss }, rsa, "RS256", "rsa"))).toBe(`granted of ${iss}`);
    expect(await judge(sets, token({ iss }, newKey("P-256"), "ES256", "ec"))).toBe("signature_invalid");
    expect(await judge(sets, token({ iss }, ec, "ES256", "other"))).toBe("key_unknown");
    expect(() => createValidator({ ...sets, jwksUri: "https://a.example" } as ValidatorOptions)).toThrow(
        /keys: cannot stand beside jwksUri/
    );
});
