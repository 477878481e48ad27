// The keys of the vectors, which `vectors/keys.json` holds for the files, and the key sets that are made of them.

import { readFileSync } from "node:fs";
import { b64u, sha256 } from "./signing.mjs";
import { WORLD } from "./world.mjs";

const file = new URL("../../vectors/keys.json", import.meta.url);

const keys = { ...JSON.parse(readFileSync(file, "utf8")).keys, ...WORLD.keys };

/** A private key, by its name. */
export function privateJwk(name) {
    const jwk = keys[name];
    if (jwk === undefined) {
        throw new Error(`no key is named ${name}`);
    }
    return jwk;
}

const PUBLIC = ["kty", "crv", "n", "e", "x", "y"];

/** Its public members, and further ones. */
export function publicJwk(name, more = {}) {
    const jwk = privateJwk(name);
    const members = PUBLIC.filter(member => jwk[member] !== undefined).map(member => [member, jwk[member]]);
    return { ...Object.fromEntries(members), ...more };
}

const THUMBPRINT = { EC: ["crv", "kty", "x", "y"], RSA: ["e", "kty", "n"], OKP: ["crv", "kty", "x"] };

/** RFC 7638. */
export function thumbprintOf(jwk) {
    const members = THUMBPRINT[jwk.kty].map(member => [member, jwk[member]]);
    return b64u(sha256(JSON.stringify(Object.fromEntries(members))));
}

export const thumbprint = name => thumbprintOf(publicJwk(name));

const key = (name, more) => publicJwk(name, { kid: name, ...more });

/** The issuer's key set. Each key says its algorithm, `rsa-2` aside, which is for all of RSA's. */
export const DEFAULT_KEYS = [
    key("rsa-1", { use: "sig", alg: "RS256" }),
    key("rsa-2"),
    key("ps-1", { alg: "PS256" }),
    key("es-1", { use: "sig", alg: "ES256" }),
    key("es-3", { alg: "ES384" }),
    key("es-5", { alg: "ES512" }),
    key("ed-1")
];

/** The key sets that vectors name. */
export const KEY_SETS = {
    default: { keys: DEFAULT_KEYS },
    // Of another issuer, with a `kid` that the first one has too.
    partner: { keys: [publicJwk("partner-1", { kid: "rsa-1", alg: "RS256" })] },
    before: { keys: [key("rsa-1", { alg: "RS256" })] },
    after: { keys: [key("rsa-2", { alg: "RS256" })] }
};
