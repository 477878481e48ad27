import { createValidator, type Granted } from "oidc-spa-native";
import { allRoles, allScopes, rolesOf, stepUp } from "oidc-spa-native/authorization";
import { expect, test } from "vitest";

const ISSUER = { issuerUri: "https://auth.example.com", expectedAudience: "https://api.example.com" };

const granted = (claims: object): Granted => ({
    isSuccess: true,
    claims: claims as never,
    rawClaims: claims as never,
    accessToken: "a.b.c",
    scheme: "Bearer",
    issuerUri: ISSUER.issuerUri,
    headers: {}
});

test("a Redis client in the place of its URL is told where it goes", () => {
    class Redis {
        set(): void {}
    }
    for (const replayStore of [new Redis(), { redis: new Redis() }]) {
        expect(() => createValidator({ ...ISSUER, replayStore: replayStore as never })).toThrow(
            /replayStore.*: expected .* with a URL, .* goes into a function, replayStore: \{ checkAndStore \}/
        );
    }
});

test("a URL in the place of the store is told what to write, and its password is not repeated", () => {
    const given = "redis://:secret@host:6379" as never;
    expect(() => createValidator({ ...ISSUER, replayStore: given })).toThrow(
        /^(?!.*secret).*replayStore: expected \{ redis: "redis:/
    );
});

test("roles and a sign-in that do not suffice are told beside what is there", () => {
    const validator = createValidator(ISSUER);
    const claims = { realm_access: { roles: ["user", "x\n"] }, acr: "0", auth_time: 1 };
    const messageOf = (requirement: Parameters<typeof validator.authorize>[1], of: object = claims) =>
        validator.authorize(granted(of), requirement).debugErrorMessage;
    const admin = allRoles(["admin"], rolesOf.keycloakRealm);
    expect(messageOf(admin)).toBe(
        'Expected each of the roles "admin" in the claim "realm_access", "roles"; the access token has "user", "x\\n"'
    );
    expect(messageOf(admin, {})).toMatch(/; the access token has none there$/);
    expect(messageOf(admin, { realm_access: { roles: ["admin"] } })).toBeUndefined();
    expect(messageOf(stepUp({ acrValues: ["mfa"], maxAgeSeconds: 300 }))).toMatch(
        /^The access token lacks acr of "mfa" \(it is "0"\) and auth_time of at most 300 seconds ago \(it is \d+ seconds ago\)$/
    );
    expect(messageOf(stepUp({ maxAgeSeconds: 300 }), {})).toMatch(/\(it is absent\)$/);
    expect(messageOf(allScopes(["a"]), { scope: "a" })).toBeUndefined();
});
