/**
 * `fakeValidator`: a validator with the answer that a test gives.
 *
 * In: claims, or a refusal. Out: a validator that every adapter takes. Never: a value of the request.
 */

import type { AccessTokenClaims, ErrorCode, Validator } from "../../index.js";
import type { Fixed } from "../guard/rules.js";
import { createValidator } from "../validator/create.js";
import { invalid, kindOf, readMembers, unexpected, type Members } from "../validator/members.js";
import { answering, granted, refused } from "./answering.js";
import { createTestIssuer } from "./issuer.js";
import { checkPlace, isInTest, tellMock, type ProductionOptions } from "./production.js";
import { SHAPES } from "./shapes.js";
import { textOf } from "./values.js";

/** The grant that a test wants. */
export interface FakeGrant<Claims = AccessTokenClaims> extends ProductionOptions {
    /**
     * The claims. Missing claims of RFC 9068 are filled in: `iss`, `sub` (`"test-user"`), `aud`, `client_id`, `jti`,
     * `iat`, and an `exp` in five minutes. A claim that is `undefined` is left out.
     */
    claims: Partial<Fixed<Claims>>;
    /** The scheme of the token. Default `"DPoP"` if `cnf.jkt` is among the claims, otherwise `"Bearer"`. */
    scheme?: "Bearer" | "DPoP" | undefined;
    /** The access token. Default `"test-token"`. */
    accessToken?: string | undefined;
    refusal?: never;
}

/** The refusal of every request. */
export interface FakeRefusal extends ProductionOptions {
    /** A code; status and challenge are those that a validator gives for it. */
    refusal: ErrorCode;
    claims?: never;
    scheme?: never;
    accessToken?: never;
}

const FAKE: Members = {
    of: "fakeValidator",
    noun: "option",
    names: ["claims", "scheme", "accessToken", "refusal", "verifyNothingInProduction"],
    example: 'fakeValidator({ claims: { sub: "ann" } })',
    instead: { code: 'refusal: "token_expired"', sub: "claims: { sub }", scope: "claims: { scope }" }
};

/**
 * Makes a validator that grants every request with the claims of the test, or refuses every request. `authorize`, and
 * so the rule `require`, works as in a real validator. It throws if `NODE_ENV` is `production`. Where it is not `test`
 * either, and no test runner is there, a warning says once that nothing is verified (`OIDC_SPA_NATIVE_MOCK`).
 *
 * @throws TypeError if there is neither claims nor a refusal, or both
 * @example
 * ```ts
 * import express from "express";
 * import { allScopes } from "oidc-spa-native/authorization";
 * import { protect } from "oidc-spa-native/express";
 * import { fakeValidator } from "oidc-spa-native/testing";
 *
 * const ann = fakeValidator({ claims: { sub: "ann", scope: "items:read" } });
 * const app = express();
 * app.get("/items", protect(ann, { require: allScopes(["items:read"]) }), (_req, res) => {
 *     res.json([]);
 * });
 * const outage = fakeValidator({ refusal: "keys_unavailable" }); // 503
 * ```
 */
export function fakeValidator<Claims = AccessTokenClaims>(
    options: FakeGrant<Claims> | FakeRefusal
): Validator<Claims> {
    const read = readMembers(options, FAKE) as unknown as FakeGrant<Claims> | FakeRefusal;
    if (!checkPlace("fakeValidator", read) && !isInTest() && read.refusal === undefined) {
        tellMock("fakeValidator");
    }
    if ((read.claims === undefined) === (read.refusal === undefined)) {
        throw invalid(`fakeValidator takes either claims or a refusal. Write ${FAKE.example}`);
    }
    // Without a schema, `Claims` is the type of the test's claims.
    const real = createValidator(createTestIssuer().options) as unknown as Validator<Claims>;
    if (read.refusal !== undefined) {
        const { refusal } = read;
        refused(refusal, ""); // What is no code is told now, and not with the first request.
        return answering(real, () => refused(refusal, "A test wants it so"));
    }
    const { claims, scheme, accessToken = "test-token" } = read;
    textOf("accessToken", accessToken);
    if (scheme !== undefined && scheme !== "Bearer" && scheme !== "DPoP") {
        throw unexpected("option", "scheme", '"Bearer" or "DPoP"', scheme);
    }
    filledIn(claims); // What is no object is told now, and not with the first request.
    return answering(real, () => {
        const rawClaims = filledIn(claims);
        return granted({ claims: rawClaims as unknown as Claims, rawClaims, accessToken, scheme });
    });
}

/** The claims of a current token with these claims. */
export function filledIn(claims: unknown): AccessTokenClaims {
    if (Object.prototype.toString.call(claims) !== "[object Object]") {
        throw invalid(`claims must be an object; got ${kindOf(claims)}`);
    }
    const iat = Math.floor(Date.now() / 1000);
    const { issuerUri: iss, audience, clientId, claims: usual } = SHAPES.rfc9068;
    const filled = usual({ iss, aud: audience ?? undefined, clientId, iat, exp: iat + 300 });
    const all = Object.entries({ ...filled, ...(claims as object) });
    return Object.fromEntries(all.filter(([, value]) => value !== undefined)) as AccessTokenClaims;
}
