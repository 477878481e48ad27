import assert from "node:assert/strict";
import { testValidator, token } from "./tokens.mjs";

test("a token ends", async () => {
    let now = Date.now();
    const validator = testValidator({ clock: () => now });
    const headers = { authorization: `Bearer ${token()}` };
    assert.equal((await validator.validateRequest(headers)).isSuccess, true);
    now += 301_000;
    assert.equal((await validator.validateRequest(headers)).code, "token_expired");
});
