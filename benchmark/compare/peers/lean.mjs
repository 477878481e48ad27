// Not a library: the least that JavaScript can do on `node:crypto`, with a key prepared once and everything synchronous.
// What is faster than this is so because of native code; what is slower does more, or does it in more steps.

import { createHash, createPublicKey, verify as verifySignature } from "node:crypto";

export const lean = {
    id: "lean",
    title: "lean, on node:crypto",
    role: "reference",
    can: () => true,
    async make({ issuerUri, audience, algorithm, jwk, target }) {
        const key = createPublicKey({ key: jwk, format: "jwk" });
        const validate = token => accessToken(token, { key, algorithm, issuerUri, audience });
        const seen = new Map();
        return {
            prepare: item => item,
            verify: ({ token, proof }) => {
                const claims = validate(token);
                if (proof !== undefined) {
                    dpopProof(proof, token, claims.cnf.jkt, target, seen);
                }
                return claims;
            }
        };
    }
};

function accessToken(token, { key, algorithm, issuerUri, audience }) {
    const { header, claims } = verified(token, algorithm, () => key);
    const now = Date.now() / 1000;
    const isFor = Array.isArray(claims.aud) ? claims.aud.includes(audience) : claims.aud === audience;
    if (
        header.alg !== algorithm ||
        claims.iss !== issuerUri ||
        !isFor ||
        !(claims.exp > now) ||
        claims.nbf > now
    ) {
        throw new Error("refused");
    }
    return claims;
}

function dpopProof(proof, token, jkt, target, seen) {
    const { header, claims } = verified(proof, "ES256", ({ jwk }) =>
        createPublicKey({ key: jwk, format: "jwk" })
    );
    const { crv, kty, x, y } = header.jwk;
    const age = Date.now() / 1000 - claims.iat;
    const isGood =
        header.typ === "dpop+jwt" &&
        sha256(JSON.stringify({ crv, kty, x, y })) === jkt &&
        claims.ath === sha256(token) &&
        claims.htm === target.method &&
        claims.htu === target.url &&
        age > -5 &&
        age < 60;
    if (!isGood || seen.has(claims.jti)) {
        throw new Error("refused");
    }
    seen.set(claims.jti, claims.iat);
}

function verified(jws, algorithm, keyOf) {
    const payloadAt = jws.indexOf(".") + 1;
    const signatureAt = jws.lastIndexOf(".") + 1;
    const header = decode(jws.slice(0, payloadAt - 1));
    const hash = algorithm === "EdDSA" ? null : `sha${algorithm.slice(2)}`;
    const key = { key: keyOf(header), dsaEncoding: "ieee-p1363" };
    const signature = Buffer.from(jws.slice(signatureAt), "base64url");
    if (
        header.alg !== algorithm ||
        !verifySignature(hash, Buffer.from(jws.slice(0, signatureAt - 1)), key, signature)
    ) {
        throw new Error("refused");
    }
    return { header, claims: decode(jws.slice(payloadAt, signatureAt - 1)) };
}

const decode = part => JSON.parse(Buffer.from(part, "base64url").toString());
const sha256 = text => createHash("sha256").update(text).digest("base64url");
