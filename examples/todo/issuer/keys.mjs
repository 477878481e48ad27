// The issuer's signing keys, kept in a file: tokens of yesterday's run are good today.

import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/**
 * @param {string} file
 * @returns the private keys (JWK), the newest first, and `rotate()`, which adds one and keeps the one before, since tokens of
 *   it are still in use
 */
export function openKeys(file) {
    const kept = existsSync(file)
        ? JSON.parse(readFileSync(file, "utf8"))
        : { keys: [newKey()], cookieKey: randomBytes(32).toString("base64url") };
    const save = () => writeFileSync(file, JSON.stringify(kept), { mode: 0o600 });
    save();
    return {
        cookieKey: kept.cookieKey,
        current: () => kept.keys,
        rotate() {
            kept.keys = [newKey(), kept.keys[0]];
            save();
        }
    };
}

function newKey() {
    const { privateKey } = generateKeyPairSync("ec", {
        namedCurve: "P-256",
        // As JWK from the start: in Node.js 20, `export({ format: "jwk" })` of a key just made may end in a deadlock.
        publicKeyEncoding: { format: "jwk" },
        privateKeyEncoding: { format: "jwk" }
    });
    return { ...privateKey, kid: randomUUID().slice(0, 8), use: "sig", alg: "ES256" };
}
