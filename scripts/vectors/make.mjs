// All vectors, as text by path: what `vectors/` must hold.

import { createHash } from "node:crypto";
import * as claims from "./claims.mjs";
import { Collector } from "./collecting.mjs";
import * as credentials from "./credentials.mjs";
import * as headers from "./headers.mjs";
import { KEY_SETS } from "./keys.mjs";
import { keySets } from "./key-sets.mjs";
import { certificates, permissions } from "./permissions.mjs";
import { proofs } from "./proofs.mjs";
import * as examples from "./rfc-examples.mjs";
import { signatures } from "./signatures.mjs";
import * as sequences from "./sequences.mjs";
import { targets } from "./targets.mjs";
import * as tokens from "./tokens.mjs";

const digest = bytes => createHash("sha256").update(bytes).digest("base64url");

const ALL = [
    credentials.good,
    ...[tokens.algorithms, tokens.compactForm, headers.headers, headers.types],
    ...[claims.payloads, claims.times, claims.claims, signatures],
    keySets,
    ...[credentials.credentials, credentials.presentation, permissions],
    collector => certificates(collector, digest),
    ...[proofs, targets],
    ...[sequences.replays, sequences.memories, sequences.rotation, sequences.nonces, sequences.regressions],
    ...[examples.rfc7515, examples.rfc7797, examples.rfc7520, examples.thumbprints, examples.rfc9449],
    ...[examples.challenges, examples.others]
];

const text = value => `${JSON.stringify(value, null, 2)}\n`;

/** @returns {Map<string, string>} path in `vectors/` → the file's text */
export function makeVectors() {
    const collector = new Collector();
    for (const add of ALL) {
        add(collector);
    }
    const files = [...collector.files].map(([path, vectors]) => {
        const $schema = "../schema.json";
        return [path, text({ $schema, vectors })];
    });
    return new Map([["key-sets.json", text(KEY_SETS)], ...files]);
}
