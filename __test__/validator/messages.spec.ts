// What others wrote becomes a part of messages: escaped, on one line, cut; and what it costs grows with what is shown.

import { createValidator, type Granted, type Requirement, type Validator } from "oidc-spa-native";
import { allOf, allScopes, satisfies, type ScopeOptions } from "oidc-spa-native/authorization";
import { protect } from "oidc-spa-native/fetch";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { MAX_REPORT, messageOf, shown } from "../../dist/validator/shown.js";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let fixtures: Fixtures;
let validator: Validator;

beforeAll(async () => {
    fixtures = await createFixtures();
    validator = createValidator({ issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE });
});

afterAll(() => fixtures.issuer.close());

const HOSTILE = 'x\n2026-01-01 INFO {"level":1}\u001b[31m\u202e\u2028\u200b\u{e0041}\ud800\r\n  end';
const CONTROLS = /[\p{Cc}\p{Cs}\u200b-\u200f\u2028-\u202e\u{e0000}-\u{e007f}]/u;

async function granted(claims: Record<string, unknown> = {}): Promise<Granted> {
    const verdict = await validator.validateRequest({
        authorization: `Bearer ${fixtures.token(nowInSeconds(), claims)}`
    });
    if (!verdict.isSuccess) {
        throw new Error(verdict.debugErrorMessage);
    }
    return verdict;
}

describe("shown", () => {
    test("what could forge a line of a log, or turn one around, is escaped", () => {
        expect(shown(HOSTILE)).toBe(
            'x 2026-01-01 INFO {"level":1}\\u{1b}[31m\\u{202e}\\u{2028}\\u{200b}\\u{e0041}\\u{d800} end'
        );
        expect(shown('plain "text", ünïcödé 漢字 🦀')).toBe('plain "text", ünïcödé 漢字 🦀');
    });

    test("what is long is cut", () => {
        expect(shown("x".repeat(300))).toBe("x".repeat(300));
        expect(shown("x".repeat(301))).toBe(`${"x".repeat(300)}…`);
        expect(shown("🦀".repeat(1e6))).toBe(`${"🦀".repeat(300)}…`);
        expect(shown("x".repeat(1e6), MAX_REPORT)).toHaveLength(MAX_REPORT + 1);
    });

    test.each([" ", "\n", " \n", "\t", "\u2028", "\u0000", "\ud800", "x\n "])(
        "of a text of a hundred times the length no more is read: %j",
        unit => {
            // Counted, not timed: each character that is read of a text is a step of its iterator.
            const reads = (times: number) => {
                const text = unit.repeat(times);
                let read = 0;
                const slice = vi.spyOn(String.prototype, "slice").mockImplementation(function (
                    this: string,
                    a,
                    b
                ) {
                    const part = String(this).substring(a ?? 0, b);
                    read += part.length;
                    return part;
                });
                shown(text);
                slice.mockRestore();
                return read;
            };
            expect(reads(1_000_000)).toBe(reads(10_000));
        }
    );

    test("what is thrown may be anything, of any realm", () => {
        const hostile = {
            get message() {
                throw new Error("no");
            }
        };
        expect([
            messageOf(new Error("a")),
            messageOf("b"),
            messageOf({ message: "c" }),
            messageOf({ message: 1 }),
            messageOf(undefined, "nothing"),
            messageOf(hostile, "nothing"),
            messageOf(
                new Proxy(
                    {},
                    {
                        has: () => {
                            throw new Error("no");
                        }
                    }
                ),
                "nothing"
            )
        ]).toEqual(["a", "b", "c", "something that is not an Error", "nothing", "nothing", "nothing"]);
    });
});

test.each<[string, (text: string) => Requirement]>([
    [
        "what a predicate throws",
        text =>
            satisfies(() => {
                throw new Error(text);
            })
    ],
    [
        "what a predicate of several throws",
        text =>
            allOf(
                allScopes(["read"]),
                satisfies(() => {
                    throw text;
                })
            )
    ],
    [
        "what a requirement says",
        text => ({ shortfall: () => ({ code: "permission_insufficient", debugErrorMessage: text }) })
    ]
])("%s", async (_name, requirement) => {
    const grant = await granted({ scope: "read" });
    const message = (text: string) =>
        validator.authorize(grant, requirement(text)).debugErrorMessage as string;
    expect(message(HOSTILE)).not.toMatch(CONTROLS);
    expect(message(HOSTILE)).toContain('{"level":1}\\u{1b}[31m');
    expect(message("x".repeat(1e6)).length).toBeLessThan(1100);
});

test("what a schema reports, behind a sentence of ours", async () => {
    for (const [name, most] of [
        [HOSTILE, 2000],
        [" ".repeat(10_000), 1100]
    ] as const) {
        const strict = createValidator({
            issuerUri: fixtures.issuer.issuerUri,
            expectedAudience: AUDIENCE,
            claims: {
                parse: ({ name }): { sub: string } => {
                    throw new Error(`no such name: ${String(name)}.`);
                }
            }
        });
        const authorization = `Bearer ${fixtures.token(nowInSeconds(), { name: name.replace("\ud800", "") })}`;
        const { debugErrorMessage } = await strict.validateRequest({ authorization });
        expect(debugErrorMessage).toMatch(
            /^The access token's claims do not satisfy the schema in `claims`: no such name: /
        );
        expect(debugErrorMessage).not.toMatch(CONTROLS);
        expect((debugErrorMessage as string).length).toBeLessThan(most);
    }
});

describe("a callback that answers with a Promise", () => {
    const failing = async (): Promise<never> => {
        throw new Error("the database is down");
    };
    const thenable = { then: (_: unknown, reject: (error: Error) => void) => reject(new Error("down")) };

    test.each<[string, (answer: () => unknown) => Requirement]>([
        ["a predicate", answer => satisfies(answer as () => boolean)],
        ["implies", answer => allScopes(["admin"], { implies: answer as ScopeOptions["implies"] })],
        ["a requirement", answer => ({ shortfall: answer as () => null })],
        [
            "one of several",
            answer =>
                allOf(
                    satisfies(() => true),
                    satisfies(answer as () => boolean)
                )
        ]
    ])("%s: refused, and nothing else happens", async (_name, requirement) => {
        const unhandled = vi.fn();
        const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
        process.on("unhandledRejection", unhandled);
        const grant = await granted({ scope: "read" });
        for (const answer of [failing, async () => true, async () => null, () => thenable]) {
            expect(validator.authorize(grant, requirement(answer)).status).toBe(403);
        }
        await new Promise(setImmediate);
        await new Promise(setImmediate);
        process.off("unhandledRejection", unhandled);
        expect(unhandled).not.toHaveBeenCalled();
        for (const [, options] of warn.mock.calls) {
            expect(options).toMatchObject({ code: "OIDC_SPA_NATIVE_ASYNC_CALLBACK" });
        }
        warn.mockRestore();
        // The same, synchronous.
        const passing = _name === "a requirement" ? () => null : () => true;
        expect(validator.authorize(grant, requirement(passing)).isSuccess).toBe(true);
    });

    test("target and clock: an error of the program", async () => {
        const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
        const request = new Request("https://api.example.com/v1/items", {
            headers: { authorization: `Bearer ${fixtures.token(nowInSeconds())}` }
        });
        for (const target of [failing, () => undefined, () => null, () => "https://api.example.com"]) {
            const guarded = protect(validator, { target: target as never }, () => new Response());
            await expect(guarded(request)).rejects.toThrow(/the rule "target" must return \{ method, url \}/);
        }
        const timeless = createValidator({
            issuerUri: fixtures.issuer.issuerUri,
            expectedAudience: AUDIENCE,
            clock: failing as never
        });
        await expect(timeless.validateRequest({})).rejects.toThrow(/clock returned a Promise/);
        await new Promise(setImmediate);
        warn.mockRestore();
        const target = () => ({ method: "GET", url: "https://api.example.com/v1/items" });
        expect((await protect(validator, { target }, () => new Response())(request)).status).toBe(200);
    });
});

test("the warning about Promises comes once, and names the callback", async () => {
    vi.resetModules();
    const { isPromise } = await import("../../dist/validator/synchronous.js");
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    expect([1, 2].map(() => isPromise(Promise.reject(new Error("no")), "A callback of this test"))).toEqual([
        true,
        true
    ]);
    expect([null, 1, "then", {}, { then: 1 }, () => undefined].map(value => isPromise(value, "x"))).toEqual(
        Array(6).fill(false)
    );
    expect(warn.mock.calls).toEqual([
        [
            expect.stringMatching(/^A callback of this test returned a Promise/),
            expect.objectContaining({ code: "OIDC_SPA_NATIVE_ASYNC_CALLBACK" })
        ]
    ]);
    warn.mockRestore();
});
