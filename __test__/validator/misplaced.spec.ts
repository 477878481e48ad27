// What is written in the wrong place, or nearly right, is an error that says so: it would have no effect.

import { createValidator, type ValidatorOptions } from "oidc-spa-native";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let fixtures: Fixtures;

beforeAll(async () => {
    fixtures = await createFixtures();
});
afterAll(() => fixtures.issuer.close());

const validatorWith = (options: object = {}) =>
    createValidator({
        issuerUri: fixtures.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        ...options
    } as ValidatorOptions);

test.each([
    ["timeoutms", "timeoutMs"],
    ["timeoutMS", "timeoutMs"],
    ["onUnavailble", "onUnavailable"]
])("replayStore: %s beside checkAndStore", (written, meant) => {
    const checkAndStore = async () => true;
    expect(() => validatorWith({ replayStore: { checkAndStore, [written]: 5 } })).toThrow(
        `unknown member "${written}" of replayStore; did you mean "${meant}"?`
    );
    // A store may be a class of the application's, with members of its own.
    class Store {
        readonly client = "a client";
        readonly timeoutMs = 100;
        checkAndStore = checkAndStore;
    }
    expect(() => validatorWith({ replayStore: new Store() })).not.toThrow();
});

test.each(["clientCertficate", "clientcertificate", "client_cert"])("a target with %s", async name => {
    const validator = validatorWith();
    const headers = { authorization: `Bearer ${fixtures.token(nowInSeconds())}` };
    const target = { method: "GET", url: "https://api.example.com/items" };
    await expect(
        validator.validateRequest(headers, { ...target, [name]: new Uint8Array(1) } as never)
    ).rejects.toThrow(`the target's "${name}" is no member; did you mean "clientCertificate"?`);
    expect(await validator.validateRequest(headers, target)).toMatchObject({ isSuccess: true });
});

test("a whole event of AWS Lambda in the place of a request", async () => {
    const validator = validatorWith();
    const headers = { authorization: `Bearer ${fixtures.token(nowInSeconds())}` };
    const http = { method: "GET", path: "/items" };
    for (const event of [
        { version: "2.0", rawPath: "/items", headers, requestContext: { http } },
        { version: "1.0", httpMethod: "GET", path: "/items", headers, requestContext: { stage: "prod" } }
    ]) {
        await expect(validator.validateRequest(event as never)).rejects.toThrow(
            /Write validateRequest\(event\.headers, \{ method, url \}\)/
        );
        const target = { method: "GET", url: "https://api.example.com/items" };
        expect(await validator.validateRequest(event.headers, target)).toMatchObject({ isSuccess: true });
    }
    // A client may choose the names of its header fields.
    expect(await validator.validateRequest({ ...headers, requestContext: "x" })).toMatchObject({
        isSuccess: true
    });
});
