// The copy of claims that each request gets of a token that is remembered.

import { createRequire } from "node:module";
import { expect, test } from "vitest";

const { copyOf } = createRequire(import.meta.url)("../../dist/addon/claims.js") as {
    copyOf: <T>(value: T) => T;
};

const TEXTS = [
    '{"sub":"a","aud":["x","y"],"realm_access":{"roles":["r1","r2"]},"n":1.5,"b":true,"z":null}',
    '{"10":1,"2":{"b":[],"a":{}},"":[[[{}]],"x"]}',
    '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"x":[1]}},"toString":"x","then":{"a":1}}',
    "{}",
    `{"deep":${"[".repeat(62)}{}${"]".repeat(62)}}`
];

test("a copy is what parsing the text again would give", () => {
    for (const text of TEXTS) {
        const claims = JSON.parse(text) as object;
        const copy = copyOf(claims);
        expect(JSON.stringify(copy), text).toBe(JSON.stringify(claims));
        expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
        expect((copy as { isAdmin?: unknown }).isAdmin).toBeUndefined();
    }
    expect(Object.getOwnPropertyNames(copyOf(JSON.parse(TEXTS[2] as string)))[0]).toBe("__proto__");
});

test("Q22: no change of a copy reaches the original, at any depth", () => {
    const shared = (one: unknown, other: unknown): boolean =>
        typeof one === "object" &&
        one !== null &&
        (one === other ||
            Object.entries(one).some(([name, member]) =>
                shared(member, Object.getOwnPropertyDescriptor(other, name)?.value)
            ));
    for (const text of TEXTS) {
        const claims = JSON.parse(text) as object;
        expect(shared(claims, claims)).toBe(true);
        expect(shared(claims, copyOf(claims)), text).toBe(false);
    }
});
