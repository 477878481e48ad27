// A CommonJS module that uses the installed package. `pack-check.mjs` copies it into a fresh project.

"use strict";

const assert = require("node:assert/strict");
const { createValidator } = require("oidc-spa-native");
const { extractRequestAuthContext, oidcSpa } = require("oidc-spa-native/server");
const { metricsText } = require("oidc-spa-native/prometheus");
const { createTestIssuer } = require("oidc-spa-native/testing");

const { ISSUER_URI: issuerUri, AUDIENCE: expectedAudience, TOKEN, TAMPERED_TOKEN } = process.env;

async function main() {
    const validator = createValidator({ issuerUri, expectedAudience });
    const granted = await validator.validateRequest({ authorization: `Bearer ${TOKEN}` });
    assert.equal(granted.isSuccess, true, granted.debugErrorMessage);
    assert.equal(granted.claims.sub, "service-rs256");
    const refused = await validator.validateRequest({ authorization: `Bearer ${TAMPERED_TOKEN}` });
    assert.deepEqual([refused.isSuccess, refused.code, refused.status], [false, "signature_invalid", 401]);
    if (process.env.EXPECTED_ENGINE !== undefined) {
        assert.equal(validator.health().engine, process.env.EXPECTED_ENGINE);
    }
    assert.match(metricsText(validator), /^oidc_validations_total\{.*code="signature_invalid"\} 1$/m);

    const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
    await bootstrapAuth({ implementation: "real", issuerUri, expectedAudience });
    const validate = token => {
        const request = {
            headers: { host: "api.example.com", authorization: `Bearer ${token}` },
            method: "GET",
            url: "/items",
            socket: {}
        };
        const context = extractRequestAuthContext({ request, trustProxy: false });
        return validateAndDecodeAccessToken(context.accessTokenAndMetadata);
    };
    const accepted = await validate(TOKEN);
    assert.equal(accepted.isSuccess, true, accepted.debugErrorMessage);
    assert.equal(accepted.decodedAccessToken.sub, "service-rs256");
    const rejected = await validate(TAMPERED_TOKEN);
    assert.deepEqual(
        [rejected.isSuccess, rejected.errorCause],
        [false, "validation error - invalid signature"]
    );

    const issuer = createTestIssuer();
    const ask = token =>
        createValidator(issuer.options).validateRequest({ authorization: `Bearer ${token}` });
    assert.equal((await ask(issuer.sign())).isSuccess, true);
    assert.equal((await ask(issuer.sign({}, { otherKey: true }))).code, "signature_invalid");

    console.log(
        "createValidator, the drop-in and the test kit: a real token accepted, a tampered one refused"
    );
}

main();
