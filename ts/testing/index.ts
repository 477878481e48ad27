/**
 * `oidc-spa-native/testing`: a kit for tests of applications, for any test framework.
 *
 * In: nothing. Out: an issuer, a client, a clock, validators with a given answer. Never: code of its own.
 */

export { createTestClock, type TestClock } from "./clock.js";
export {
    dpopClient,
    type DpopClient,
    type DpopClientOptions,
    type ProofOverrides,
    type TestFetch,
    type TestRequest,
    type TestResponse
} from "./dpop-client.js";
export { fakeValidator, type FakeGrant, type FakeRefusal } from "./fake-validator.js";
export type { IntrospectionClient } from "./introspection-client.js";
export {
    createTestIssuer,
    type ListeningIssuer,
    type TestIntrospection,
    type TestIssuer,
    type TestIssuerOptions,
    type TestRecipient,
    type TestValidatorOptions
} from "./issuer.js";
export type { TestJwkSet } from "./issuer-keys.js";
export { signInput, signJws, type JwsPart } from "./jws.js";
export {
    createTestKey,
    type SigningAlgorithm,
    type TestJwk,
    type TestKey,
    type TestKeyOptions
} from "./keys.js";
export type { ListenOptions, ReceivedRequest, ResponseToWrite } from "./listening.js";
export { mockValidator, type DecodeOnly, type UseStaticIdentity } from "./mock-validator.js";
export type { ProductionOptions } from "./production.js";
export type { TokenShape } from "./shapes.js";
export type { SignOverrides, TestClaims } from "./token.js";
