// What a token must be bound to: the rules certificate and senderConstrained, of a validator, a request and a route.

import { createHash } from "node:crypto";
import { allScopes } from "oidc-spa-native/authorization";
import { createValidator, type RequestRules, type Validator, type ValidatorOptions } from "oidc-spa-native";
import { protect } from "oidc-spa-native/fetch";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";

/** What is in a certificate does not matter. */
const CERTIFICATE = Buffer.from("the client's certificate");
const S256 = createHash("sha256").update(CERTIFICATE).digest("base64url");

let f: Fixtures;

beforeAll(async () => {
    f = await createFixtures();
});

afterAll(() => f.issuer.close());

const newValidator = (changes: object = {}): Validator =>
    createValidator({
        issuerUri: f.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        ...changes
    } as ValidatorOptions);

const KINDS = ["unbound", "key", "certificate", "both"] as const;
type Kind = (typeof KINDS)[number];

const CNF = (kind: Kind) => ({
    ...(kind === "key" || kind === "both" ? { jkt: f.jkt } : {}),
    ...(kind === "certificate" || kind === "both" ? { "x5t#S256": S256 } : {})
});

/** Presented as it should be. */
function headersOf(kind: Kind): Record<string, string> {
    const now = nowInSeconds();
    const token = f.token(now, kind === "unbound" ? {} : { cnf: CNF(kind) });
    return kind === "key" || kind === "both"
        ? { authorization: `DPoP ${token}`, dpop: f.proof(now, token) }
        : { authorization: `Bearer ${token}` };
}

const TARGET = { method: "GET", url: ITEMS, clientCertificate: CERTIFICATE };

const judged = (validator: Validator, rules?: RequestRules) =>
    Promise.all(
        KINDS.map(async kind => {
            const verdict = await validator.validateRequest(headersOf(kind), TARGET, rules);
            return verdict.code ?? "granted";
        })
    );

const ALL = ["granted", "granted", "granted", "granted"];
const BOUND = ["token_unbound", "granted", "granted", "granted"];
const CERTIFIED = ["token_unbound", "token_unbound", "granted", "granted"];
const BOTH = ["token_unbound", "token_unbound", "token_unbound", "granted"];

test.each<[RequestRules, string[]]>([
    [{}, ALL],
    [{ certificate: "allowed", senderConstrained: "allowed" }, ALL],
    [{ senderConstrained: "required" }, BOUND],
    [{ certificate: "required" }, CERTIFIED],
    [{ certificate: "required", dpop: "required" }, BOTH],
    [
        { senderConstrained: "required", dpop: "disabled" },
        ["token_unbound", "scheme_unsupported", "granted", "scheme_unsupported"]
    ]
])("%j: of a validator, and of a request", async (rules, expected) => {
    expect(await judged(newValidator(rules))).toEqual(expected);
    expect(await judged(newValidator(), rules)).toEqual(expected);
});

test("a request's rules come before the validator's", async () => {
    const strict = newValidator({ certificate: "required", senderConstrained: "required" });
    expect(await judged(strict, { certificate: "allowed" })).toEqual(BOUND);
    expect(await judged(strict, { certificate: "allowed", senderConstrained: "allowed" })).toEqual(ALL);
    expect(await judged(strict, { senderConstrained: "allowed" })).toEqual(CERTIFIED);
    expect([strict.dpop, strict.certificate, strict.senderConstrained]).toEqual([
        "allowed",
        "required",
        "required"
    ]);
});

test("DPoP that the validator has closed is opened by no rule; the other way round each route decides", async () => {
    const closed = newValidator({ dpop: "disabled" });
    const open = newValidator();
    const granted = await closed.validateRequest(headersOf("unbound"), TARGET);
    expect(granted.isSuccess).toBe(true);
    for (const dpop of ["allowed", "required"] as const) {
        const rules = { dpop };
        const error =
            /rule "dpop" opens DPoP, which the validator has closed.*Write dpop: "allowed" for the validator/;
        await expect(closed.validateRequest(headersOf("key"), TARGET, rules)).rejects.toThrow(error);
        await expect(closed.validateRequestOrThrow(headersOf("key"), TARGET, rules)).rejects.toThrow(error);
        expect(() => closed.validateRequestSync(headersOf("key"), TARGET, rules)).toThrow(error);
        await expect(closed.explain(headersOf("key"), TARGET, rules)).rejects.toThrow(error);
        expect(() => closed.authorize(granted, allScopes(["x"]), rules)).toThrow(error);
        expect(() => protect(closed, rules, () => new Response())).toThrow(error);
        expect((await open.validateRequest(headersOf("key"), TARGET, rules)).isSuccess).toBe(true);
    }
    for (const rules of [undefined, {}, { dpop: "disabled" }] as const) {
        expect(await judged(closed, rules)).toEqual([
            "granted",
            "scheme_unsupported",
            "granted",
            "scheme_unsupported"
        ]);
    }
    expect((await open.validateRequest(headersOf("key"), TARGET, { dpop: "disabled" })).code).toBe(
        "scheme_unsupported"
    );
});

test("an argument too many does not vanish", async () => {
    const validator = newValidator() as any;
    const headers = headersOf("unbound");
    const granted = await validator.validateRequest(headers, TARGET, {}, undefined);
    expect(granted.isSuccess).toBe(true);
    const second = allScopes(["y"]);
    await expect(validator.validateRequest(headers, TARGET, {}, second)).rejects.toThrow(/as well/);
    await expect(validator.validateRequestOrThrow(headers, TARGET, {}, second)).rejects.toThrow(/as well/);
    expect(() => validator.validateRequestSync(headers, TARGET, {}, second)).toThrow(/as well/);
    await expect(validator.explain(headers, TARGET, {}, second)).rejects.toThrow(/as well/);
    expect(() => validator.authorize(granted, allScopes(["x"]), {}, second)).toThrow(/one list/);
    expect(validator.authorize(granted, [allScopes(["x"]), second], {}).code).toBe("scope_insufficient");
});

test("what a route without rules was granted is remembered for it alone", async () => {
    const validator = newValidator();
    const headers = headersOf("unbound");
    const ask = async (rules?: RequestRules) =>
        (await validator.validateRequest(headers, TARGET, rules)).code ?? "granted";
    for (let i = 0; i < 3; i++) {
        expect(await ask()).toBe("granted");
        expect(await ask({ senderConstrained: "required" })).toBe("token_unbound");
        expect(await ask({ certificate: "required" })).toBe("token_unbound");
        expect(await ask({ certificate: "allowed" })).toBe("granted");
    }
});

test("rules of an object that is frozen are read anew where a getter may answer otherwise", async () => {
    let senderConstrained: RequestRules["senderConstrained"] = "allowed";
    const changing = Object.freeze({
        get senderConstrained() {
            return senderConstrained;
        }
    });
    const fixed = Object.freeze({ senderConstrained });
    const ask = async (rules: RequestRules) =>
        (await validator.validateRequest(headersOf("unbound"), TARGET, rules)).code ?? "granted";
    const validator = newValidator();
    expect([await ask(changing), await ask(fixed)]).toEqual(["granted", "granted"]);
    senderConstrained = "required";
    expect([await ask(changing), await ask(fixed)]).toEqual(["token_unbound", "granted"]);
});

test("a refusal is a challenge that says so in general words", async () => {
    const verdict = await newValidator({ senderConstrained: "required" }).validateRequest(
        headersOf("unbound"),
        TARGET
    );
    expect(verdict).toMatchObject({ code: "token_unbound", status: 401 });
    expect(verdict.headers["WWW-Authenticate"]).toContain(
        'Bearer error="invalid_token", error_description="The access token is not bound to its client"'
    );
});

test.each([
    [{ certificate: "disabled" }, /"certificate": expected "allowed" or "required"; got "disabled"/],
    [{ certificate: true }, /"certificate": expected .*; got .*/],
    [{ senderConstrained: "Required" }, /"senderConstrained": expected .*; got "Required"/],
    [{ senderConstrained: null }, /"senderConstrained": expected .*; got null/],
    [{ dpop: "on" }, /"dpop": expected "allowed", "required" or "disabled"; got "on"/],
    [{ clientCertificate: "required" }, /unknown rule "clientCertificate" of a request/],
    [["required"], /a request takes an object .*list/],
    ["required", /a request takes an object .*string/],
    [null, /got null/],
    [7, /got 7/]
])("rules that make no sense: %j", async (rules, message) => {
    await expect(newValidator().validateRequest({}, null, rules as never)).rejects.toThrow(message);
    await expect(newValidator().validateRequest({}, null, rules as never)).rejects.toThrow(TypeError);
});

test("rules are read from what is there, not from a prototype", async () => {
    for (const name of ["toString", "constructor", "__proto__"]) {
        const rules = JSON.parse(`{"${name}":"required"}`) as RequestRules;
        await expect(newValidator().validateRequest({}, null, rules)).rejects.toThrow(
            `unknown rule "${name}" of a request`
        );
    }
});

test("several guards of one request: each asks for what its own rules say", async () => {
    const validator = newValidator();
    const target = () => TARGET;
    const inner = (rules: RequestRules) => protect(validator, { target, ...rules }, () => new Response("in"));
    const outer = (then: (request: Request) => Promise<Response>) =>
        protect(validator, { target }, request => then(request as Request));
    for (const [rules, expected] of [
        [{}, [200, 200, 200, 200]],
        [{ senderConstrained: "required" }, [401, 200, 200, 200]],
        [{ certificate: "required" }, [401, 401, 200, 200]],
        [{ dpop: "required", certificate: "required" }, [401, 401, 401, 200]]
    ] as [RequestRules, number[]][]) {
        const guarded = outer(inner(rules));
        const statuses = KINDS.map(
            async kind => (await guarded(new Request(ITEMS, { headers: headersOf(kind) }))).status
        );
        expect(await Promise.all(statuses), JSON.stringify(rules)).toEqual(expected);
    }
    expect(() => protect(validator, { certificate: "on" } as never, () => new Response())).toThrow(
        /"certificate": expected .*; got "on"/
    );
});
