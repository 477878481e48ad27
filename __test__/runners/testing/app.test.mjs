import assert from "node:assert/strict";
import { createValidator } from "oidc-spa-native";
import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";
import { createApp } from "./app.mjs";
import { listening } from "./listening.mjs";

const issuer = createTestIssuer();
const app = createApp(createValidator(issuer.options));
const bearer = token => ({ authorization: `Bearer ${token}` });

test("a user sees who they are", async () => {
    await listening(app, async url => {
        const response = await fetch(`${url}/me`, { headers: bearer(issuer.sign({ sub: "ben" })) });
        assert.equal((await response.json()).hello, "ben");
    });
});

test("nobody enters without a token, with an old one, with a forged one, or with one for another API", async () => {
    await listening(app, async url => {
        for (const headers of [
            {},
            bearer(issuer.sign({}, { expiresInSeconds: -60 })),
            bearer(issuer.sign({}, { otherKey: true })),
            bearer(issuer.sign({ aud: "https://other.test" }))
        ]) {
            assert.equal((await fetch(`${url}/me`, { headers })).status, 401);
        }
    });
});

test("items are deleted by those who may write them", async () => {
    await listening(app, async url => {
        const remove = scope =>
            fetch(`${url}/items`, { method: "DELETE", headers: bearer(issuer.sign({ scope })) });
        assert.equal((await remove("items:read")).status, 403);
        assert.equal((await remove("items:read items:write")).status, 204);
    });
});

test("a token that is bound to a key needs a fresh proof", async () => {
    await listening(app, async url => {
        const client = dpopClient({ token: client => issuer.sign({ sub: "ben" }, { boundTo: client }) });
        assert.equal((await (await client.fetch(`${url}/me`)).json()).hello, "ben");

        const ask = headers => fetch(`${url}/me`, { headers }).then(({ status }) => status);
        assert.equal(await ask(bearer(client.token)), 401);
        const once = client.headers("GET", `${url}/me`);
        assert.equal(await ask(once), 200);
        assert.equal(await ask(once), 401);
        assert.equal(await ask(client.headers("GET", `${url}/me`, { issuedSecondsAgo: 60 })), 401);
    });
});
