import assert from "node:assert/strict";
import { createApp } from "./app.mjs";
import { listening } from "./listening.mjs";
import { dpopClient, testValidator, token } from "./tokens.mjs";

const app = createApp(testValidator());
const bearer = accessToken => ({ authorization: `Bearer ${accessToken}` });

test("a user sees who they are", async () => {
    await listening(app, async url => {
        const response = await fetch(`${url}/me`, { headers: bearer(token({ sub: "ben" })) });
        assert.equal((await response.json()).hello, "ben");
    });
});

test("nobody enters without a token, with an old one, or with one for another API", async () => {
    await listening(app, async url => {
        const old = Math.floor(Date.now() / 1000) - 60;
        for (const headers of [
            {},
            bearer(token({ exp: old })),
            bearer(token({ aud: "https://other.test" }))
        ]) {
            assert.equal((await fetch(`${url}/me`, { headers })).status, 401);
        }
    });
});

test("items are deleted by those who may write them", async () => {
    await listening(app, async url => {
        const remove = scope =>
            fetch(`${url}/items`, { method: "DELETE", headers: bearer(token({ scope })) });
        assert.equal((await remove("items:read")).status, 403);
        assert.equal((await remove("items:read items:write")).status, 204);
    });
});

test("a token that is bound to a key needs a fresh proof", async () => {
    await listening(app, async url => {
        const client = dpopClient();
        const bound = client.token();
        const dpop = client.proof(bound, "GET", `${url}/me`);
        const ask = headers => fetch(`${url}/me`, { headers }).then(({ status }) => status);
        assert.equal(await ask(bearer(bound)), 401);
        assert.equal(await ask({ authorization: `DPoP ${bound}`, dpop }), 200);
        assert.equal(await ask({ authorization: `DPoP ${bound}`, dpop }), 401);
    });
});
