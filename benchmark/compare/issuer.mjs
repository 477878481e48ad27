// A process of its own: the issuers on loopback, and whoever holds their keys and the clients'. What it costs to sign is
// not on the account of the process that is measured.

import { AUDIENCE, SESSIONS, TARGET } from "./cases.mjs";
import { accessToken, badTokens, dpopProof, ISSUERS, newClientKey, newIssuer } from "./signing.mjs";

const keys = new Map();
const issuerUris = new Map();
for (const name of ISSUERS) {
    const { issuer, key } = newIssuer(name);
    const { issuerUri } = await issuer.listen({ respond: keepForLong });
    keys.set(name, key);
    issuerUris.set(name, issuerUri);
}

const sessions = new Map();

const ANSWERS = {
    /** Where the issuers are, and their keys. */
    issuers: () =>
        ISSUERS.map(name => ({
            name,
            issuerUri: issuerUris.get(name),
            jwk: keys.get(name).jwk,
            algorithm: keys.get(name).algorithm
        })),

    /** Distinct tokens; `change` is what they say otherwise. */
    tokens: ({ issuer, count, change }) =>
        many(count, () => accessToken({ key: keys.get(issuer), ...audienceOf(issuer), change })),

    /** Fresh proofs of clients whose tokens stay the same; `change` is what they say otherwise. */
    proofs: ({ issuer, count, target = TARGET, change }) => {
        const clients = sessionsOf(issuer);
        let n = 0;
        return many(count, () => {
            const { key, token, jti } = clients[n++ % clients.length];
            return {
                token,
                jti,
                proof: dpopProof({ key, token, ...target, change }),
                clientJwk: key.publicJwk
            };
        });
    },

    /** Clients that nobody has seen: each a key, a token and a proof. */
    strangers: ({ issuer, count }) =>
        many(count, () => {
            const { key, token, jti } = newClient(issuer);
            return {
                token,
                jti,
                proof: dpopProof({ key, token, ...TARGET }),
                clientJwk: key.publicJwk
            };
        }),

    /** What must be refused. */
    bad: ({ issuer, dpop }) => {
        const key = keys.get(issuer);
        if (!dpop) {
            return badTokens({ key, ...audienceOf(issuer) });
        }
        const client = newClientKey();
        const jkt = client.thumbprint;
        const { token } = accessToken({ key, ...audienceOf(issuer), jkt });
        const stranger = newClientKey();
        const proofs = {
            "a proof for another URL": { key: client, change: { htu: "https://api.example.com/v1/other" } },
            "a proof for another method": { key: client, change: { htm: "POST" } },
            "a proof for another token": { key: client, change: { ath: "A".repeat(43) } },
            "an old proof": { key: client, change: { iat: Math.floor(Date.now() / 1000) - 3600 } },
            "a proof of another key": { key: stranger }
        };
        const withBadProof = Object.entries(proofs).map(([what, { key, change }]) => ({
            what,
            token,
            proof: dpopProof({ key, token, ...TARGET, change })
        }));
        const withBadToken = badTokens({ key, ...audienceOf(issuer), jkt }).map(({ what, token }) => ({
            what,
            token,
            proof: dpopProof({ key: client, token, ...TARGET })
        }));
        return [...withBadProof, ...withBadToken];
    }
};

process.on("message", ({ id, what, params }) => {
    try {
        process.send({ id, answer: ANSWERS[what](params) });
    } catch (error) {
        process.send({ id, error: String(error?.stack ?? error) });
    }
});
process.on("disconnect", () => process.exit());
process.send({ ready: true });

function audienceOf(issuer) {
    return { issuerUri: issuerUris.get(issuer), audience: AUDIENCE };
}

function newClient(issuer) {
    const key = newClientKey();
    const token = accessToken({ key: keys.get(issuer), ...audienceOf(issuer), jkt: key.thumbprint });
    return { key, ...token };
}

function sessionsOf(issuer) {
    if (!sessions.has(issuer)) {
        sessions.set(
            issuer,
            many(SESSIONS, () => newClient(issuer))
        );
    }
    return sessions.get(issuer);
}

const many = (count, make) => Array.from({ length: count }, make);

/** No answer is asked for anew during a run. */
function keepForLong(_request, response) {
    response.setHeader("Cache-Control", "max-age=86400");
    return false;
}
