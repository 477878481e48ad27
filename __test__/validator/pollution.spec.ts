// What other code of the process has put into Object.prototype chooses no path of this library.

import { afterAll, beforeAll, expect, test } from "vitest";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { script } from "../support/script.js";

let f: Fixtures;
beforeAll(async () => {
    f = await createFixtures();
});
afterAll(() => f.issuer.close());

/** Members by which the library tells shapes of its own objects apart. */
const NAMES = [
    "error",
    "request",
    "done",
    "kind",
    "problem",
    "checks",
    "report",
    "trouble",
    "judge",
    "isRefused",
    "answerUnder"
];

test.each(["true", "() => true"])("members of Object.prototype that are %s", async value => {
    const now = nowInSeconds();
    const { stdout } = await script(
        `const { createValidator } = require("oidc-spa-native");
         const { ISSUER, AUDIENCE, KEYS, GOOD, BAD, NAMES } = process.env;
         // The fetch of Node.js itself takes some of these members for its own.
         const bytes = new TextEncoder().encode(KEYS);
         const body = () => {
             const pieces = [bytes];
             const next = () => ({ done: pieces.length === 0, value: pieces.pop() });
             return { getReader: () => ({ read: async () => next(), cancel: async () => undefined }) };
         };
         const fetch = async () => ({ status: 200, headers: new Map(), body: body(), bodyUsed: false, redirected: false });
         const codeOf = ({ isSuccess, code }) => (isSuccess ? "granted" : code);
         (async () => {
             for (const name of JSON.parse(NAMES)) {
                 Object.defineProperty(Object.prototype, name, { value: ${value}, configurable: true, writable: true });
                 const options = { expectedAudience: AUDIENCE, jwksUri: ISSUER + "/jwks" };
                 const others = { network: { fetch, privateAddresses: true }, verifiedTokenMemory: false };
                 const known = createValidator({ issuerUri: ISSUER, ...options, ...others });
                 const asked = createValidator({ issuers: async iss => ({ issuerUri: iss, ...options }), ...others });
                 for (const validator of [known, asked]) {
                     const answers = [];
                     for (const authorization of [GOOD, BAD]) {
                         answers.push(codeOf(await validator.validateRequest({ authorization })));
                     }
                     const { refusal } = await validator.explain({ authorization: BAD });
                     console.log(name, ...answers, refusal.code);
                 }
                 delete Object.prototype[name];
             }
         })();`,
        "commonjs",
        {
            ISSUER: f.issuer.issuerUri,
            AUDIENCE,
            KEYS: JSON.stringify(f.issuer.jwks),
            NAMES: JSON.stringify(NAMES),
            GOOD: `Bearer ${f.token(now)}`,
            BAD: `Bearer ${f.token(now, { aud: "https://other.example" })}`
        }
    );
    const line = (name: string) => `${name} granted audience_mismatch audience_mismatch`;
    expect(stdout.split("\n")).toEqual(NAMES.flatMap(name => [line(name), line(name)]));
});
