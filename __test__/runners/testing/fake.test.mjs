import assert from "node:assert/strict";
import { fakeValidator } from "oidc-spa-native/testing";
import { createApp } from "./app.mjs";
import { listening } from "./listening.mjs";

const statusOf = async (validator, path, method) => {
    let status;
    await listening(createApp(validator), async url => {
        status = (await fetch(url + path, { method })).status;
    });
    return status;
};

test("whoever the test says", async () => {
    const ann = fakeValidator({ claims: { sub: "ann", scope: "items:read" } });
    assert.equal(await statusOf(ann, "/me", "GET"), 200);
    assert.equal(await statusOf(ann, "/items", "DELETE"), 403);
    const writer = fakeValidator({ claims: { sub: "ben", scope: "items:write" } });
    assert.equal(await statusOf(writer, "/items", "DELETE"), 204);
});

test("the issuer is down", async () => {
    assert.equal(await statusOf(fakeValidator({ refusal: "keys_unavailable" }), "/me", "GET"), 503);
});
