// Every vector through every engine: those that give another verdict than the vector has fail.

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { newAuthority } from "../support/certificates.js";
import { startLocalIssuer } from "../support/local-issuer.js";
import { describeWith } from "../support/programs.js";
import { startProxy } from "../support/reaching.js";
import { addon, dropIn, type Answer, type Engine, type Reached } from "./engines.js";
import { challengesOf } from "./challenges.js";
import { vectors, type Expected, type Vector } from "./vectors.js";

describeWith(["openssl"], "vectors", () => {
    const open: { close(): Promise<unknown> }[] = [];
    let reached: Reached;

    beforeAll(async () => {
        reached = process.env["OIDC_SPA_NATIVE_ENGINE"] === "wasm" ? await byFetch() : await byProxy();
    });

    async function byProxy(): Promise<Reached> {
        const authority = newAuthority("Authority of the tests");
        const issuer = await startLocalIssuer({
            tls: authority.server("as.example"),
            authority: "as.example"
        });
        const proxy = await startProxy(issuer.port);
        open.push(issuer, proxy);
        return { issuer, network: { ca: authority.ca, proxy: `http://${proxy.url}` } };
    }

    /** WebAssembly has no authorities and no proxy of its own; it asks the `fetch` of the run time. */
    async function byFetch(): Promise<Reached> {
        const issuer = await startLocalIssuer();
        const { issuerUri } = issuer;
        issuer.metadata = { issuer: "https://as.example", jwks_uri: "https://as.example/jwks" };
        const real = globalThis.fetch;
        vi.stubGlobal("fetch", (url: string, init?: RequestInit) =>
            real(url.replace("https://as.example", issuerUri), init)
        );
        open.push(issuer);
        return { issuer, network: {} };
    }

    afterAll(async () => {
        vi.useRealTimers();
        vi.unstubAllGlobals();
        await Promise.all(open.map(one => one.close()));
    });

    test("createValidator says of each what the vector has, and explains it so", {
        timeout: 60_000
    }, async () => {
        await expectAll(addon(reached), vectors, complaintOf);
    });

    test("the drop-in says so too, but where a vector has oidc-spa's own rule", {
        timeout: 60_000
    }, async () => {
        vi.useFakeTimers({ toFake: ["Date"] });
        // Its memory of proofs is the process's own: time goes ahead.
        const last = ({ steps }: Vector): number => Math.max(...steps.map(({ time }) => time));
        const inOrder = [...vectors].sort((a, b) => last(a) - last(b));
        await expectAll(dropIn(reached), inOrder, complaintOfDropIn);
        vi.useRealTimers();
    });
});

type Complain = (vector: Vector, expected: Expected, answer: Answer, isLast: boolean) => string | undefined;

async function expectAll(engine: Engine, all: readonly Vector[], complain: Complain): Promise<void> {
    const complaints: string[] = [];
    let count = 0;
    for (const vector of all.filter(vector => engine.runs(vector))) {
        count += 1;
        const answers = await engine.answers(vector);
        for (const [i, { expected }] of vector.steps.entries()) {
            const complaint = complain(vector, expected, answers[i] as Answer, i === vector.steps.length - 1);
            if (complaint !== undefined) {
                complaints.push(`${vector.id}, step ${i}: ${complaint}`);
            }
        }
    }
    expect(count).toBeGreaterThan(400);
    expect(complaints.join("\n")).toBe("");
}

function complaintOf(vector: Vector, expected: Expected, answer: Answer): string | undefined {
    const { verdict, code, status, challenge, hasNonce, message } = answer;
    if (verdict !== expected.verdict || code !== expected.code || status !== expected.status) {
        return `expected ${expected.code ?? "granted"}, got ${code ?? "granted"}: ${message ?? ""}`;
    }
    const told = challenge === undefined ? undefined : challengesOf(challenge);
    if (JSON.stringify(told) !== JSON.stringify(expected.challenges)) {
        return `expected ${JSON.stringify(expected.challenges)}, told ${challenge}`;
    }
    if (code === "proof_nonce_required" && hasNonce !== true) {
        return "the response has no DPoP-Nonce";
    }
    return complaintOfExplanation(vector, answer);
}

/** `explain` names what the verdict names, unless the keys have changed between the two. */
function complaintOfExplanation({ steps }: Vector, { code, explained }: Answer): string | undefined {
    const rotates = steps.some(({ keys }) => keys !== undefined);
    return explained === undefined || explained === (code ?? "granted") || rotates
        ? undefined
        : `explained as ${explained}`;
}

/** The drop-in takes a request in two steps, of which the first has neither code nor status. */
function complaintOfDropIn(vector: Vector, expected: Expected, answer: Answer, isLast: boolean) {
    const { oidcSpa } = vector;
    const verdict = (isLast ? oidcSpa?.verdict : undefined) ?? expected.verdict;
    const found = `${answer.code ?? ""} ${answer.message ?? ""}`;
    if (answer.verdict !== verdict) {
        return `expected to be ${verdict}, is ${answer.verdict}: ${found}`;
    }
    const unexplained = complaintOfExplanation(vector, answer);
    if (unexplained !== undefined) {
        return unexplained;
    }
    if (isLast && oidcSpa?.verdict === expected.verdict) {
        return "a difference is written, and there is none";
    }
    return undefined;
}

test("a runner complains of another verdict, code, status, challenge or explanation", () => {
    const vector = vectors.find(({ id }) => id === "rfc9449/proof/J01-none") as Vector;
    const expected = vector.steps[0]?.expected as Expected;
    const challenge = 'Bearer, DPoP error="invalid_dpop_proof", algs="ES256"';
    const good: Answer = {
        verdict: "refused",
        code: "proof_missing",
        status: 401,
        challenge,
        explained: "proof_missing"
    };
    expect(complaintOf(vector, expected, good)).toBeUndefined();
    expect(complaintOfDropIn(vector, expected, good, true)).toBeUndefined();
    const others: Partial<Answer>[] = [
        { verdict: "granted" },
        { code: "proof_malformed" },
        { status: 400 },
        { challenge: 'Bearer error="invalid_dpop_proof", DPoP' },
        { explained: "granted" }
    ];
    for (const other of others) {
        expect(complaintOf(vector, expected, { ...good, ...other }), JSON.stringify(other)).toBeDefined();
    }
    expect(complaintOfDropIn(vector, expected, { ...good, verdict: "granted" }, true)).toBeDefined();
    expect(complaintOfDropIn(vector, expected, { ...good, explained: "granted" }, true)).toBeDefined();
});

describe("WWW-Authenticate", () => {
    test("is read by its parameters", () => {
        expect(challengesOf('Bearer, DPoP error="x", error_description="A, b", algs="ES256"')).toEqual([
            { scheme: "Bearer" },
            { scheme: "DPoP", error: "x" }
        ]);
    });
});
