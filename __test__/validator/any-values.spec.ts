// Values of every type that JavaScript has, where a request or a field of it is expected. A function that promises never
// throws before its Promise; nothing is granted; no message has a token; nothing holds what was passed.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { createValidator, type Validator } from "oidc-spa-native";
import * as nodeHttp from "oidc-spa-native/node-http";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa-native/server";
import { createTestIssuer } from "oidc-spa-native/testing";
import { expect, test } from "vitest";
import {
    constant,
    expectNoToken,
    objectOf,
    oddValuesWith,
    outcomeOf,
    property,
    type Make
} from "../support/any-values.js";

const issuer = createTestIssuer();
const validator: Validator = createValidator({ ...issuer.options, trustProxy: true });
const token = issuer.sign();
const good = `Bearer ${token}`;
const { oddities, disguises, anything, requests } = oddValuesWith(token);

const noToken = (told: unknown): void => expectNoToken(token, told);

test("validateRequest and explain", { timeout: 240_000 }, async () => {
    const targets = fc.oneof(
        { weight: 3, arbitrary: constant(undefined) },
        anything,
        objectOf({ method: anything, url: anything, clientCertificate: anything })
    );
    await property(fc.tuple(requests, targets), async (request, target) => {
        const verdict = await outcomeOf(() => validator.validateRequest(request, target));
        expect(verdict.value?.isSuccess ?? false).toBe(false);
        noToken(verdict.value ?? verdict.error);
        const explained = await outcomeOf(() => validator.explain(request, target));
        expect(explained.value?.refusal ?? explained.error).not.toBeNull();
        noToken(explained.value ?? explained.error);
    });
    // The twin: nothing of this has made the validator worse.
    expect((await validator.validateRequest({ authorization: good })).isSuccess).toBe(true);
});

test("good credentials that are no text are not credentials", async () => {
    for (const make of disguises) {
        for (const request of [{ authorization: make() }, { headers: { authorization: make() }, url: "/" }]) {
            const { value } = await outcomeOf(() => validator.validateRequest(request as any));
            expect(value?.isSuccess ?? false, String(make)).toBe(false);
        }
    }
});

test("an array that says it has four thousand million values costs no time", async () => {
    const long: any = new Array(2 ** 32 - 2);
    const inFields = await validator.validateRequest({ authorization: long });
    expect(inFields.code).toBe("credentials_malformed");
    await expect(validator.validateRequest(long)).rejects.toThrow("names and values by turns");
    const request: any = { headers: { authorization: good }, rawHeaders: long, method: "GET", url: "/" };
    expect((await validator.validateRequest(request)).code).toBe("credentials_repeated");
    request.rawHeaders = ["authorization", good];
    expect((await validator.validateRequest(request)).isSuccess).toBe(true);
});

test("the drop-in", { timeout: 240_000 }, async () => {
    const listening = await issuer.listen();
    try {
        const utils = oidcSpa.createUtils();
        await utils.bootstrapAuth({
            implementation: "real",
            issuerUri: listening.issuerUri,
            expectedAudience: String([listening.options.expectedAudience].flat()[0])
        });
        const validate = utils.validateAndDecodeAccessToken as (params: any) => Promise<any>;
        const params = objectOf({
            scheme: fc.oneof(constant("Bearer"), constant("DPoP"), anything),
            // Of the issuer by another name: never good here.
            accessToken: fc.oneof(anything, constant(token)),
            dpopProof: anything,
            expectedHtm: anything,
            expectedHtu: anything,
            rejectIfAccessTokenDPoPBound: anything
        });
        await property(fc.tuple(fc.oneof(anything, params)), async odd => {
            const { value, error } = await outcomeOf(() => validate(odd));
            expect(value?.isSuccess ?? false).toBe(false);
            noToken(value ?? error);
        });
        await property(fc.tuple(requests, anything), async (request, trustProxy) => {
            // It promises nothing: as in oidc-spa/server, it throws where there is no request.
            const { value, error } = await outcomeOf(async () =>
                extractRequestAuthContext({ request, trustProxy })
            );
            if (error !== undefined) {
                noToken(error);
            }
            if (value?.isWellFormed === true) {
                expect(typeof value.accessTokenAndMetadata.accessToken).toBe("string");
            }
        });
        const accessToken = listening.sign();
        const good = { scheme: "Bearer", accessToken, rejectIfAccessTokenDPoPBound: true };
        expect((await validate(good)).isSuccess).toBe(true);
    } finally {
        await listening.close();
    }
});

test("the error for a value of a wrong type does not show the value", async () => {
    // A text in the place of the request that a framework wraps.
    const request: any = { headers: { authorization: good }, method: "GET", url: "/", raw: good };
    const { error } = await outcomeOf(async () =>
        nodeHttp.protect(validator, {}, () => undefined)(request, {} as any)
    );
    noToken(error ?? "");
    const listening = await issuer.listen();
    try {
        const utils = oidcSpa.createUtils();
        const { issuerUri } = listening;
        await utils.bootstrapAuth({ implementation: "real", issuerUri, expectedAudience: undefined });
        // An object in the place of a text, beside a scheme that there is not.
        const value = { 0: good };
        for (const params of [
            { scheme: value, accessToken: "x", expectedHtm: value },
            { scheme: "Token", accessToken: "x", expectedHtu: value },
            { scheme: value, accessToken: value }
        ]) {
            const { value: result, error } = await outcomeOf(() =>
                utils.validateAndDecodeAccessToken(params as any)
            );
            expect(error).toBeUndefined();
            expect(result?.isSuccess).toBe(false);
            noToken(result);
        }
    } finally {
        await listening.close();
    }
});

test("nothing holds the requests", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const requests: WeakRef<object>[] = [];
    const judge = async (make: Make): Promise<void> => {
        const request: any = { headers: { authorization: make(), dpop: make() }, method: "GET", url: "/" };
        requests.push(new WeakRef(request));
        await outcomeOf(() => validator.validateRequest(request));
        await outcomeOf(() => validator.explain(request));
    };
    for (const make of [...oddities, ...disguises]) {
        await judge(make);
    }
    for (let i = 0; i < 5; i++) {
        await new Promise(resolve => setImmediate(resolve));
        collect();
    }
    const held = requests.filter(request => request.deref() !== undefined).length;
    expect(requests.length).toBeGreaterThan(50);
    // The last one may still be on the stack.
    expect(held).toBeLessThanOrEqual(1);
});
