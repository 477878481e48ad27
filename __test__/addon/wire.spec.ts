// Both sides of the native door know the same order of arguments and members, and the same numbers.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import type * as native from "../../ts/boundary/interface.js";

const { wireTable, NativeInbox, NativeValidator } = createRequire(import.meta.url)(
    "../../binding/binding.js"
) as native.Addon & { wireTable: () => string };
const table = JSON.parse(wireTable()) as {
    orders: Record<string, string[]>;
    numbers: Record<string, number>;
};
const source = ["boundary/interface", "addon/verdict-text"]
    .map(name => readFileSync(new URL(`../../ts/${name}.ts`, import.meta.url), "utf8"))
    .join("");

/** The labels of a tuple type, as Rust writes names. */
function labelsOf(type: string): string[] {
    const [, tuple = ""] = new RegExp(`type ${type} = readonly \\[([^\\]]*)\\]`).exec(source) ?? [];
    const labels = [...tuple.matchAll(/(\w+)\??:/g)].map(([, label]) => label as string);
    return labels.map(label => label.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`));
}

describe("the wire", () => {
    test.each(Object.keys(table.orders))("%s has the order of the addon", type => {
        expect(labelsOf(type).length).toBeGreaterThan(2);
        expect(labelsOf(type)).toEqual(table.orders[type]);
    });

    test.each(Object.keys(table.numbers))("%s is the number of the addon", name => {
        const [, text = ""] = new RegExp(`const ${name} = ([\\d* ]+);`).exec(source) ?? [];
        const [base, power = "1"] = text.split("**");
        expect(Number(base) ** Number(power)).toBe(table.numbers[name]);
    });

    test("another order is found", () => {
        expect(labelsOf("GrantTuple")).not.toEqual([...(table.orders.GrantTuple ?? [])].reverse());
    });
});

test("the scopes of a route go in with the question, and stand in the first answer as in a second one", () => {
    const options = {
        issuerUri: "https://as.example",
        expectedAudience: "a",
        keys: {
            jwks: { keys: [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] }
        }
    };
    const validator = new NativeValidator(JSON.stringify(options), {});
    const { authorizeRequest } = validator.doors(new NativeInbox(() => undefined));
    for (const [authorization, code] of [
        [null, "credentials_missing"],
        ["Basic x", "scheme_unsupported"]
    ] as const) {
        const [, headers, said, , , message] = JSON.parse(
            authorizeRequest(1e12, 0, "read write", 0, 0, authorization) as string
        ) as string[];
        const second = JSON.parse(
            validator.refuse(1e12, 0, code, null, message as string, ["read", "write"], [], null)
        ) as string[];
        expect([said, headers]).toEqual([code, second[1]]);
        expect(JSON.stringify(headers)).toContain('scope=\\"read write\\"');
        expect(authorizeRequest(1e12, 0, null, 0, 0, authorization)).not.toContain("scope=");
    }
});

describe("the settings", () => {
    const settingsOf = (options: object, internals: native.Internals = {}) =>
        JSON.parse(
            new NativeValidator(
                JSON.stringify({
                    issuerUri: "https://as.example",
                    expectedAudience: [
                        "https://API.example/v1",
                        "https://api.example/v2",
                        "name",
                        "https://"
                    ],
                    ...options
                }),
                internals
            ).settings()
        ) as native.Settings;

    test("the addon tells every member, and no other", () => {
        const [, body = ""] = /interface Settings \{([^}]*)\}/.exec(source) ?? [];
        const members = [...body.matchAll(/readonly (\w+)\??:/g)].map(([, name]) => name);
        expect(Object.keys(settingsOf({})).toSorted()).toEqual(members.toSorted());
    });

    test("what JavaScript does with an option is told with the default that the addon has for it", () => {
        expect(settingsOf({})).toMatchObject({
            leewaySeconds: 0,
            maxTokenAgeSeconds: null,
            ownHosts: ["api.example"],
            hasReplayStore: false
        });
        const told = { leewaySeconds: 7, maxTokenAgeSeconds: 60 };
        expect(settingsOf(told)).toMatchObject(told);
        expect(settingsOf({ resource: "https://mcp.example" }).ownHosts).toEqual([
            "api.example",
            "mcp.example"
        ]);
        expect(settingsOf({ trustProxy: true }).ownHosts).toEqual([]);
        expect(settingsOf({ publicBaseUrl: "https://api.example" }).ownHosts).toEqual([]);
        expect(settingsOf({ replayStore: {} }, { applicationStore: true }).hasReplayStore).toBe(true);
    });
});
