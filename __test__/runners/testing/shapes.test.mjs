import assert from "node:assert/strict";
import { createValidator } from "oidc-spa-native";
import { allRoles, rolesOf } from "oidc-spa-native/authorization";
import { createTestIssuer } from "oidc-spa-native/testing";

test("the roles of Keycloak", async () => {
    const issuer = createTestIssuer({ shape: "keycloak", issuerUri: "https://auth.example.com/realms/app" });
    const validator = createValidator(issuer.options);
    const editors = allRoles(["editor"], rolesOf.keycloakRealm);
    const statusOf = async roles => {
        const authorization = `Bearer ${issuer.sign({ realm_access: { roles } })}`;
        return validator.authorize(await validator.validateRequest({ authorization }), editors).status;
    };
    assert.equal(await statusOf(["editor"]), undefined);
    assert.equal(await statusOf(["reader"]), 403);
});
