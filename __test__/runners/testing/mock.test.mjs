import assert from "node:assert/strict";
import { createTestIssuer, mockValidator } from "oidc-spa-native/testing";

// The options of production.
const options = { issuerUri: "https://auth.example.com", expectedAudience: "https://api.example.com" };

test("every token is believed", async () => {
    const validator = mockValidator(options, { behavior: "decode only" });
    const authorization = `Bearer ${createTestIssuer().sign({ sub: "ben" })}`;
    assert.equal((await validator.validateRequest({ authorization })).claims.sub, "ben");
    assert.equal((await validator.validateRequest({})).code, "credentials_missing");
});

test("every request comes from one user", async () => {
    const validator = mockValidator(options, { behavior: "use static identity", claims: { sub: "ann" } });
    assert.equal((await validator.validateRequest({})).claims.sub, "ann");
});
