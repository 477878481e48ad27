// What vectors are made of: tokens and proofs as text, so that duplicates and odd numbers survive, and requests.

import { privateJwk, publicJwk, thumbprint } from "./keys.mjs";
import { b64u, sha256, signatureOf } from "./signing.mjs";
import { ofServer, WORLD } from "./world.mjs";

export const NOW = WORLD.now;
export const ISSUER = WORLD.issuer;
export const AUDIENCE = WORLD.audience;
export const HTU = WORLD.url;
export const TYP = WORLD.typ;

/** JSON as it is to be written. */
export class Json {
    constructor(text) {
        this.text = text;
    }
}

export const json = text => new Json(text);

const valueText = value => (value instanceof Json ? value.text : JSON.stringify(value));

/** The text of an object. A member that is `undefined` is left out; `also` stand behind the others, in raw JSON. */
export function objectText(members, also = []) {
    const entries = Object.entries(members).filter(([, value]) => value !== undefined);
    const texts = entries.map(([name, value]) => `${JSON.stringify(name)}:${valueText(value)}`);
    return `{${[...texts, ...also.map(([name, value]) => `"${name}":${value}`)].join(",")}}`;
}

/** The `ath` of a token. */
export const ath = token => b64u(sha256(token));

/** Claims of an ID token, a refresh token and so on have the same beginning. */
export const CLAIMS = {
    iss: ISSUER,
    sub: "user-1",
    aud: AUDIENCE,
    client_id: "client-1",
    jti: "token-1",
    scope: "read",
    iat: NOW - 10,
    exp: NOW + 600,
    ...WORLD.claims
};

/**
 * A compact JWS. `by` is a key and an algorithm: the header says so, unless `header` says something else. `parts` may
 * change both encoded parts before they are signed, `sign` the signature's bytes, `after` the whole text.
 */
function compact({ header, payload, by: [key, alg], parts, sign, after }) {
    let encoded = [b64u(header), b64u(payload)];
    encoded = parts?.(...encoded) ?? encoded;
    const input = encoded.join(".");
    const make = (text = input, name = key, algorithm = alg) =>
        signatureOf(Buffer.from(text), privateJwk(name), algorithm);
    const signature = sign?.(make, input) ?? make();
    const text = `${input}.${typeof signature === "string" ? signature : b64u(signature)}`;
    return after?.(text) ?? text;
}

/** What one vector is made with: whatever it makes is its own. */
export class Maker {
    #made = 0;

    constructor(id) {
        this.id = id;
    }

    /** An access token that is good but for what is said. */
    token({ by = ["rsa-1", "RS256"], header, claims, alsoHeader, alsoClaims, ...rest } = {}) {
        const all = { alg: by[1], typ: TYP, kid: by[0], ...header };
        return compact({
            by,
            header: rest.rawHeader ?? objectText(all, alsoHeader),
            payload: rest.rawPayload ?? objectText({ ...CLAIMS, ...claims }, alsoClaims),
            ...rest
        });
    }

    /** The same, bound to a client's key. */
    bound(changes = {}, client = "client") {
        return this.token({ ...changes, claims: { cnf: { jkt: thumbprint(client) }, ...changes.claims } });
    }

    /** A proof for this token, good but for what is said. */
    proof(token, { by = ["client", "ES256"], header, claims, alsoHeader, alsoClaims, ...rest } = {}) {
        this.#made += 1;
        const all = { typ: "dpop+jwt", alg: by[1], jwk: publicJwk(by[0]), ...header };
        const { run, method, nonce } = WORLD;
        const jti = `${run}${this.id}/${this.#made}`;
        const own = { jti, htm: method, htu: HTU, iat: NOW, ath: ath(token), nonce };
        const changed = { ...own, ...claims };
        return compact({
            by,
            header: rest.rawHeader ?? objectText(all, alsoHeader),
            payload: rest.rawPayload ?? objectText({ ...changed, htu: ofServer(changed.htu) }, alsoClaims),
            ...rest
        });
    }

    /** A request with these header fields, `Host` aside. */
    request(fields, { host = "api.example", ...changes } = {}) {
        const hosts = (host === null ? [] : [host].flat()).map(value => ["Host", value]);
        return {
            method: WORLD.method,
            target: `${new URL(HTU).pathname}${WORLD.query}`,
            scheme: new URL(HTU).protocol.slice(0, -1),
            fields: [...hosts, ...fields],
            ...changes
        };
    }

    bearer(token = this.token(), changes = {}) {
        return this.request([["Authorization", `Bearer ${token}`]], changes);
    }

    dpop(token = this.bound(), proof = this.proof(token), changes = {}) {
        const proofs = [proof].flat().map(value => ["DPoP", value]);
        return this.request([["Authorization", `DPoP ${token}`], ...proofs], changes);
    }

    /** A bound token, with a proof that is good but for what is said. */
    proven(changes = {}, request = {}) {
        const token = this.bound();
        return this.dpop(token, this.proof(token, changes), request);
    }
}
