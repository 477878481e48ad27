// The kit's issuer, which is put from one state into another, and notes what it is asked.

import { createHash, randomBytes } from "node:crypto";
import { createTestIssuer } from "oidc-spa-native/testing";

export const AUDIENCE = "https://api.example.com";

const TOKEN_LIFETIME_SECONDS = 600;
const PATHS = {
    "/.well-known/openid-configuration": "metadata",
    "/.well-known/oauth-authorization-server": "metadata (RFC 8414)",
    "/jwks": "JWK Set"
};

/**
 * Starts the issuer, in the state `good`, with one key. A key is called by its `kid`.
 *
 * @param {() => number} now - milliseconds since the run began
 */
export async function startIssuer(now) {
    const requests = [];
    const unanswered = new Set();
    // When each withdrawn key was first missing from an answer.
    const missingSince = new Map();
    let phase = { state: "good" };
    let lastGoodAnswer = -1;

    const issuer = await createTestIssuer({ audience: AUDIENCE, clientId: "soak" }).listen({
        respond: (req, res) => {
            const document = PATHS[req.url] ?? "other";
            const request = { at: now(), document, state: phase.state, answer: "none" };
            requests.push(request);
            if (phase.state === "silent") {
                unanswered.add(res);
                return true;
            }
            const hasAnswered = answer(req, res, document);
            request.answer = String(hasAnswered ? res.statusCode : document === "other" ? 404 : 200);
            return hasAnswered;
        }
    });
    let signer = issuer.kids[0];

    /** Whether it has: metadata is the kit's to answer. */
    function answer(req, res, document) {
        switch (phase.state) {
            case "error":
                res.writeHead(500).end("internal error");
                return true;
            case "unavailable":
                res.writeHead(503, { "Retry-After": String(phase.retryAfterSeconds) }).end();
                return true;
            case "html":
                res.writeHead(200, { "Content-Type": "text/html" }).end(
                    "<!doctype html><title>Sign in</title>"
                );
                return true;
        }
        if (document !== "JWK Set") {
            return false;
        }
        if (phase.state === "empty") {
            sendJson(res, { keys: [] });
        } else if (phase.state === "garbage") {
            res.writeHead(200, { "Content-Type": "application/json" }).end(randomBytes(512));
        } else {
            sendKeys(req, res);
        }
        return true;
    }

    function sendKeys(req, res) {
        const text = JSON.stringify(issuer.jwks);
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

    return {
        issuerUri: issuer.issuerUri,
        requests,

        async enter(next) {
            phase = next;
            // Whoever was left without an answer gets none any more.
            for (const res of unanswered) {
                res.destroy();
            }
            unanswered.clear();
            await (next.state === "down" ? issuer.close() : issuer.reopen());
        },

        /** Adds a key to the JWK Set. */
        publishKey() {
            issuer.rotate();
            return issuer.kids.at(-1);
        },

        signWith(kid) {
            signer = kid;
        },

        /** Takes a key out of the JWK Set. */
        withdraw(kid) {
            issuer.withdraw(kid);
            missingSince.set(kid, undefined);
        },

        isPublished: kid => issuer.kids.includes(kid),

        /** When an answer first lacked a withdrawn key. */
        missingSince: kid => missingSince.get(kid),

        /** When the JWK Set was last handed out; -1: never. */
        lastGoodAnswer: () => lastGoodAnswer,

        signer: () => signer,

        /** A good access token. */
        token: (kid = signer) => issuer.sign({}, { kid, expiresInSeconds: TOKEN_LIFETIME_SECONDS }),

        /** A token that names this key, and that another signed. */
        forged: kid => issuer.sign({}, { header: { kid }, otherKey: true }),

        close: () => issuer.close()
    };
}

function sendJson(res, body) {
    res.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}
