import assert from "node:assert/strict";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa-native/server";
import { createTestIssuer } from "oidc-spa-native/testing";

async function whoIs(mock, headers) {
    const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
    await bootstrapAuth({ implementation: "mock", ...mock });
    const { accessTokenAndMetadata } = extractRequestAuthContext({
        request: { method: "GET", url: "http://api.test/me", headers: new Headers(headers) },
        trustProxy: false
    });
    const result = await validateAndDecodeAccessToken(accessTokenAndMetadata);
    return result.isSuccess ? result.decodedAccessToken.sub : result.errorCause;
}

test("every token is believed", async () => {
    const headers = { authorization: `Bearer ${createTestIssuer().sign({ sub: "ben" })}` };
    assert.equal(await whoIs({ behavior: "decode only" }, headers), "ben");
});

test("every request comes from one user", async () => {
    const mock = { behavior: "use static identity", decodedAccessToken_mock: { sub: "ann" } };
    assert.equal(await whoIs(mock, { authorization: "Bearer anything" }), "ann");
});
