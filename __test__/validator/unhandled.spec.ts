// Whatever the application's own code throws, and whenever, no request of a client ends the process by it.

import { afterAll, beforeAll, expect, test } from "vitest";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { script } from "../support/script.js";

let f: Fixtures;
let environment: Record<string, string>;

beforeAll(async () => {
    f = await createFixtures();
    const now = nowInSeconds();
    const bound = f.boundToken(now);
    environment = {
        ISSUER: f.issuer.issuerUri,
        AUDIENCE,
        ITEMS,
        JWKS: JSON.stringify(f.issuer.jwks),
        TOKEN: f.token(now),
        BOUND: bound,
        PROOFS: JSON.stringify(Array.from({ length: 20 }, () => f.proof(now, bound)))
    };
});

afterAll(() => f.issuer.close());

/** Ways to fail, as functions; the last ones fail when nobody waits any more. */
const FAILING = `
    const fails = () => { throw new Error("on purpose"); };
    const FAILING = {
        "throws": fails,
        "throws what is no Error": () => { throw undefined; },
        "throws what throws when it is looked at": () => { throw new Proxy({}, { get: fails, has: fails, getPrototypeOf: fails }); },
        "rejects": async () => fails(),
        "rejects at once, and again": () => { Promise.reject(1).catch(() => undefined); return Promise.reject(new Error("on purpose")); },
        "answers with a thenable that throws": () => ({ then: fails }),
        "answers with what throws when it is awaited": () => ({ get then() { return fails(); } }),
        "rejects late": () => new Promise((_, reject) => setTimeout(reject, 60, new Error("too late")))
    };
    const { ISSUER, AUDIENCE, ITEMS, JWKS, TOKEN, BOUND } = process.env;
    const proofs = JSON.parse(process.env.PROOFS);
    const options = { issuerUri: ISSUER, expectedAudience: AUDIENCE, keys: { jwks: JSON.parse(JWKS) } };
    const bearer = { authorization: "Bearer " + TOKEN };
`;

/** One line a way to fail: what became of the request. The process must live on, and end by itself. */
async function outcomes(ask: string): Promise<string[]> {
    const { stdout } = await script(
        `${FAILING}
         async function main() {
             for (const [name, fail] of Object.entries(FAILING)) console.log(await (${ask})(fail));
             await new Promise(resolve => setTimeout(resolve, 100));
         }
         main();`,
        "commonjs",
        environment
    );
    return stdout.split("\n");
}

const CREATE = 'require("oidc-spa-native").createValidator';

test("a schema", async () => {
    for (const claims of [
        "{ parse: fail }",
        '{ "~standard": { version: 1, vendor: "x", validate: fail } }'
    ]) {
        const ask = `async fail => (await ${CREATE}({ ...options, claims: ${claims} }).validateRequest(bearer)).code`;
        expect(await outcomes(ask)).toEqual(Array(8).fill("claims_rejected"));
    }
    const kept = `async () => (await ${CREATE}({ ...options, claims: { parse: async x => x } }).validateRequest(bearer)).isSuccess`;
    expect(await outcomes(kept)).toEqual(Array(8).fill("true"));
});

test("a store of proofs", async () => {
    const ask = (store: string) => `async fail => {
        const validator = ${CREATE}({ ...options, replayStore: { checkAndStore: ${store}, timeoutMs: 20 } });
        const verdict = await validator.validateRequest(
            { authorization: "DPoP " + BOUND, dpop: proofs.pop() }, { method: "GET", url: ITEMS }
        );
        return verdict.code ?? "granted";
    }`;
    expect(await outcomes(ask("fail"))).toEqual(Array(8).fill("replay_memory_unavailable"));
    expect(await outcomes(ask("async () => true"))).toEqual(Array(8).fill("granted"));
});

test("onRejected", async () => {
    const ask = (headers: string) => `async fail => {
        const { protect } = require("oidc-spa-native/fetch");
        const handler = protect(${CREATE}(options), { onRejected: fail }, () => new Response("in"));
        return (await handler(new Request(ITEMS, { headers: ${headers} }))).status;
    }`;
    expect(await outcomes(ask("{}"))).toEqual(Array(8).fill("401"));
    expect(await outcomes(ask("bearer"))).toEqual(Array(8).fill("200"));
});

test("a schema of the drop-in", async () => {
    const ask = (parse: string) => `async fail => {
        const { oidcSpa } = require("oidc-spa-native/server");
        const utils = oidcSpa.withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: { parse: ${parse} } }).createUtils();
        await utils.bootstrapAuth({ implementation: "real", issuerUri: ISSUER, expectedAudience: AUDIENCE });
        const result = await utils.validateAndDecodeAccessToken({
            scheme: "Bearer", accessToken: TOKEN, rejectIfAccessTokenDPoPBound: true
        });
        return result.code ?? "granted";
    }`;
    expect(await outcomes(ask("fail"))).toEqual(Array(8).fill("claims_rejected"));
    expect(await outcomes(ask("claims => claims"))).toEqual(Array(8).fill("granted"));
});

test("an answer of somebody else meanwhile, on Express and node:http", async () => {
    // A time limit of the application has answered before the keys come: nothing more can be sent.
    const ask = (make: string) => `async () => {
        const http = require("node:http");
        const validator = ${CREATE}({ issuerUri: "http://127.0.0.1:9", expectedAudience: AUDIENCE, keysTimeoutMs: 40 });
        const server = ${make};
        await new Promise(resolve => server.listen(0, "127.0.0.1", resolve));
        const answer = await fetch("http://127.0.0.1:" + server.address().port, { headers: bearer });
        await new Promise(resolve => setTimeout(resolve, 60));
        server.closeAllConnections();
        server.close();
        return answer.status;
    }`;
    const express = `(() => {
        const app = require("express")();
        app.use((req, res, next) => { res.status(504).end(); next(); });
        app.use(require("oidc-spa-native/express").protect(validator));
        return http.createServer(app);
    })()`;
    const node = `http.createServer((req, res) => {
        res.writeHead(504).end();
        require("oidc-spa-native/node-http").protect(validator, {}, (_, res) => res.end())(req, res);
    })`;
    for (const make of [express, node]) {
        expect(await outcomes(ask(make))).toEqual(Array(8).fill("504"));
    }
});
