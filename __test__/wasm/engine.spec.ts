// The WebAssembly engine: what it says of itself, and what becomes of it when it fails.

import { createValidator, type Validator } from "oidc-spa-native";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds, type Fixtures } from "../support/fixtures.js";

/** The memories of the engines that were made; the last one is in use. */
const memories = vi.hoisted(() => {
    const seen: WebAssembly.Memory[] = [];
    const { Instance } = WebAssembly;
    WebAssembly.Instance = class extends Instance {
        constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
            super(module, imports);
            seen.push(this.exports.memory as WebAssembly.Memory);
        }
    };
    return seen;
});

/** All that the engine in use has in its memory becomes nonsense. */
function spoil(): void {
    new Uint8Array((memories.at(-1) as WebAssembly.Memory).buffer).fill(0xff);
}

let fixtures: Fixtures;
beforeAll(async () => {
    fixtures = await createFixtures();
});
afterAll(() => fixtures.issuer.close());

const now = nowInSeconds();
let clock = 0;
const newValidator = (options: object = {}): Validator =>
    createValidator({
        issuerUri: fixtures.issuer.issuerUri,
        expectedAudience: AUDIENCE,
        clock: () => clock,
        ...options
    } as Parameters<typeof createValidator>[0]) as unknown as Validator;

const bearer = () => ({
    method: "GET",
    url: ITEMS,
    headers: { authorization: `Bearer ${fixtures.token(now)}` }
});
const bound = (at: number) => {
    const token = fixtures.boundToken(now);
    return {
        method: "GET",
        url: ITEMS,
        headers: { authorization: `DPoP ${token}`, dpop: fixtures.proof(at, token) }
    };
};
const codeOf = async (validator: Validator, request: object): Promise<string> => {
    const verdict = await validator.validateRequest(request as Parameters<Validator["validateRequest"]>[0]);
    return verdict.isSuccess ? "granted" : verdict.code;
};

beforeEach(() => {
    clock = now * 1000;
});

test("health names it", async () => {
    expect(newValidator().health().engine).toBe("wasm");
});

test("its memory of proofs is smaller than the addon's, unless the options say how large", () => {
    expect(newValidator().health().replayMemory.capacity).toBe(100_000);
    const limits = { replayMemoryEntries: 200_000 };
    expect(newValidator({ limits }).health().replayMemory.capacity).toBe(200_000);
});

test("verdicts, and a replayed proof", async () => {
    const validator = newValidator();
    expect(await codeOf(validator, bearer())).toBe("granted");
    const request = bound(now);
    expect(await codeOf(validator, request)).toBe("granted");
    expect(await codeOf(validator, request)).toBe("proof_replayed");
    expect(await codeOf(validator, { method: "GET", url: ITEMS, headers: {} })).toBe("credentials_missing");
});

test("requests that wait for keys get their answer although the thread was busy after their time", async () => {
    fixtures.issuer.isSilent = true;
    try {
        const validator = newValidator({ network: { timeoutMs: 100 } });
        const ask = () => codeOf(validator, bearer());
        // More than those among which lost requests are looked for.
        const waiting = Array.from({ length: 100 }, ask);
        for (const begun = performance.now(); performance.now() - begun < 3500; ) {
            // No timer and no answer comes.
        }
        waiting.push(...Array.from({ length: 100 }, ask));
        expect(new Set(await Promise.all(waiting))).toEqual(new Set(["keys_unavailable"]));
    } finally {
        fixtures.issuer.isSilent = false;
    }
});

describe("a text that is long", () => {
    const warnings: (Error & { code?: string })[] = [];
    const hear = (warning: Error): void => void warnings.push(warning);
    beforeEach(() => {
        warnings.length = 0;
        process.on("warning", hear);
    });
    afterEach(() => {
        process.off("warning", hear);
    });
    const MIB = 1 << 20;
    const long = (mebibytes: number) => ({
        method: "GET",
        url: ITEMS,
        headers: { authorization: `Bearer ${"a".repeat(mebibytes * MIB)}` }
    });

    test("beyond the limit: an exception, and the engine has not failed", async () => {
        const validator = newValidator();
        const request = bound(now);
        expect(await codeOf(validator, request)).toBe("granted");
        const [engines, bytes] = [memories.length, memories.at(-1)?.buffer.byteLength];
        await expect(codeOf(validator, long(17))).rejects.toThrow(
            /^oidc-spa-native: the WebAssembly engine takes texts of 16777216 characters in all, and got \d+\.$/
        );
        // Longer than any text of JavaScript, if they were joined.
        const { headers, ...target } = long(300);
        const two = { ...target, headers: { ...headers, dpop: "b".repeat(300 * MIB) } };
        await expect(codeOf(validator, two)).rejects.toThrow("the WebAssembly engine takes texts");
        expect([memories.length, memories.at(-1)?.buffer.byteLength]).toEqual([engines, bytes]);
        // The memory of proofs is the same.
        expect(await codeOf(validator, request)).toBe("proof_replayed");
        await new Promise(resolve => setImmediate(resolve));
        expect(warnings.map(({ code }) => code)).not.toContain("OIDC_SPA_NATIVE_ENGINE_FAILED");
    });

    test("within the limit: a refusal", async () => {
        expect(await codeOf(newValidator(), long(15))).toBe("token_malformed");
    });
});

describe("an engine that failed", () => {
    const warnings: Error[] = [];
    const hear = (warning: Error): void => void warnings.push(warning);
    beforeEach(async () => {
        warnings.length = 0;
        process.on("warning", hear);
        // One engine a second is made at most.
        await new Promise(resolve => setTimeout(resolve, 1100));
    });
    afterEach(() => {
        process.off("warning", hear);
    });

    test("grants nothing, and the next one serves all validators", async () => {
        const [one, other] = [
            newValidator({ verifiedTokenMemory: false }),
            newValidator({ dpop: "disabled" })
        ];
        expect(await codeOf(one, bearer())).toBe("granted");
        const engines = memories.length;
        spoil();
        await expect(codeOf(one, bearer())).rejects.toThrow("internal error: the WebAssembly engine failed");
        const { jwks } = fixtures.issuer.requests;
        expect(await codeOf(one, bearer())).toBe("granted");
        expect(await codeOf(other, bearer())).toBe("granted");
        expect(other.health().issuers[0]?.issuerUri).toBe(fixtures.issuer.issuerUri);
        expect(memories.length).toBe(engines + 1);
        // The keys went with the old one.
        expect(fixtures.issuer.requests.jwks).toBeGreaterThan(jwks);
        expect(warnings.map(warning => (warning as Error & { code?: string }).code)).toContain(
            "OIDC_SPA_NATIVE_ENGINE_FAILED"
        );
    });

    test("gets no successor that gives verdicts without random bytes", async () => {
        const validator = newValidator({ verifiedTokenMemory: false });
        expect(await codeOf(validator, bearer())).toBe("granted");
        spoil();
        await expect(codeOf(validator, bearer())).rejects.toThrow("internal error");
        await new Promise(resolve => setTimeout(resolve, 1100));
        const fault = vi.spyOn(crypto, "getRandomValues").mockImplementation(() => {
            throw new Error("no random bytes");
        });
        try {
            await expect(codeOf(validator, bearer())).rejects.toThrow();
            expect(fault).toHaveBeenCalled();
            // What is no verdict is answered, by an engine that gives none.
            expect(validator.health().issuers[0]?.issuerUri).toBe(fixtures.issuer.issuerUri);
            const engines = memories.length;
            for (let i = 0; i < 2; i += 1) {
                await expect(codeOf(validator, bearer())).rejects.toThrow();
                expect(validator.health().engine).toBe("wasm");
            }
            expect(memories.length).toBe(engines);
            fault.mockRestore();
            expect(await codeOf(validator, bearer())).toBe("granted");
            expect(await codeOf(validator, bearer())).toBe("granted");
            expect(memories.length).toBe(engines + 1);
        } finally {
            fault.mockRestore();
        }
    });

    test("takes its memory of proofs along: those from before are refused", async () => {
        const validator = newValidator();
        const [used, unused] = [bound(now), bound(now)];
        expect(await codeOf(validator, used)).toBe("granted");
        spoil();
        await expect(codeOf(validator, used)).rejects.toThrow("internal error");
        expect(await codeOf(validator, used)).not.toBe("granted");
        expect(await codeOf(validator, unused)).not.toBe("granted");
        // Proofs from afterwards are accepted, once.
        clock = (now + 120) * 1000;
        const later = bound(now + 120);
        expect(await codeOf(validator, later)).toBe("granted");
        expect(await codeOf(validator, later)).toBe("proof_replayed");
    });

    test("takes its memory along for validators that share a clock, too", async () => {
        const shared = () => newValidator({ clock: undefined });
        const [one, other] = [shared(), shared()];
        const request = bound(nowInSeconds());
        expect(await codeOf(one, request)).toBe("granted");
        spoil();
        await expect(codeOf(other, request)).rejects.toThrow("internal error");
        expect(await codeOf(other, request)).not.toBe("granted");
        // One that is made now has not seen the old engine.
        expect(await codeOf(shared(), request)).not.toBe("granted");
    });

    test("takes its memory along of proofs that became good while their request waited for keys", async () => {
        const { issuer } = fixtures;
        issuer.answerJwks = res => setTimeout(() => res.end(JSON.stringify(issuer.jwks)), 2500);
        try {
            // Other limits, so that it shares no keys.
            const [validator, other] = [newValidator({ limits: { jwkSetBytes: 99_999 } }), newValidator()];
            // Ten seconds ahead are accepted, and the wait takes two.
            const request = bound(now + 12);
            expect(await codeOf(validator, request)).toBe("granted");
            issuer.answerJwks = undefined;
            clock = (now + 2) * 1000;
            spoil();
            await expect(codeOf(other, bearer())).rejects.toThrow("internal error");
            expect(await codeOf(validator, request)).not.toBe("granted");
        } finally {
            issuer.answerJwks = undefined;
        }
    });

    test("is seen as one, whatever other code has put into Object.prototype", async () => {
        const validator = newValidator({ verifiedTokenMemory: false });
        expect(await codeOf(validator, bearer())).toBe("granted");
        const prototype = Object.prototype as { isRefused?: boolean };
        prototype.isRefused = true;
        try {
            spoil();
            await expect(codeOf(validator, bearer())).rejects.toThrow("the WebAssembly engine failed");
        } finally {
            delete prototype.isRefused;
        }
        expect(await codeOf(validator, bearer())).toBe("granted");
    });

    test("answers the requests that wait for keys, and none of them is granted", async () => {
        fixtures.issuer.isSilent = true;
        try {
            const [validator, other] = [newValidator({ network: { timeoutMs: 9000 } }), newValidator()];
            const waiting = [codeOf(validator, bearer()), codeOf(validator, bearer())];
            const failures = Promise.allSettled(waiting);
            await new Promise(resolve => setTimeout(resolve, 50));
            spoil();
            await expect(codeOf(other, bearer())).rejects.toThrow("internal error");
            for (const { status } of await failures) {
                expect(status).toBe("rejected");
            }
        } finally {
            fixtures.issuer.isSilent = false;
        }
    });

    test("is replaced once a second at most", async () => {
        const validator = newValidator({ verifiedTokenMemory: false });
        const outcome = () => codeOf(validator, bearer()).catch(() => "failed");
        for (let isInTime = false; !isInTime; ) {
            await new Promise(resolve => setTimeout(resolve, 1100));
            await outcome();
            spoil();
            const begun = performance.now();
            expect([await outcome(), await outcome()]).toEqual(["failed", "granted"]);
            spoil();
            const engines = memories.length;
            const outcomes = [await outcome(), await outcome(), await outcome()];
            // A machine that has much else to do may take a second for these lines.
            isInTime = performance.now() - begun < 1000;
            isInTime &&
                expect([outcomes, memories.length]).toEqual([["failed", "failed", "failed"], engines]);
        }
        await new Promise(resolve => setTimeout(resolve, 1100));
        expect(await outcome()).toBe("granted");
    });
});
