import assert from "node:assert/strict";
import { jest } from "@jest/globals";
import { createValidator } from "oidc-spa-native";
import { createTestIssuer } from "oidc-spa-native/testing";

test("a token ends", async () => {
    const issuer = createTestIssuer();
    const validator = createValidator(issuer.options);
    const headers = { authorization: `Bearer ${issuer.sign()}` };
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate"] });
    try {
        assert.equal((await validator.validateRequest(headers)).isSuccess, true);
        jest.setSystemTime(Date.now() + 301_000);
        assert.equal((await validator.validateRequest(headers)).code, "token_expired");
    } finally {
        jest.useRealTimers();
    }
});
