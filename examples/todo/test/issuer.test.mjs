// The issuer's sign-in page and backstage, as a page of somebody else would use them.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startIssuer } from "../issuer/issuer.mjs";
import { freePort } from "../run/application.mjs";

const PAGE = "http://127.0.0.1:4999";
const STRANGER = "http://127.0.0.1:5000";
let folder;
let issuer;

before(async () => {
    folder = await mkdtemp(join(tmpdir(), "todo-issuer-"));
    issuer = await startIssuer({
        port: await freePort(0),
        keysFile: join(folder, "keys.json"),
        audience: "https://api.todo.example",
        webOrigin: PAGE,
        clientId: "todo-web",
        tokenSeconds: () => 60,
        todoOfAnother: () => "17"
    });
});
after(async () => {
    await issuer.close();
    await rm(folder, { recursive: true });
});

const authorize = change => {
    const parameters = new URLSearchParams({
        client_id: "todo-web",
        response_type: "code",
        scope: "openid todos",
        redirect_uri: `${PAGE}/`,
        code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        code_challenge_method: "S256",
        ...change
    });
    return fetch(`${issuer.issuerUri}/auth?${parameters}`, { redirect: "manual" });
};

test("who signs in is taken from the page's own form alone, and no page frames it", async () => {
    const begun = await authorize();
    const cookies = begun.headers.getSetCookie();
    assert.ok(cookies.every(cookie => /; httponly/i.test(cookie) && /; samesite=lax/i.test(cookie)));
    const cookie = cookies.map(text => text.split(";")[0]).join("; ");
    const url = new URL(begun.headers.get("location"), issuer.issuerUri);
    const page = await fetch(url, { headers: { cookie } });
    assert.equal(page.headers.get("content-security-policy"), "frame-ancestors 'none'");
    const choose = async headers =>
        (await fetch(url, { method: "POST", redirect: "manual", body: "sub=alice", headers })).status;
    for (const headers of [
        { origin: issuer.issuerUri },
        { cookie },
        { cookie, origin: STRANGER },
        { cookie, origin: "null" }
    ]) {
        assert.equal(await choose(headers), 400);
    }
    assert.equal(await choose({ cookie, origin: issuer.issuerUri }), 303);
});

test("nobody is sent to an address that is not the page's", async () => {
    for (const redirect_uri of [
        `${STRANGER}/`,
        `${PAGE}.evil.example/`,
        `${PAGE}/x`,
        "javascript:alert(1)",
        "</p><script>alert(1)</script>"
    ]) {
        const response = await authorize({ redirect_uri });
        assert.deepEqual([response.status, response.headers.get("location")], [400, null]);
        const text = await response.text();
        assert.match(text, /The issuer refused this/);
        assert.doesNotMatch(text, /<script/);
    }
    const parameters = new URLSearchParams({ client_id: "todo-web", post_logout_redirect_uri: STRANGER });
    const response = await fetch(`${issuer.issuerUri}/session/end?${parameters}`, { redirect: "manual" });
    assert.deepEqual([response.status, response.headers.get("location")], [400, null]);
});

test("backstage is for the page alone", async () => {
    const keys = async () => (await (await fetch(`${issuer.issuerUri}/jwks`)).json()).keys.length;
    const ask = async (method, path, origin) => {
        const headers = origin === undefined ? {} : { origin };
        return (await fetch(`${issuer.issuerUri}/backstage/${path}`, { method, headers })).status;
    };
    const acts = [
        ["POST", "rotate"],
        ["POST", "outage?seconds=60"],
        ["GET", "todo-of-another?sub=alice"]
    ];
    for (const [method, path] of acts) {
        for (const origin of [undefined, STRANGER, "null", `${PAGE}.evil.example`]) {
            assert.equal(await ask(method, path, origin), 404);
        }
    }
    assert.equal(await keys(), 1);
    for (const [method, path] of acts) {
        assert.equal(await ask(method, path, PAGE), 200);
    }
    assert.equal(await ask("DELETE", "outage", PAGE), 200);
    assert.equal(await keys(), 2);
});
