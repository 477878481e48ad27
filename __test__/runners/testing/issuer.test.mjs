import assert from "node:assert/strict";
import { createValidator } from "oidc-spa-native";
import { startIssuer } from "./issuer.mjs";
import { token } from "./tokens.mjs";

test("the validator of production, against an issuer on this machine", async () => {
    const { issuerUri, close } = await startIssuer();
    // Whatever a test puts in its place, the addon does not ask it.
    const { fetch } = globalThis;
    globalThis.fetch = () => assert.fail("fetch was called");
    try {
        const validator = createValidator({ issuerUri, expectedAudience: "https://api.test" });
        await validator.ready();
        const headers = { authorization: `Bearer ${token({ iss: issuerUri })}` };
        assert.equal((await validator.validateRequest(headers)).isSuccess, true);
    } finally {
        globalThis.fetch = fetch;
        close();
    }
});
