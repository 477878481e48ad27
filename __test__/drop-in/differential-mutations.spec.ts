// A short run of `npm run differential`: the same mutated requests to four libraries, and a reason for each disagreement.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { REASONS } from "../../scripts/differential/reasons.mjs";
import { compare, explains } from "../../scripts/differential/run.mjs";
import { root } from "../support/script.js";

test("every disagreement of 2,000 mutated requests has a reason", { timeout: 600_000 }, async () => {
    const { granted, agreed, complaints, mutations } = await compare({ count: 2_000, seed: 1 });
    expect(complaints.slice(0, 20).join("\n")).toBe("");
    // Neither do all agree because all are refused, nor because the mutations change nothing.
    expect(granted).toBeGreaterThan(300);
    expect(agreed).toBeGreaterThan(1_400);
    expect(mutations.size).toBeGreaterThan(300);
});

test("a reason is for its engines, its direction, its mutations and its words alone", () => {
    const reason = REASONS.find(({ id }) => id === "method");
    const good = {
        engine: "oidc-spa/server",
        ours: "proof_method_mismatch: DPoP proof htm claim does not match",
        theirs: undefined,
        mutations: ["proof/htm/get"]
    };
    expect(explains(reason, good)).toBe(true);
    for (const other of [
        { engine: "jose" },
        { ours: undefined, theirs: "proof_method_mismatch" },
        { ours: "proof_uri_mismatch: another" },
        { mutations: ["token/times/exp"] }
    ]) {
        expect(explains(reason, { ...good, ...other }), JSON.stringify(other)).toBe(false);
    }
});

test("every reason has an id of its own, a clause and a sentence, and stands on the page", () => {
    const page = readFileSync(join(root, "docs/differential.md"), "utf8");
    expect(new Set(REASONS.map(({ id }) => id)).size).toBe(REASONS.length);
    for (const { id, clause, why, engines } of REASONS) {
        expect(clause).toMatch(/^RFC \d+/);
        expect(why).toMatch(/\.$/);
        expect(engines.length).toBeGreaterThan(0);
        expect(page).toContain(`| ${id} | `);
        expect(page).toContain(why);
    }
    expect(page).toContain("Every other answer has a reason in this table.");
    // A reason that explains nothing is none.
    expect(page).not.toContain("| none |");
});
