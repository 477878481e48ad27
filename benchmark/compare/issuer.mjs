// A process of its own: the issuers on loopback, and whoever holds their keys and the clients'. What it costs to sign is
// not on the account of the process that is measured.

import { once } from "node:events";
import { createServer } from "node:http";
import { AUDIENCE, SESSIONS, TARGET } from "./cases.mjs";
import { accessToken, badTokens, dpopProof, ISSUERS, newKey, thumbprint } from "./signing.mjs";

const AT_ONCE = 64;

const keys = new Map(ISSUERS.map(name => [name, newKey(name)]));
const server = createServer((req, res) => {
    const [, name, ...rest] = req.url.split("/");
    const key = keys.get(name);
    const path = rest.join("/");
    if (key !== undefined && /^\.well-known\/(openid-configuration|oauth-authorization-server)$/.test(path)) {
        sendJson(res, { issuer: issuerUri(name), jwks_uri: `${issuerUri(name)}/jwks` });
    } else if (key !== undefined && path === "jwks") {
        sendJson(res, { keys: [key.jwk] });
    } else {
        res.writeHead(404).end();
    }
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

const sessions = new Map();

const ANSWERS = {
    /** Where the issuers are, and their keys. */
    issuers: () =>
        ISSUERS.map(name => ({
            name,
            issuerUri: issuerUri(name),
            jwk: keys.get(name).jwk,
            algorithm: keys.get(name).algorithm
        })),

    /** Distinct tokens; `change` is what they say otherwise. */
    tokens: ({ issuer, count, change }) =>
        many(count, () => accessToken({ key: keys.get(issuer), ...audienceOf(issuer), change })),

    /** Fresh proofs of clients whose tokens stay the same; `change` is what they say otherwise. */
    proofs: async ({ issuer, count, target = TARGET, change }) => {
        const clients = await sessionsOf(issuer);
        let n = 0;
        return many(count, async () => {
            const { key, token, jti } = clients[n++ % clients.length];
            return {
                token,
                jti,
                proof: await dpopProof({ key, token, ...target, change }),
                clientJwk: key.publicJwk
            };
        });
    },

    /** Clients that nobody has seen: each a key, a token and a proof. */
    strangers: ({ issuer, count }) =>
        many(count, async () => {
            const { key, token, jti } = await newClient(issuer);
            return {
                token,
                jti,
                proof: await dpopProof({ key, token, ...TARGET }),
                clientJwk: key.publicJwk
            };
        }),

    /** What must be refused. */
    bad: async ({ issuer, dpop }) => {
        const key = keys.get(issuer);
        if (!dpop) {
            return badTokens({ key, ...audienceOf(issuer) });
        }
        const client = newKey("es256");
        const jkt = thumbprint(client.publicJwk);
        const { token } = await accessToken({ key, ...audienceOf(issuer), jkt });
        const stranger = newKey("es256");
        const proofs = {
            "a proof for another URL": { key: client, change: { htu: "https://api.example.com/v1/other" } },
            "a proof for another method": { key: client, change: { htm: "POST" } },
            "a proof for another token": { key: client, change: { ath: "A".repeat(43) } },
            "an old proof": { key: client, change: { iat: Math.floor(Date.now() / 1000) - 3600 } },
            "a proof of another key": { key: stranger }
        };
        const withBadProof = Object.entries(proofs).map(async ([what, { key, change }]) => ({
            what,
            token,
            proof: await dpopProof({ key, token, ...TARGET, change })
        }));
        const withBadToken = (await badTokens({ key, ...audienceOf(issuer), jkt })).map(
            async ({ what, token }) => ({
                what,
                token,
                proof: await dpopProof({ key: client, token, ...TARGET })
            })
        );
        return Promise.all([...withBadProof, ...withBadToken]);
    }
};

process.on("message", async ({ id, what, params }) => {
    try {
        process.send({ id, answer: await ANSWERS[what](params) });
    } catch (error) {
        process.send({ id, error: String(error?.stack ?? error) });
    }
});
process.on("disconnect", () => process.exit());
process.send({ ready: true });

function issuerUri(name) {
    return `http://127.0.0.1:${server.address().port}/${name}`;
}

function audienceOf(issuer) {
    return { issuerUri: issuerUri(issuer), audience: AUDIENCE };
}

async function newClient(issuer) {
    const key = newKey("es256");
    const token = await accessToken({
        key: keys.get(issuer),
        ...audienceOf(issuer),
        jkt: thumbprint(key.publicJwk)
    });
    return { key, ...token };
}

async function sessionsOf(issuer) {
    if (!sessions.has(issuer)) {
        sessions.set(issuer, await many(SESSIONS, () => newClient(issuer)));
    }
    return sessions.get(issuer);
}

/** Some at once: signatures of RSA are made in the threads of libuv. */
async function many(count, make) {
    const made = [];
    while (made.length < count) {
        made.push(
            ...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - made.length) }, make)))
        );
    }
    return made;
}

function sendJson(res, body) {
    res.writeHead(200, { "Content-Type": "application/json", "Cache-Control": "max-age=86400" }).end(
        JSON.stringify(body)
    );
}
