// What the clients and the attackers send: batches of requests, each with what must become of it.

import { randomBytes, randomInt } from "node:crypto";
import { TARGET } from "../compare/cases.mjs";
import { shuffled } from "../compare/statistics.mjs";

/** Of a hundred requests. What is left of them is refused. */
const PERCENT = { repeated: 40, distinct: 10, session: 5, firstContact: 1 };

/** Bad proofs are made anew before they are refused for their age alone. */
const BATCHES_UNTIL_STALE = 20;

/** Tokens that come again and again. */
const REPEATED = 300;

const ELSEWHERE = { method: TARGET.method, url: "https://api.example.com/v1/others" };

// Pieces of it, each from another place: random text at no cost.
const NOISE = randomBytes(1 << 20).toString("base64url");
const noise = length => {
    const at = randomInt(NOISE.length - length);
    return NOISE.slice(at, at + length);
};
const encode = value => Buffer.from(JSON.stringify(value)).toString("base64url");

/**
 * @typedef {object} Sent
 * @property {object} headers
 * @property {{ method: string, url: string }} target
 * @property {string} kind
 * @property {string} [jti] - of the token that must be granted; without it the request must be refused
 */

/** @returns {{ next: (count: number) => Promise<Sent[]> }} batches, always of the same mixture, in random order */
export async function trafficOf(ask) {
    const repeated = [
        ...(await ask("tokens", { issuer: "rs256", count: REPEATED / 2 })),
        ...(await ask("tokens", { issuer: "es256", count: REPEATED / 2 }))
    ];
    let refusable = await refusableOf(ask);
    let previous = refusable.badProofs;
    let batches = 0;
    return {
        async next(count) {
            if (++batches % BATCHES_UNTIL_STALE === 0) {
                refusable = await refusableOf(ask);
            }
            const share = percent => Math.round((count * percent) / 100);
            const [es256, eddsa, session, strangers] = await Promise.all([
                ask("tokens", { issuer: "es256", count: share(PERCENT.distinct / 2) }),
                ask("tokens", { issuer: "eddsa", count: share(PERCENT.distinct / 2) }),
                ask("proofs", { issuer: "es256", count: share(PERCENT.session) }),
                ask("strangers", { issuer: "es256", count: share(PERCENT.firstContact) })
            ]);
            const distinct = [...es256, ...eddsa];
            const good = [
                ...Array.from({ length: share(PERCENT.repeated) }, () =>
                    bearer("repeated token", repeated[randomInt(repeated.length)])
                ),
                ...distinct.map(item => bearer("new token", item)),
                ...session.map(item => dpop("DPoP, client in session", item)),
                ...strangers.map(item => dpop("DPoP, new client", item))
            ];
            const bad = Array.from({ length: count - good.length }, (_, i) =>
                refused({ ...refusable, previous, distinct, session, strangers }, i)
            );
            previous = session;
            return shuffled([...good, ...bad]);
        }
    };
}

/** As a parser of HTTP makes it: each a string of its own. */
const fresh = text => Buffer.from(text, "latin1").toString("latin1");

function bearer(kind, { token, jti }) {
    return { kind, headers: { authorization: fresh(`Bearer ${token}`) }, target: TARGET, jti };
}

function dpop(kind, { token, proof, jti }, target = TARGET) {
    return { kind, headers: { authorization: fresh(`DPoP ${token}`), dpop: fresh(proof) }, target, jti };
}

/** What is well made, and must be refused all the same. */
async function refusableOf(ask) {
    const later = Math.floor(Date.now() / 1000) + 7_200;
    const claims = [{ nbf: later }, { exp: null }, { sub: 1 }, { aud: null }, { exp: "soon" }];
    const [rs256, es256, bound, early, ...others] = await Promise.all([
        ask("bad", { issuer: "rs256", dpop: false }),
        ask("bad", { issuer: "es256", dpop: false }),
        ask("bad", { issuer: "es256", dpop: true }),
        ask("proofs", { issuer: "es256", count: 5, change: { iat: later } }),
        ...claims.map(change => ask("tokens", { issuer: "es256", count: 2, change }))
    ]);
    return { badTokens: [...rs256, ...es256, ...others.flat()], badProofs: [...bound, ...early] };
}

/** Attacks, by turns. Those that are made of a good token change something of it that differs each time. */
const ATTACKS = {
    "no credentials": () => ({}),
    "another scheme": () => ({ authorization: `Basic ${noise(24)}` }),
    "no token": () => ({ authorization: "Bearer " }),
    "random text": () => ({ authorization: `Bearer ${noise(40 + randomInt(400))}` }),
    "random parts": () => ({ authorization: `Bearer ${noise(100)}.${noise(900)}.${noise(86)}` }),
    "too long": () => ({ authorization: `Bearer ${noise(17_000)}` }),
    "two Authorization lines": ({ distinct }) => {
        const [a, b] = [one(distinct).token, one(distinct).token];
        return ["Authorization", `Bearer ${a}`, "Authorization", `Bearer ${b}`];
    },
    "unknown key": ({ distinct }) => {
        const [, payload, signature] = one(distinct).token.split(".");
        const header = encode({ alg: "ES256", typ: "at+jwt", kid: noise(1 + randomInt(60)) });
        return { authorization: `Bearer ${header}.${payload}.${signature}` };
    },
    "no signature": ({ distinct }) => {
        const [, payload] = one(distinct).token.split(".");
        return { authorization: `Bearer ${encode({ alg: "none", kid: noise(20) })}.${payload}.` };
    },
    "random signature": ({ distinct }) => {
        const [header, payload] = one(distinct).token.split(".");
        return { authorization: `Bearer ${header}.${payload}.${noise(85)}A` };
    },
    "unknown issuer": ({ distinct }) => {
        const [header, , signature] = one(distinct).token.split(".");
        return {
            authorization: `Bearer ${header}.${encode({ iss: `https://${noise(20)}.example`, sub: noise(300) })}.${signature}`
        };
    },
    "broken claims": ({ distinct }) => {
        const [header, , signature] = one(distinct).token.split(".");
        return {
            authorization: `Bearer ${header}.${Buffer.from(`{"iss":"${noise(300)}`).toString("base64url")}.${signature}`
        };
    },
    "a bad token": ({ badTokens }) => ({ authorization: fresh(`Bearer ${one(badTokens).token}`) }),
    "a bound token as Bearer": ({ session }) => ({ authorization: fresh(`Bearer ${one(session).token}`) }),
    "no proof": ({ session }) => ({ authorization: fresh(`DPoP ${one(session).token}`) }),
    "a random proof": ({ session }) => ({
        authorization: fresh(`DPoP ${one(session).token}`),
        dpop: `${noise(100)}.${noise(200)}.${noise(86)}`
    }),
    "two proofs": ({ session }) => {
        const { token, proof } = one(session);
        return { authorization: fresh(`DPoP ${token}`), dpop: [proof, proof] };
    },
    "a proof with a random signature": ({ session }) => {
        const { token, proof } = one(session);
        const [header, payload] = proof.split(".");
        return { authorization: fresh(`DPoP ${token}`), dpop: `${header}.${payload}.${noise(85)}A` };
    },
    "another client's proof": ({ session, strangers }) => ({
        authorization: fresh(`DPoP ${one(strangers).token}`),
        dpop: fresh(one(session).proof)
    }),
    "a proof again": ({ previous }) => {
        const { token, proof } = one(previous);
        return { authorization: fresh(`DPoP ${token}`), dpop: fresh(proof) };
    },
    "a bad proof": ({ badProofs }) => {
        const { token, proof } = one(badProofs);
        return { authorization: fresh(`DPoP ${token}`), dpop: fresh(proof) };
    }
};
const KINDS = [...Object.keys(ATTACKS), "a proof for another URL", "an unbound token with a proof"];

function refused(material, i) {
    const kind = KINDS[i % KINDS.length];
    if (kind === "a proof for another URL") {
        return { ...dpop(kind, one(material.session), ELSEWHERE), jti: undefined };
    }
    if (kind === "an unbound token with a proof") {
        const { proof } = one(material.session);
        return { ...dpop(kind, { token: one(material.distinct).token, proof }), jti: undefined };
    }
    return { kind, headers: ATTACKS[kind](material), target: TARGET };
}

function one(items) {
    return items[randomInt(items.length)];
}
