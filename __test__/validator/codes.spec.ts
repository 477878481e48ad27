// The union of codes, the table of the addon and docs/errors.md say the same.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import type { ErrorCause, ErrorCode } from "oidc-spa-native";

const { errorTable } = createRequire(import.meta.url)("../../binding/binding.js") as {
    errorTable: () => Row[];
};

const CODES = {
    credentials_missing: true,
    scheme_unsupported: true,
    credentials_malformed: true,
    credentials_repeated: true,
    token_malformed: true,
    token_type_unexpected: true,
    algorithm_not_allowed: true,
    key_unknown: true,
    signature_invalid: true,
    token_expired: true,
    token_not_yet_valid: true,
    claim_missing: true,
    claim_malformed: true,
    issuer_mismatch: true,
    audience_mismatch: true,
    client_mismatch: true,
    token_bound: true,
    certificate_mismatch: true,
    token_unbound: true,
    proof_missing: true,
    proof_repeated: true,
    proof_malformed: true,
    proof_algorithm_not_allowed: true,
    proof_signature_invalid: true,
    proof_key_mismatch: true,
    proof_method_mismatch: true,
    proof_uri_mismatch: true,
    proof_token_mismatch: true,
    proof_stale: true,
    proof_not_yet_valid: true,
    proof_replayed: true,
    proof_nonce_required: true,
    claims_rejected: true,
    scope_insufficient: true,
    role_insufficient: true,
    permission_insufficient: true,
    authentication_insufficient: true,
    keys_unavailable: true,
    replay_memory_unavailable: true
} satisfies Record<ErrorCode, true>;

const CAUSES = {
    "validation error": true,
    "validation error - access token expired": true,
    "validation error - invalid signature": true
} satisfies Record<ErrorCause, true>;

interface Row {
    code: string;
    status: number;
    error?: string;
    errorCause: string;
    description: string;
}

const rows = errorTable();

test("the union of codes has a row each, and no row is without a code", () => {
    expect(rows.map(({ code }) => code).sort()).toEqual(Object.keys(CODES).sort());
});

test("O15: every row's cause is one of the three that oidc-spa/server names", () => {
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
        expect(CAUSES, row.code).toHaveProperty([row.errorCause]);
    }
});

test("B3.7: a description holds only what a challenge may carry", () => {
    for (const { code, description } of rows) {
        expect(description, code).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
    }
});

test("docs/errors.md has the same codes, statuses and errors", () => {
    const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
    const documented = [...page.matchAll(/^\| `(\w+)` \| (\d+) \| (?:`(\w+)`|–) \|/gm)].map(
        ([, code, status, error]) => ({
            code,
            status: Number(status),
            error
        })
    );
    expect(documented).toEqual(rows.map(({ code, status, error }) => ({ code, status, error })));
});
