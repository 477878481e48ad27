import assert from "node:assert/strict";
import { createTestIssuer } from "oidc-spa-native/testing";

/** As a gateway asks. */
async function introspect({ endpoint, clientId, clientSecret }, token) {
    const body = new URLSearchParams({ token, client_id: clientId, client_secret: clientSecret });
    return (await fetch(endpoint, { method: "POST", body })).json();
}

test("a token is active until it is revoked", async () => {
    const issuer = await createTestIssuer().listen();
    try {
        const token = issuer.sign({ sub: "ben", scope: "items:read" });
        const answer = await introspect(issuer.introspection, token);
        assert.equal(answer.active, true);
        assert.equal(answer.scope, "items:read");

        issuer.revoke(token);
        assert.equal((await introspect(issuer.introspection, token)).active, false);

        const old = issuer.sign({}, { expiresInSeconds: -60 });
        assert.equal((await introspect(issuer.introspection, old)).active, false);
    } finally {
        await issuer.close();
    }
});
