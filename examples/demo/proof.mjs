// DPoP proofs (RFC 9449 section 4.2), made by the test kit for the key pairs of openid-client.

import { exportJWK } from "jose";
import { createTestKey, dpopClient } from "oidc-spa-native/testing";

/**
 * @param {{ privateKey: CryptoKey, publicKey: CryptoKey }} keyPair - of curve P-256, extractable
 * @param {{ method: string, url: string, accessToken: string }} request
 */
export async function createProof(keyPair, { method, url, accessToken }) {
    const key = createTestKey("ES256", { privateJwk: await exportJWK(keyPair.privateKey) });
    return dpopClient({ key, token: accessToken }).proof(method, url);
}
