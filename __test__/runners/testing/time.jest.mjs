import assert from "node:assert/strict";
import { jest } from "@jest/globals";
import { testValidator, token } from "./tokens.mjs";

test("a token ends", async () => {
    const validator = testValidator();
    const headers = { authorization: `Bearer ${token()}` };
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate"] });
    try {
        assert.equal((await validator.validateRequest(headers)).isSuccess, true);
        jest.setSystemTime(Date.now() + 301_000);
        assert.equal((await validator.validateRequest(headers)).code, "token_expired");
    } finally {
        jest.useRealTimers();
    }
});
