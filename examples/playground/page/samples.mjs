// Requests that the page makes itself, with keys that are made for it: an issuer's, and a client's.

import { base64url, calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";

const ISSUER = "https://auth.example.com";
const AUDIENCE = "https://api.example.com";
const URL_OF_API = `${AUDIENCE}/items`;

/** Both samples, anew: a proof is good for seconds. */
export async function makeSamples() {
    const [issuer, client] = [await generateKeyPair("RS256"), await generateKeyPair("ES256")];
    const [issuerJwk, clientJwk] = [await exportJWK(issuer.publicKey), await exportJWK(client.publicKey)];
    const token = await new SignJWT({
        client_id: "playground",
        scope: "items:read",
        cnf: { jkt: await calculateJwkThumbprint(clientJwk) }
    })
        .setProtectedHeader({ alg: "RS256", typ: "at+jwt", kid: "playground" })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject("alice")
        .setJti(crypto.randomUUID())
        .setIssuedAt()
        .setExpirationTime("10 minutes")
        .sign(issuer.privateKey);
    const proof = await new SignJWT({ htm: "GET", htu: URL_OF_API, ath: await digestOf(token) })
        .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: clientJwk })
        .setJti(crypto.randomUUID())
        .setIssuedAt()
        .sign(client.privateKey);
    const granted = {
        method: "GET",
        url: URL_OF_API,
        token,
        proof,
        issuer: ISSUER,
        audience: AUDIENCE,
        keys: JSON.stringify(
            { keys: [{ ...issuerJwk, kid: "playground", alg: "RS256", use: "sig" }] },
            null,
            2
        ),
        time: ""
    };
    return {
        granted: { about: "A token that is bound to the client's key, with a proof.", fields: granted },
        refused: {
            about: "A thief has the token and the proof, and sends them to delete something.",
            fields: { ...granted, method: "DELETE", url: `${URL_OF_API}/1` }
        }
    };
}

async function digestOf(token) {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
    return base64url.encode(new Uint8Array(digest));
}
