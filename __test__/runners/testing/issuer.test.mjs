import assert from "node:assert/strict";
import { createValidator } from "oidc-spa-native";
import { createTestIssuer } from "oidc-spa-native/testing";

const codeOf = async (validator, token) => {
    const verdict = await validator.validateRequest({ authorization: `Bearer ${token}` });
    return verdict.isSuccess ? "granted" : verdict.code;
};

test("the validator of production, against an issuer on this machine", async () => {
    const issuer = await createTestIssuer().listen();
    // Whatever a test puts in its place, the addon does not ask it.
    const { fetch } = globalThis;
    globalThis.fetch = () => assert.fail("fetch was called");
    try {
        const validator = createValidator({
            issuerUri: issuer.issuerUri,
            expectedAudience: "https://api.test"
        });
        await validator.ready();
        assert.equal(await codeOf(validator, issuer.sign()), "granted");

        issuer.rotate();
        assert.equal(await codeOf(validator, issuer.sign()), "granted");
    } finally {
        globalThis.fetch = fetch;
        await issuer.close();
    }
});

test("the issuer is down when the application starts", async () => {
    const issuer = await createTestIssuer().listen();
    issuer.fail();
    const validator = createValidator({ ...issuer.options, keysTimeoutMs: 100 });
    assert.equal(await codeOf(validator, issuer.sign()), "keys_unavailable");
    issuer.recover();
    await validator.ready();
    assert.equal(await codeOf(validator, issuer.sign()), "granted");
    await issuer.close();
});
