// What the demo sends, and what the API must answer.

import { setTimeout as sleep } from "node:timers/promises";
import { authorizationCode, clientCredentials, randomDPoPKeyPair } from "./client.mjs";
import { API, OTHER_API } from "./issuer.mjs";
import { createProof } from "./proof.mjs";

/**
 * Sends one request after the other.
 *
 * @param {Awaited<ReturnType<import("./issuer.mjs").startIssuer>>} issuer
 * @param {string} itemsUrl - the API's endpoint
 * @yields {{ sent: string, expected: object, answered: object, isAsExpected: boolean }}
 */
export async function* sendEverything(issuer, itemsUrl) {
    const service = (name, resource = API) =>
        clientCredentials(issuer, { clientId: `service-${name}`, resource });
    const send = (sent, headers, expected) => sendOne({ sent, url: itemsUrl, headers, expected });

    yield send("no credentials", {}, refused("credentials_missing", /^(?!.*error=).*Bearer.*DPoP/));

    // Accepted, with each algorithm that the issuer signs with.
    const accessToken = await service("rs256");
    yield send("Bearer, client credentials, RS256", bearer(accessToken), accepted("service-rs256", "Bearer"));
    yield send(
        "Bearer, client credentials, ES256",
        bearer(await service("es256")),
        accepted("service-es256", "Bearer")
    );
    yield send(
        "Bearer, client credentials, EdDSA",
        bearer(await service("eddsa")),
        accepted("service-eddsa", "Bearer")
    );
    yield send(
        "Bearer, authorization code with PKCE",
        bearer(await authorizationCode(issuer, { login: "alice", resource: API })),
        accepted("alice", "Bearer")
    );

    // Refused for the token.
    const invalidToken = /Bearer.* error="invalid_token"/;
    const shortLived = await service("short-lived");
    await sleep(2_000);
    yield send("Bearer, expired a second ago", bearer(shortLived), refused("token_expired", invalidToken));
    yield send(
        "Bearer, token for another audience",
        bearer(await service("rs256", OTHER_API)),
        refused("audience_mismatch", invalidToken)
    );
    yield send(
        "Bearer, a byte of its claims changed",
        bearer(withOtherSubject(accessToken)),
        refused("signature_invalid", invalidToken)
    );
    yield send(
        "Bearer, a byte of its signature changed",
        bearer(withOtherSignature(accessToken)),
        refused("signature_invalid", invalidToken)
    );

    // DPoP: the token is bound to a key of the client.
    const keyPair = await randomDPoPKeyPair();
    const boundToken = await authorizationCode(issuer, {
        login: "alice",
        resource: API,
        dpopKeyPair: keyPair
    });
    const proofFor = (request, signer = keyPair) =>
        createProof(signer, { method: "GET", url: itemsUrl, accessToken: boundToken, ...request });
    const invalidProof = /DPoP.* error="invalid_dpop_proof"/;

    const proof = await proofFor({});
    yield send("DPoP, authorization code with PKCE", dpop(boundToken, proof), accepted("alice", "DPoP"));
    yield send(
        "DPoP, the same proof again",
        dpop(boundToken, proof),
        refused("proof_replayed", invalidProof)
    );
    yield send(
        "Bearer, token bound to a key",
        bearer(boundToken),
        refused("token_bound", /error="invalid_token"/)
    );
    yield send("DPoP, no proof", dpop(boundToken), refused("proof_missing", invalidProof));
    yield send(
        "DPoP, proof for POST, sent with GET",
        dpop(boundToken, await proofFor({ method: "POST" })),
        refused("proof_method_mismatch", invalidProof)
    );
    yield send(
        "DPoP, proof for another URL",
        dpop(boundToken, await proofFor({ url: `${itemsUrl}/1` })),
        refused("proof_uri_mismatch", invalidProof)
    );
    yield send(
        "DPoP, proof signed with another key",
        dpop(boundToken, await proofFor({}, await randomDPoPKeyPair())),
        refused("proof_key_mismatch", /DPoP.* error="invalid_/)
    );

    // The issuer rotates its keys. Each unknown key asks for one refresh, and then for none in the cool-down of 1 s.
    await sleep(1_100);
    issuer.rotate({ published: false });
    const rotated = await service("es256");
    yield countingRefreshes(issuer, 1, () =>
        send("Bearer, new key, not yet published", bearer(rotated), refused("key_unknown", invalidToken))
    );
    yield countingRefreshes(issuer, 0, () =>
        send("Bearer, new key, in the cool-down", bearer(rotated), refused("key_unknown", invalidToken))
    );
    issuer.publish();
    await sleep(1_100);
    yield countingRefreshes(issuer, 1, () =>
        send("Bearer, new key, published", bearer(rotated), accepted("service-es256", "Bearer"))
    );
    yield countingRefreshes(issuer, 0, () =>
        send(
            "Bearer, old key, no longer published",
            bearer(accessToken),
            refused("key_unknown", invalidToken)
        )
    );
}

function bearer(accessToken) {
    return { authorization: `Bearer ${accessToken}` };
}

function dpop(accessToken, proof) {
    return { authorization: `DPoP ${accessToken}`, ...(proof && { dpop: proof }) };
}

function accepted(subject, scheme) {
    return { status: 200, outcome: `${scheme} of ${subject}`, challenge: /^$/ };
}

function refused(code, challenge) {
    return { status: 401, outcome: code, challenge };
}

async function sendOne({ sent, url, headers, expected }) {
    const response = await fetch(url, { headers });
    const body = await response.json();
    const answered = {
        status: response.status,
        outcome: response.ok ? `${body.scheme} of ${body.subject}` : body.code,
        challenge: response.headers.get("www-authenticate") ?? ""
    };
    const isAsExpected =
        answered.status === expected.status &&
        answered.outcome === expected.outcome &&
        expected.challenge.test(answered.challenge);
    return { sent, expected, answered, isAsExpected };
}

async function countingRefreshes(issuer, refreshes, sendRow) {
    const before = issuer.jwksRequests;
    const row = await sendRow();
    const counted = issuer.jwksRequests - before;
    return {
        ...row,
        expected: { ...row.expected, refreshes },
        answered: { ...row.answered, refreshes: counted },
        isAsExpected: row.isAsExpected && counted === refreshes
    };
}

/** The token with another `sub`: one byte of the claims differs, and they stay well-formed. */
function withOtherSubject(accessToken) {
    const [header, payload, signature] = accessToken.split(".");
    const claims = Buffer.from(payload, "base64url").toString();
    const changed = claims.replace('"sub":"s', '"sub":"S');
    return [header, Buffer.from(changed).toString("base64url"), signature].join(".");
}

function withOtherSignature(accessToken) {
    const [header, payload, signature] = accessToken.split(".");
    const bytes = Buffer.from(signature, "base64url");
    bytes[bytes.length >> 1] ^= 1;
    return [header, payload, bytes.toString("base64url")].join(".");
}
