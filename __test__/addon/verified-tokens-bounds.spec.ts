// The class that remembers bearer grants, by itself: what it keeps, and what it forgets.

import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";

describe("VerifiedTokens", () => {
    type Grant = {
        claims: string;
        from: number;
        until: number;
        epoch: number;
        issuer: number;
        headers: Record<string, string> | null;
        number: number;
    };
    interface Memory {
        get(credentials: string, mode: "required" | null, now: number): Grant | undefined;
        knownClaims(
            credentials: string,
            mode: "required" | null
        ): { number: number; claims: unknown } | undefined;
        set(credentials: string, mode: "required" | null, grant: Grant): void;
    }
    const { VerifiedTokens } = createRequire(import.meta.url)("../../dist/addon/verified-tokens.js") as {
        VerifiedTokens: new (native: { keysEpoch(issuer: number): number }, maxBytes: number) => Memory;
    };
    const grant = (claims: string, changes: Partial<Grant> = {}): Grant => ({
        claims,
        from: 0,
        until: 100,
        epoch: 7,
        issuer: 0,
        headers: null,
        number: 0,
        ...changes
    });
    const tail = "s".repeat(43);

    test("Q01: the whole credentials decide, and the last to come under one key stands", () => {
        const memory = new VerifiedTokens({ keysEpoch: () => 7 }, 10_000);
        memory.set(`a.${tail}`, null, grant("a"));
        expect(memory.get(`b.${tail}`, null, 1)).toBeUndefined();
        expect(memory.get(tail, null, 1)).toBeUndefined();
        expect(memory.get(`a.${tail}`, null, 1)?.claims).toBe("a");
        memory.set(`b.${tail}`, null, grant("b"));
        expect([memory.get(`a.${tail}`, null, 1), memory.get(`b.${tail}`, null, 1)?.claims]).toEqual([
            undefined,
            "b"
        ]);
        // What was replaced is not counted any more: all of these fit.
        for (let i = 0; i < 1_000; i++) {
            memory.set(`b.${tail}`, null, grant(String(i)));
            memory.set("c", null, grant("c"));
        }
        expect([memory.get(`b.${tail}`, null, 1)?.claims, memory.get("c", null, 1)?.claims]).toEqual([
            "999",
            "c"
        ]);
        // Another route's rules are another question, with another answer.
        expect(memory.get("c", "required", 1)).toBeUndefined();
        memory.set("c", "required", grant("required"));
        expect([memory.get("c", null, 1)?.claims, memory.get("c", "required", 1)?.claims]).toEqual([
            "c",
            "required"
        ]);
    });

    test("Q01: credentials that have one fingerprint never get each other's grant", () => {
        const memory = new VerifiedTokens({ keysEpoch: () => 7 }, 100_000);
        // "Aa" and "BB" are the same to a fingerprint that counts in powers of 31.
        const alike = ["AaAa", "AaBB", "BBAa", "BBBB"];
        for (const one of alike) {
            memory.set(one, null, grant(one));
            expect(
                alike.map(other => memory.get(other, null, 1)?.claims),
                one
            ).toEqual(alike.map(other => (other === one ? one : undefined)));
        }
    });

    test("Q05: what was told of a bound token is no grant, and a grant is nothing that was told", () => {
        const memory = new VerifiedTokens({ keysEpoch: () => 7 }, 10_000);
        const bound = (claims: string, number: number) => grant(claims, { from: 0, until: 0, number });
        memory.set("x", null, bound("x", 5));
        expect([
            memory.get("x", null, 0),
            memory.knownClaims("x", null),
            memory.knownClaims("x", "required"),
            memory.knownClaims("y", null)
        ]).toEqual([undefined, { number: 5, claims: "x" }, undefined, undefined]);
        memory.set("x", null, { ...bound("later", 6), headers: { "DPoP-Nonce": "for this client only" } });
        expect(memory.knownClaims("x", null)).toEqual({ number: 6, claims: "later" });
        memory.set("y", null, grant("y"));
        expect(memory.knownClaims("y", null)).toBeUndefined();
        expect(memory.get("y", null, 1)?.claims).toBe("y");
    });

    test("Q03: other keys, or none, end it for good", () => {
        let epoch = 7;
        const memory = new VerifiedTokens({ keysEpoch: () => epoch }, 10_000);
        for (const other of [8, -1, 0, 6]) {
            memory.set("x", null, grant("x"));
            expect(memory.get("x", null, 1)?.claims).toBe("x");
            epoch = other;
            expect(memory.get("x", null, 1)).toBeUndefined();
            epoch = 7;
            expect(memory.get("x", null, 1)).toBeUndefined();
        }
    });

    test("what has no time, or a nonce for one client, is not kept", () => {
        const memory = new VerifiedTokens({ keysEpoch: () => 7 }, 10_000);
        for (const changes of [
            { until: 0 },
            { from: 100 },
            { from: NaN },
            { headers: { "DPoP-Nonce": "n" } }
        ]) {
            memory.set("x", null, grant("x", changes));
            expect(memory.get("x", null, 50), JSON.stringify(changes)).toBeUndefined();
        }
    });

    test("one that is too large pushes nobody out", () => {
        const memory = new VerifiedTokens({ keysEpoch: () => 7 }, 10_000);
        const large = "large".padStart(1_200, "x");
        memory.set("small", null, grant("x"));
        memory.set(large, null, grant("y"));
        expect([memory.get(large, null, 1), memory.get("small", null, 1)?.claims]).toEqual([undefined, "x"]);
    });

    const kept = (memory: Memory, names: readonly string[]) =>
        names.filter(name => memory.get(name, null, 1) !== undefined);
    const large = grant("x");
    /** Credentials that take 5000 bytes of the 100,000 below: ten fill one half of the memory. */
    const names = (count: number, prefix = "n") =>
        Array.from({ length: count }, (_, i) =>
            `${prefix}${String(i).padStart(3, "0")}`.padStart(1_150, "x")
        );

    test("once half of it is full, a token is kept when it comes the second time", () => {
        const memory = new VerifiedTokens({ keysEpoch: () => 7 }, 100_000);
        const first = names(11, "first");
        first.forEach(name => memory.set(name, null, large));
        expect(kept(memory, first)).toEqual(first);
        const later = names(5, "later");
        later.forEach(name => memory.set(name, null, large));
        expect(kept(memory, later)).toEqual([]);
        later.forEach(name => memory.set(name, null, large));
        expect(kept(memory, later)).toEqual(later);
    });

    test("what nobody asked for lately is forgotten, and the rest stays, within the bound", () => {
        const memory = new VerifiedTokens({ keysEpoch: () => 7 }, 100_000);
        const all = names(200);
        for (const name of all) {
            memory.set(name, null, large);
            memory.set(name, null, large);
            expect(memory.get(all[0] as string, null, 1), `the first, after ${name}`).toBeDefined();
        }
        const left = kept(memory, all);
        expect(left).toContain(all[199]);
        expect(left).not.toContain(all[1]);
        expect(left.length).toBeLessThanOrEqual(20);
    });
});
