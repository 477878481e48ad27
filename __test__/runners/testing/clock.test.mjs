import assert from "node:assert/strict";
import { createValidator } from "oidc-spa-native";
import { createTestClock, createTestIssuer } from "oidc-spa-native/testing";

test("a token ends", async () => {
    const clock = createTestClock();
    const issuer = createTestIssuer({ clock });
    const validator = createValidator(issuer.options);
    const headers = { authorization: `Bearer ${issuer.sign()}` };
    assert.equal((await validator.validateRequest(headers)).isSuccess, true);
    clock.advance(301);
    assert.equal((await validator.validateRequest(headers)).code, "token_expired");
});
