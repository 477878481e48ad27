// The vectors of an audit: those of `vectors/`, made for another issuer, server and time.

import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createTestKey } from "oidc-spa-native/testing";
import { createValidator } from "oidc-spa-native";
import { root } from "../support/script.js";
import { vectors } from "../vectors/vectors.js";

// Compiled as the program has it; no entry of the package exports it.
const { makeVectors } = createRequire(import.meta.url)(
    join(root, "dist/audit/wire.js")
) as typeof import("../../ts/audit/wire.js");

const key = createTestKey("RS256");
const occasion = {
    issuer: "http://127.0.0.1:9000/audit",
    audience: "https://api.test",
    url: new URL("http://localhost:3000/api/me?full=1"),
    method: "GET",
    profile: "default",
    typ: "at+jwt",
    claims: { scope: "items:read" },
    keys: { "rsa-1": key.privateJwk },
    run: "run/"
} as const;

const made = makeVectors(occasion, "nonce-1");

const part = (token: string, index: number) =>
    JSON.parse(Buffer.from(token.split(".")[index] ?? "", "base64url").toString());

const valueOf = (fields: readonly (readonly [string, string])[], name: string) =>
    fields.find(([given]) => given === name)?.[1] ?? "";

test("each is a vector of the files, with the same verdict", async () => {
    const known = new Map(vectors.map(vector => [vector.id, vector]));
    const sent = (await made).vectors;
    expect(sent.length).toBeGreaterThan(300);
    const others = sent.filter(({ id, title, clause, steps }) => {
        const vector = known.get(id);
        const verdicts = steps.map(({ isGranted }) => (isGranted ? "granted" : "refused"));
        return (
            vector?.clause !== clause ||
            // A title may name the URL or the time.
            (vector.title !== title && !/^(?:htu|exp) is /.test(title)) ||
            vector.steps.map(({ expected }) => expected.verdict).join() !== verdicts.join()
        );
    });
    expect(others.map(({ id }) => id)).toEqual([]);
});

test("each refusal has its twin among them, before it, and says what it means", async () => {
    const { vectors: sent } = await made;
    const places = new Map(sent.map(({ id }, index) => [id, index]));
    const bad = sent.filter(({ steps }) => steps.at(-1)?.isGranted === false);
    expect(bad.filter(({ id, twin }) => !((places.get(twin ?? "") ?? 1e9) < (places.get(id) ?? 0)))).toEqual(
        []
    );
    expect(sent.filter(({ meaning }) => typeof meaning !== "string" || meaning === "")).toEqual([]);
    expect(new Set(sent.map(({ level }) => level))).toEqual(new Set(["must", "should", "may"]));
});

test("a good request is for the issuer, the server and the time of the audit", async () => {
    const { keys, vectors: sent } = await made;
    const [step] = sent.find(({ isDpop }) => isDpop)?.steps ?? [];
    const token = valueOf(step?.fields ?? [], "Authorization").replace("DPoP ", "");
    const proof = valueOf(step?.fields ?? [], "DPoP");
    expect(step?.target).toBe("/api/me?full=1");
    expect(part(token, 1)).toMatchObject({
        iss: occasion.issuer,
        aud: occasion.audience,
        scope: "items:read"
    });
    expect(part(proof, 1)).toMatchObject({ htu: "http://localhost:3000/api/me", nonce: "nonce-1" });
    expect(part(proof, 1).jti).toMatch(/^run\//);
    const validator = createValidator({
        issuerUri: occasion.issuer,
        expectedAudience: occasion.audience,
        keys: { jwks: { keys: [...keys] } },
        network: { allowHttp: true }
    });
    const verdict = await validator.validateRequest(
        { authorization: `DPoP ${token}`, dpop: proof },
        { method: "GET", url: occasion.url.href }
    );
    expect(verdict.isSuccess).toBe(true);
});

test("the keys are those of the audit, and no private one is published", async () => {
    const { keys } = await made;
    expect(keys.find(({ kid }) => kid === "rsa-1")?.["n"]).toBe(key.publicJwk["n"]);
    expect(keys.filter(jwk => "d" in jwk)).toEqual([]);
});
