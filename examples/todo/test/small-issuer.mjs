// An issuer for tests of the API: it publishes a key, and signs whatever a test asks for. And clients that make proofs.

import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

export const AUDIENCE = "https://api.todo.example";

export async function startSmallIssuer(port = 0) {
    const { jwk, privateKey } = newKey();
    const server = createServer((req, res) => {
        const issuer = `http://127.0.0.1:${server.address().port}`;
        const documents = {
            "/.well-known/openid-configuration": { issuer, jwks_uri: `${issuer}/jwks` },
            "/jwks": { keys: [{ ...jwk, kid: "one", use: "sig" }] }
        };
        const document = documents[req.url];
        res.writeHead(document ? 200 : 404, { "Content-Type": "application/json" }).end(
            JSON.stringify(document ?? {})
        );
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const issuerUri = `http://127.0.0.1:${server.address().port}`;
    return {
        issuerUri,
        token(claims) {
            const now = Math.floor(Date.now() / 1000);
            const all = { iss: issuerUri, aud: AUDIENCE, sub: "alice", iat: now, exp: now + 300, ...claims };
            return jws({ alg: "ES256", kid: "one", typ: "at+jwt" }, all, privateKey);
        },
        close: () => server.close()
    };
}

/** Somebody with a key: `fields` makes the header fields of a call. */
export function newClient() {
    const { jwk, privateKey } = newKey();
    const { crv, kty, x, y } = jwk;
    const jkt = digest(JSON.stringify({ crv, kty, x, y }));
    const proof = ({ method, url, token, ...claims }) =>
        jws(
            { alg: "ES256", typ: "dpop+jwt", jwk },
            {
                htm: method,
                htu: url,
                iat: Math.floor(Date.now() / 1000),
                jti: randomUUID(),
                ath: digest(token),
                ...claims
            },
            privateKey
        );
    return {
        bound: { cnf: { jkt } },
        proof,
        fields: call => ({ authorization: `DPoP ${call.token}`, dpop: proof(call) })
    };
}

function newKey() {
    const format = { publicKeyEncoding: { format: "jwk" }, privateKeyEncoding: { format: "jwk" } };
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256", ...format });
    return { jwk: publicKey, privateKey };
}

function jws(header, claims, key) {
    const input = [header, claims]
        .map(part => Buffer.from(JSON.stringify(part)).toString("base64url"))
        .join(".");
    const signature = sign("sha256", Buffer.from(input), { key, format: "jwk", dsaEncoding: "ieee-p1363" });
    return `${input}.${signature.toString("base64url")}`;
}

const digest = text => createHash("sha256").update(text).digest("base64url");
