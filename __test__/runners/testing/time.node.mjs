import assert from "node:assert/strict";
import { mock } from "node:test";
import { testValidator, token } from "./tokens.mjs";

test("a token ends", async () => {
    const validator = testValidator();
    const headers = { authorization: `Bearer ${token()}` };
    mock.timers.enable({ apis: ["Date"], now: Date.now() });
    try {
        assert.equal((await validator.validateRequest(headers)).isSuccess, true);
        mock.timers.setTime(Date.now() + 301_000);
        assert.equal((await validator.validateRequest(headers)).code, "token_expired");
    } finally {
        mock.timers.reset();
    }
});
