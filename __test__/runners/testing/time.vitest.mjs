import assert from "node:assert/strict";
import { vi } from "vitest";
import { testValidator, token } from "./tokens.mjs";

test("a token ends", async () => {
    const validator = testValidator();
    const headers = { authorization: `Bearer ${token()}` };
    vi.useFakeTimers();
    try {
        assert.equal((await validator.validateRequest(headers)).isSuccess, true);
        vi.setSystemTime(Date.now() + 301_000);
        assert.equal((await validator.validateRequest(headers)).code, "token_expired");
    } finally {
        vi.useRealTimers();
    }
});
