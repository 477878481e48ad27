import assert from "node:assert/strict";
import { mock } from "node:test";
import { createValidator } from "oidc-spa-native";
import { createTestIssuer } from "oidc-spa-native/testing";

test("a token ends", async () => {
    const issuer = createTestIssuer();
    const validator = createValidator(issuer.options);
    const headers = { authorization: `Bearer ${issuer.sign()}` };
    mock.timers.enable({ apis: ["Date"], now: Date.now() });
    try {
        assert.equal((await validator.validateRequest(headers)).isSuccess, true);
        mock.timers.setTime(Date.now() + 301_000);
        assert.equal((await validator.validateRequest(headers)).code, "token_expired");
    } finally {
        mock.timers.reset();
    }
});
