// Tokens of a real authorization server (oidc-provider), obtained by a real client (openid-client).

import { generateKeyPair } from "jose";
import { createValidator } from "oidc-spa-native";
import { oidcSpa } from "oidc-spa-native/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
    API,
    authorizationCode,
    clientCredentials,
    createProof,
    OTHER_API,
    startIssuer,
    type Issuer
} from "../support/real-issuer.js";
import { bearer } from "../drop-in/token-mutations.js";

const url = `${API}/v1/items`;
let issuer: Issuer;

beforeAll(async () => {
    issuer = await startIssuer();
});

afterAll(() => issuer.close());

async function doors() {
    const validator = createValidator({ issuerUri: issuer.issuerUri, expectedAudience: API });
    const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
    await bootstrapAuth({ implementation: "real", issuerUri: issuer.issuerUri, expectedAudience: API });
    return { validator, validateAndDecodeAccessToken };
}

describe.each(["service-rs256", "service-es256", "service-eddsa"])("client credentials, %s", clientId => {
    test("Bearer: accepted by both doors", async () => {
        const { validator, validateAndDecodeAccessToken } = await doors();
        const accessToken = await clientCredentials(issuer, { clientId, resource: API });
        const verdict = await validator.validateRequest({ authorization: `Bearer ${accessToken}` });
        expect(verdict).toMatchObject({
            isSuccess: true,
            scheme: "Bearer",
            claims: { client_id: clientId, aud: API }
        });
        const result = await validateAndDecodeAccessToken(bearer(accessToken));
        expect(result.decodedAccessToken).toEqual(verdict.claims);
    });

    test("E15, E35: a token for another resource server is refused", async () => {
        const { validator, validateAndDecodeAccessToken } = await doors();
        const accessToken = await clientCredentials(issuer, { clientId, resource: OTHER_API });
        expect(await validator.validateRequest({ authorization: `Bearer ${accessToken}` })).toMatchObject({
            code: "audience_mismatch"
        });
        expect(await validateAndDecodeAccessToken(bearer(accessToken))).toMatchObject({
            code: "audience_mismatch"
        });
    });

    test("DPoP: accepted with its proof, once, and refused as Bearer", async () => {
        const { validator, validateAndDecodeAccessToken } = await doors();
        const dpopKeyPair = await generateKeyPair("ES256", { extractable: true });
        const accessToken = await clientCredentials(issuer, { clientId, resource: API, dpopKeyPair });
        const proof = () => createProof(dpopKeyPair, { method: "GET", url, accessToken });

        const headers = { authorization: `DPoP ${accessToken}`, dpop: await proof() };
        const target = { method: "GET", url };
        expect(await validator.validateRequest(headers, target)).toMatchObject({
            isSuccess: true,
            scheme: "DPoP"
        });
        expect(await validator.validateRequest(headers, target)).toMatchObject({ code: "proof_replayed" });
        expect(await validator.validateRequest({ authorization: `Bearer ${accessToken}` })).toMatchObject({
            code: "token_bound"
        });

        const params = { scheme: "DPoP", accessToken, expectedHtm: "GET", expectedHtu: url } as const;
        expect(await validateAndDecodeAccessToken({ ...params, dpopProof: await proof() })).toMatchObject({
            isSuccess: true
        });
        expect(await validateAndDecodeAccessToken({ ...params, dpopProof: headers.dpop })).toMatchObject({
            code: "proof_replayed"
        });
        expect(await validateAndDecodeAccessToken(bearer(accessToken))).toMatchObject({
            code: "token_bound"
        });
    });
});

test("authorization code with PKCE: the user's token is accepted, DPoP-bound too", async () => {
    const { validator } = await doors();
    const accessToken = await authorizationCode(issuer, { login: "alice", resource: API });
    expect(await validator.validateRequest({ authorization: `Bearer ${accessToken}` })).toMatchObject({
        isSuccess: true,
        claims: { sub: "alice", iss: issuer.issuerUri }
    });
    const dpopKeyPair = await generateKeyPair("ES256", { extractable: true });
    const bound = await authorizationCode(issuer, { login: "bob", resource: API, dpopKeyPair });
    const dpop = await createProof(dpopKeyPair, { method: "POST", url, accessToken: bound });
    expect(
        await validator.validateRequest({ authorization: `DPoP ${bound}`, dpop }, { method: "POST", url })
    ).toMatchObject({
        isSuccess: true,
        claims: { sub: "bob" }
    });
});

test("B1.2, B1.3: the profile rfc9068 accepts what oidc-provider issues", async () => {
    const strict = createValidator({
        issuerUri: issuer.issuerUri,
        expectedAudience: API,
        profile: "rfc9068"
    });
    const accessToken = await clientCredentials(issuer, { clientId: "service-es256", resource: API });
    expect(await strict.validateRequest({ authorization: `Bearer ${accessToken}` })).toMatchObject({
        isSuccess: true
    });
});

test("E01: a token that was accepted is refused when it has expired", async () => {
    const { validator } = await doors();
    const accessToken = await clientCredentials(issuer, { clientId: "service-short-lived", resource: API });
    expect(await validator.validateRequest({ authorization: `Bearer ${accessToken}` })).toMatchObject({
        isSuccess: true
    });
    await new Promise(resolve => setTimeout(resolve, 2_000));
    expect(await validator.validateRequest({ authorization: `Bearer ${accessToken}` })).toMatchObject({
        code: "token_expired"
    });
});

test("H23: a new key is unknown until the issuer publishes it, and then found", async () => {
    const rotating = await startIssuer();
    const token = (): Promise<string> =>
        clientCredentials(rotating, { clientId: "service-es256", resource: API });
    // The shortest cool-down, since the first unknown key has used the refresh.
    const validator = createValidator({
        issuerUri: rotating.issuerUri,
        expectedAudience: API,
        keysCooldownSeconds: 1
    });
    const judge = async (accessToken: string) => {
        const verdict = await validator.validateRequest({ authorization: `Bearer ${accessToken}` });
        return verdict.isSuccess ? "granted" : verdict.code;
    };
    expect(await judge(await token())).toBe("granted");
    rotating.rotate({ published: false });
    const signedByNewKey = await token();
    expect(await judge(signedByNewKey)).toBe("key_unknown");
    rotating.publish();
    await expect.poll(() => judge(signedByNewKey), { interval: 200 }).toBe("granted");
    await rotating.close();
});
