import assert from "node:assert/strict";
import { createApp } from "./app.mjs";
import { fakeValidator, granted, refused } from "./fake.mjs";
import { listening } from "./listening.mjs";

const statusOf = async (validator, path, method) => {
    let status;
    await listening(createApp(validator), async url => {
        status = (await fetch(url + path, { method })).status;
    });
    return status;
};

test("whoever the test says", async () => {
    const ann = fakeValidator(granted({ sub: "ann", scope: "items:read" }));
    assert.equal(await statusOf(ann, "/me", "GET"), 200);
    assert.equal(await statusOf(ann, "/items", "DELETE"), 403);
    const writer = fakeValidator(granted({ sub: "ben", scope: "items:write" }));
    assert.equal(await statusOf(writer, "/items", "DELETE"), 204);
});

test("the issuer is down", async () => {
    assert.equal(await statusOf(fakeValidator(refused("keys_unavailable", 503)), "/me", "GET"), 503);
});
