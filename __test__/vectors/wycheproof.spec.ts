// Wycheproof's vectors of JOSE through the engine that the package loads. Their payloads are no claims, so none is
// granted: what counts is whether `explain` says that a key of the set made the signature.
//
// The files are read from the folder that WYCHEPROOF_DIR names, or from `shared/vectors/wycheproof` beside the repository.
// OIDC_SPA_NATIVE_ENGINE chooses the engine, where there are several.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createValidator, type Validator } from "oidc-spa-native";
import { expect, test } from "vitest";
import { root } from "../support/script.js";

const folder = process.env["WYCHEPROOF_DIR"] ?? join(root, "../shared/vectors/wycheproof");
const isHere = existsSync(folder);
const files = (names: readonly string[]): string =>
    `${names.length} files${isHere ? "" : " (skipped: set WYCHEPROOF_DIR to the folder of Wycheproof's files)"}`;

interface Departure {
    readonly file: string;
    readonly marked: Mark;
    readonly tcIds: readonly number[];
    readonly reason: string;
}

type Mark = "valid" | "invalid" | "acceptable";

interface Group {
    readonly public?: object;
    readonly private?: object;
    readonly tests: readonly { tcId: number; result: Mark; jws?: unknown; jwe?: unknown }[];
}

/** Where a verdict is another one than Wycheproof's mark, and the files that no token can carry. Rust reads it too. */
const table = JSON.parse(readFileSync(join(root, "tests/it/wycheproof/departures.json"), "utf8")) as {
    readonly departures: readonly Departure[];
    readonly onlyInRust: { readonly reason: string; readonly files: readonly string[] };
};

const FILES = {
    "json_web_signature_test.json": 401,
    "json_web_key_test.json": 26,
    "json_web_crypto_test.json": 83,
    "json_web_encryption_test.json": 139
};

/** A validator with the key set of a group; `undefined` if the set has no key that verifies signatures. */
function validatorOf({ public: published, private: secret }: Group): Validator | undefined {
    const keys = (published ?? secret) as { readonly keys?: readonly object[] };
    try {
        return createValidator({
            issuerUri: "https://as.example",
            expectedAudience: "https://api.example",
            keys: { jwks: { keys: keys.keys ?? [keys] } }
        });
    } catch (error) {
        expect(String(error)).toContain("has no key that can");
        return undefined;
    }
}

async function isVerified(validator: Validator, token: unknown): Promise<boolean> {
    const text = typeof token === "string" ? token : JSON.stringify(token);
    const request = { authorization: `Bearer ${text}` };
    expect((await validator.validateRequest(request)).isSuccess).toBe(false);
    const { checks } = await validator.explain(request);
    return checks.find(({ id }) => id === "token.signature")?.outcome === "passed";
}

const names = Object.keys(FILES) as (keyof typeof FILES)[];

test.skipIf(!isHere)(
    `D1: every vector is as it is marked, or as the table says: ${files(names)}`,
    async () => {
        const complaints: string[] = [];
        for (const name of names) {
            const { testGroups } = JSON.parse(readFileSync(join(folder, name), "utf8")) as {
                readonly testGroups: readonly Group[];
            };
            const departures = table.departures.filter(({ file }) => file === name);
            let count = 0;
            for (const group of testGroups) {
                const validator = validatorOf(group);
                for (const { tcId, result, jws, jwe } of group.tests) {
                    count += 1;
                    const verified = validator !== undefined && (await isVerified(validator, jws ?? jwe));
                    const listed = departures.filter(({ tcIds }) => tcIds.includes(tcId));
                    const expected = (result === "valid") !== listed.length > 0;
                    if (
                        verified !== expected ||
                        listed.length > 1 ||
                        listed.some(one => one.marked !== result)
                    ) {
                        const verdict = verified ? "verified" : "refused";
                        const lists = listed.map(({ reason }) => reason).join(" | ") || "not listed";
                        complaints.push(`${name}, tcId ${tcId}: marked ${result}, ${verdict}; ${lists}`);
                    }
                }
            }
            expect(count, name).toBe(FILES[name]);
        }
        expect(complaints.join("\n")).toBe("");
    }
);

test.skipIf(!isHere)("each file of Wycheproof is run here, or in Rust alone for a reason", () => {
    const there = readdirSync(folder).filter(name => name.endsWith("_test.json"));
    expect(there.sort()).toEqual([...names, ...table.onlyInRust.files].sort());
    expect(table.onlyInRust.reason).not.toBe("");
    for (const { file, tcIds, reason } of table.departures) {
        expect(names).toContain(file);
        expect(tcIds.length).toBeGreaterThan(0);
        expect(reason).toMatch(/\.$/);
    }
});
