// DPoP proofs (RFC 9449 section 4.2), made the way a client makes them.

import { createHash, randomUUID } from "node:crypto";
import { exportJWK, SignJWT } from "jose";

/**
 * @param {{ privateKey: CryptoKey, publicKey: CryptoKey }} keyPair - of curve P-256
 * @param {{ method: string, url: string, accessToken: string }} request
 */
export async function createProof(keyPair, { method, url, accessToken }) {
    const claims = {
        htm: method,
        htu: url,
        ath: createHash("sha256").update(accessToken).digest("base64url"),
        jti: randomUUID()
    };
    return new SignJWT(claims)
        .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: await exportJWK(keyPair.publicKey) })
        .setIssuedAt()
        .sign(keyPair.privateKey);
}
