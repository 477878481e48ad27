// What happens on an open connection when the application's clock fails, and to responses of which there is no copy.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createValidator } from "oidc-spa-native";
import { protect } from "oidc-spa-native/fetch";
import { protectNamespace } from "oidc-spa-native/websocket";
import { Server } from "socket.io";
import { io as connect } from "socket.io-client";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let fixtures: Fixtures;

beforeAll(async () => {
    fixtures = await createFixtures();
});

afterAll(() => fixtures.issuer.close());

test("an event of socket.io while the clock fails ends its socket, and no process", async () => {
    let fails = false;
    const clock = () => {
        if (fails) {
            throw new Error("no time");
        }
        return Date.now();
    };
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const io = new Server(server);
    onTestFinished(() => void io.close());
    const validator = createValidator({
        issuerUri: fixtures.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        clock
    });
    const heard: string[] = [];
    io.use(protectNamespace(validator)).on("connection", socket => {
        socket.on("say", (text: string) => void heard.push(text));
    });
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
        transports: ["websocket"],
        reconnection: false,
        auth: { token: fixtures.token(nowInSeconds()) }
    });
    onTestFinished(() => void client.close());
    await new Promise(resolve => client.once("connect", resolve as () => void));
    client.emit("say", "before");
    await expect.poll(() => heard).toEqual(["before"]);
    const gone = new Promise(resolve => client.once("disconnect", resolve));
    fails = true;
    client.emit("say", "meanwhile");
    await gone;
    expect(heard).toEqual(["before"]);
});

test("a response of which there is no copy comes as it is", async () => {
    const validator = createValidator({
        issuerUri: fixtures.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        nonce: "on-stale-proof"
    });
    const answer = async (response: Response) => {
        const token = fixtures.boundToken(nowInSeconds());
        const dpop = fixtures.proof(nowInSeconds(), token);
        const handler = protect(validator, {}, () => response);
        return handler(new Request(ITEMS, { headers: { authorization: `DPoP ${token}`, dpop } }));
    };
    const error = Response.error();
    expect(await answer(error)).toBe(error);
    const usual = await answer(new Response("in"));
    expect([usual.headers.has("DPoP-Nonce"), await usual.text()]).toEqual([true, "in"]);
});
