// An authorization server on loopback that is put from one state into another, and notes what it is asked.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

export const AUDIENCE = "https://api.example.com";

const ALGORITHM = "ES256";
const TOKEN_LIFETIME_SECONDS = 600;
const PATHS = {
    "/.well-known/openid-configuration": "metadata",
    "/.well-known/oauth-authorization-server": "metadata (RFC 8414)",
    "/jwks": "JWK Set"
};

/**
 * Starts the issuer, in the state `good`, with one key.
 *
 * @param {() => number} now - milliseconds since the run began
 */
export async function startIssuer(now) {
    const requests = [];
    let published = [await makeKey()];
    let signer = published[0];
    let phase = { state: "good" };
    // When each withdrawn key was first missing from an answer.
    const missingSince = new Map();
    let lastGoodAnswer = -1;

    const server = createServer((req, res) => {
        const document = PATHS[req.url] ?? "other";
        const request = { at: now(), document, state: phase.state, answer: "none" };
        requests.push(request);
        answer(req, res, document);
        if (phase.state !== "silent") {
            request.answer = String(res.statusCode);
        }
    });
    // A pooled connection that this side closes at the very moment of a request would be a failure of its own.
    server.keepAliveTimeout = 60_000;
    await listen(0);
    const { port } = server.address();
    const issuerUri = `http://127.0.0.1:${port}`;

    function answer(req, res, document) {
        switch (phase.state) {
            case "silent":
                return;
            case "error":
                res.writeHead(500).end("internal error");
                return;
            case "unavailable":
                res.writeHead(503, { "Retry-After": String(phase.retryAfterSeconds) }).end();
                return;
            case "html":
                res.writeHead(200, { "Content-Type": "text/html" }).end(
                    "<!doctype html><title>Sign in</title>"
                );
                return;
        }
        if (document === "metadata") {
            sendJson(res, { issuer: issuerUri, jwks_uri: `${issuerUri}/jwks` });
        } else if (document !== "JWK Set") {
            res.writeHead(404).end();
        } else if (phase.state === "empty") {
            sendJson(res, { keys: [] });
        } else if (phase.state === "garbage") {
            res.writeHead(200, { "Content-Type": "application/json" }).end(randomBytes(512));
        } else {
            sendKeys(req, res);
        }
    }

    function sendKeys(req, res) {
        const text = JSON.stringify({ keys: published.map(({ jwk }) => jwk) });
        const etag = `"${createHash("sha256").update(text).digest("base64url")}"`;
        lastGoodAnswer = now();
        for (const [kid, since] of missingSince) {
            missingSince.set(kid, since ?? now());
        }
        if (req.headers["if-none-match"] === etag) {
            res.writeHead(304, { ETag: etag }).end();
        } else {
            res.writeHead(200, { "Content-Type": "application/jwk-set+json", ETag: etag }).end(text);
        }
    }

    async function listen(onPort) {
        server.listen(onPort, "127.0.0.1");
        await once(server, "listening");
    }

    return {
        issuerUri,
        requests,

        async enter(next) {
            const wasDown = phase.state === "down";
            const wasSilent = phase.state === "silent";
            phase = next;
            if (wasSilent) {
                // Whoever was left without an answer gets none any more.
                server.closeAllConnections();
            }
            if (next.state === "down" && server.listening) {
                server.close();
                server.closeAllConnections();
                await once(server, "close");
            } else if (wasDown && next.state !== "down") {
                await listen(port);
            }
        },

        /** Adds a key to the JWK Set. */
        async publishKey() {
            const key = await makeKey();
            published = [...published, key];
            return key;
        },

        signWith(key) {
            signer = key;
        },

        /** Takes a key out of the JWK Set. */
        withdraw(key) {
            published = published.filter(other => other !== key);
            missingSince.set(key.kid, undefined);
        },

        isPublished: key => published.includes(key),

        /** When an answer first lacked a withdrawn key. */
        missingSince: key => missingSince.get(key.kid),

        /** When the JWK Set was last handed out; -1: never. */
        lastGoodAnswer: () => lastGoodAnswer,

        signer: () => signer,

        /** A good access token. */
        token: (key = signer) =>
            new SignJWT({ client_id: "soak" })
                .setProtectedHeader({ alg: ALGORITHM, typ: "at+jwt", kid: key.kid })
                .setIssuer(issuerUri)
                .setSubject("user-1")
                .setAudience(AUDIENCE)
                .setJti(randomUUID())
                .setIssuedAt()
                .setExpirationTime(`${TOKEN_LIFETIME_SECONDS} s`)
                .sign(key.privateKey),

        async close() {
            if (server.listening) {
                server.close();
                server.closeAllConnections();
                await once(server, "close");
            }
        }
    };
}

async function makeKey() {
    const { publicKey, privateKey } = await generateKeyPair(ALGORITHM);
    const kid = randomBytes(6).toString("base64url");
    const jwk = { ...(await exportJWK(publicKey)), kid, alg: ALGORITHM, use: "sig" };
    return { kid, jwk, privateKey };
}

function sendJson(res, body) {
    res.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}
