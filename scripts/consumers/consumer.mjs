// An ECMAScript module that uses the installed package. `pack-check.mjs` copies it into a fresh project.

import assert from "node:assert/strict";
import { createValidator } from "oidc-spa-native";
import { extractRequestAuthContext, oidcSpa } from "oidc-spa-native/server";
import { createTestIssuer } from "oidc-spa-native/testing";

const { ISSUER_URI: issuerUri, AUDIENCE: expectedAudience, TOKEN, TAMPERED_TOKEN } = process.env;

const validator = createValidator({ issuerUri, expectedAudience });
await validator.ready();
const granted = await validator.validateRequest({ authorization: `Bearer ${TOKEN}` });
assert.equal(granted.isSuccess, true, granted.debugErrorMessage);
assert.equal(granted.claims.sub, "service-rs256");
const refused = await validator.validateRequest({ authorization: `Bearer ${TAMPERED_TOKEN}` });
assert.deepEqual([refused.isSuccess, refused.code, refused.status], [false, "signature_invalid", 401]);
if (process.env.EXPECTED_ENGINE !== undefined) {
    assert.equal(validator.health().engine, process.env.EXPECTED_ENGINE);
}

const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
await bootstrapAuth({ implementation: "real", issuerUri, expectedAudience });
const validate = token => {
    const headers = new Headers({ authorization: `Bearer ${token}` });
    const request = { url: "https://api.example.com/items", method: "GET", headers };
    return validateAndDecodeAccessToken(
        extractRequestAuthContext({ request, trustProxy: false }).accessTokenAndMetadata
    );
};
const accepted = await validate(TOKEN);
assert.equal(accepted.isSuccess, true, accepted.debugErrorMessage);
assert.equal(accepted.decodedAccessToken.sub, "service-rs256");
const rejected = await validate(TAMPERED_TOKEN);
assert.deepEqual([rejected.isSuccess, rejected.errorCause], [false, "validation error - invalid signature"]);

const issuer = createTestIssuer();
const ask = token => createValidator(issuer.options).validateRequest({ authorization: `Bearer ${token}` });
assert.equal((await ask(issuer.sign())).isSuccess, true);
assert.equal((await ask(issuer.sign({}, { otherKey: true }))).code, "signature_invalid");

console.log("createValidator, the drop-in and the test kit: a real token accepted, a tampered one refused");
