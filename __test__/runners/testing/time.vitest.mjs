import assert from "node:assert/strict";
import { createValidator } from "oidc-spa-native";
import { createTestIssuer } from "oidc-spa-native/testing";
import { vi } from "vitest";

test("a token ends", async () => {
    const issuer = createTestIssuer();
    const validator = createValidator(issuer.options);
    const headers = { authorization: `Bearer ${issuer.sign()}` };
    vi.useFakeTimers();
    try {
        assert.equal((await validator.validateRequest(headers)).isSuccess, true);
        vi.setSystemTime(Date.now() + 301_000);
        assert.equal((await validator.validateRequest(headers)).code, "token_expired");
    } finally {
        vi.useRealTimers();
    }
});
