// `expectedAudience` as a function: the application's own word on whom a verified token is for.

import {
    createValidator,
    type AudienceFunction,
    type Validator,
    type ValidatorOptions
} from "oidc-spa-native";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { audienceObjection } from "../../dist/validator/audience.js";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let f: Fixtures;

beforeAll(async () => {
    f = await createFixtures();
});

afterAll(() => f.issuer.close());

const validatorOf = (expectedAudience: unknown, rest: Partial<ValidatorOptions> = {}): Validator =>
    createValidator({ issuerUri: f.issuer.issuerUri, expectedAudience, ...rest } as ValidatorOptions);

const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` });

async function judge(validator: Validator, accessToken: string): Promise<string> {
    const verdict = await validator.validateRequest(bearer(accessToken));
    return verdict.isSuccess ? "granted" : `${verdict.status} ${verdict.code}: ${verdict.debugErrorMessage}`;
}

/** Every look into it throws. */
const unreadable = new Proxy(
    {},
    {
        get: () => {
            throw new Error("not to be read");
        }
    }
);

const audience = (aud: unknown): string => f.token(nowInSeconds(), { aud });

describe("an audience by function", () => {
    test("is asked with all values and the issuer, and grants where it says true", async () => {
        const isExpected = vi.fn<AudienceFunction>(audiences => audiences.includes(AUDIENCE));
        const validator = validatorOf(isExpected);
        expect(await judge(validator, audience([AUDIENCE, "urn:other"]))).toBe("granted");
        expect(await judge(validator, audience(AUDIENCE))).toBe("granted");
        expect(isExpected.mock.calls).toEqual([
            [[AUDIENCE, "urn:other"], { issuerUri: f.issuer.issuerUri }],
            [[AUDIENCE], { issuerUri: f.issuer.issuerUri }]
        ]);
        expect(await judge(validator, audience("urn:other"))).toBe(
            '401 audience_mismatch: The function expectedAudience does not accept the audience of the access token: "urn:other"'
        );
    });

    test("a token that comes again is asked about again, and by validateRequestSync too", async () => {
        let accepts = true;
        const validator = validatorOf(() => accepts);
        const token = f.token(nowInSeconds());
        for (const [says, outcome] of [
            [true, "granted"],
            [false, "audience_mismatch"],
            [true, "granted"]
        ] as const) {
            accepts = says;
            expect(await judge(validator, token)).toContain(outcome);
            const now = validator.validateRequestSync(bearer(token));
            expect(now?.isSuccess).toBe(says);
        }
    });

    test("nothing but true lets a token in", async () => {
        const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
        for (const [answer, said] of [
            [() => 1, "returned 1 where true or false is expected"],
            [() => "true", "returned a string"],
            [() => undefined, "returned undefined"],
            [() => ({}), "returned an object"],
            [() => unreadable, "returned an object"],
            [() => Promise.resolve(true), "returned a Promise"],
            [() => Promise.reject(new Error("no")), "returned a Promise"],
            [
                () => {
                    throw new Error(`no\r\n${"x".repeat(5000)}`);
                },
                "failed: no xxx"
            ],
            [
                () => {
                    throw null;
                },
                "failed: something that is not an Error"
            ]
        ] as const) {
            const outcome = await judge(validatorOf(answer), f.token(nowInSeconds()));
            expect(outcome).toContain("401 audience_mismatch");
            expect(outcome).toContain(said);
            expect(outcome.length).toBeLessThan(600);
            expect(outcome).not.toMatch(/[\r\n]/);
        }
        warned.mockRestore();
        expect(
            await judge(
                validatorOf(() => true),
                f.token(nowInSeconds())
            )
        ).toBe("granted");
    });

    test("no token is asked about whose signature, time or claims are bad", async () => {
        const isExpected = vi.fn<AudienceFunction>(() => true);
        const validator = validatorOf(isExpected);
        const good = f.token(nowInSeconds());
        expect(await judge(validator, `${good.slice(0, -8)}AAAAAAAA`)).toContain("signature_invalid");
        expect(await judge(validator, f.token(nowInSeconds() - 3600))).toContain("token_expired");
        expect(await judge(validator, f.token(nowInSeconds(), { iss: "https://other.example" }))).toContain(
            "issuer_mismatch"
        );
        expect(isExpected).not.toHaveBeenCalled();
        expect(await judge(validator, good)).toBe("granted");
        expect(isExpected).toHaveBeenCalledOnce();
    });

    test("the claim must be there, and be texts", async () => {
        const validator = validatorOf(() => true);
        expect(await judge(validator, audience(undefined))).toContain("401 claim_missing");
        expect(await judge(validator, audience(7))).toContain("401 claim_malformed");
        expect(await judge(validator, audience([AUDIENCE, 7]))).toContain("401 claim_malformed");
        expect(await judge(validator, audience([AUDIENCE]))).toBe("granted");
    });

    // The engine refuses such a token first. Should it ever not, no other value reaches the application.
    test.each<[string, unknown]>([
        ["a number", 7],
        ["null", null],
        ["an object", { 0: AUDIENCE }],
        ["a text and a number", [AUDIENCE, 7]],
        ["a number and a text", [7, AUDIENCE]],
        ["a list in a list", [[AUDIENCE]]]
    ])("what is no text is no audience: %s", (_name, aud) => {
        const isExpected = vi.fn<AudienceFunction>(() => true);
        const grant = { claims: { aud }, issuerUri: f.issuer.issuerUri } as never;
        expect(audienceObjection(grant, isExpected)).toMatchObject({ code: "claim_malformed" });
        expect(isExpected).not.toHaveBeenCalled();
    });

    test("with DPoP the refusal has the challenge of the scheme", async () => {
        const token = f.boundToken(nowInSeconds());
        const ask = (validator: Validator) =>
            validator.validateRequest(
                { authorization: `DPoP ${token}`, dpop: f.proof(nowInSeconds(), token) },
                { method: "GET", url: ITEMS }
            );
        const refused = await ask(validatorOf(() => false));
        expect(refused.headers["WWW-Authenticate"]).toContain('DPoP error="invalid_token"');
        expect((await ask(validatorOf(() => true))).isSuccess).toBe(true);
    });

    test("each issuer has its own", async () => {
        const [other, plain] = [await createFixtures(), await createFixtures()];
        const validator = createValidator({
            issuers: [
                { issuerUri: f.issuer.issuerUri, expectedAudience: () => false },
                { issuerUri: other.issuer.issuerUri, expectedAudience: () => true },
                { issuerUri: plain.issuer.issuerUri, expectedAudience: AUDIENCE }
            ]
        });
        expect(await judge(validator, f.token(nowInSeconds()))).toContain("audience_mismatch");
        expect(await judge(validator, other.token(nowInSeconds()))).toBe("granted");
        expect(await judge(validator, plain.token(nowInSeconds()))).toBe("granted");
        await Promise.all([other.issuer.close(), plain.issuer.close()]);
    });

    test("audienceMode has no place beside it, and expectedClients has", async () => {
        expect(() => validatorOf(() => true, { audienceMode: "only" } as Partial<ValidatorOptions>)).toThrow(
            "audienceMode: cannot stand beside a function in expectedAudience"
        );
        const clients = (expectedClients: string) =>
            validatorOf(() => true, { expectedClients } as Partial<ValidatorOptions>);
        expect(await judge(clients("app-2"), f.token(nowInSeconds()))).toContain("client_mismatch");
        expect(await judge(clients("app-1"), f.token(nowInSeconds()))).toBe("granted");
    });
});
