// The functions of the WebAssembly module itself: verdicts, waits, fetches, and options that it refuses.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createTestIssuer, dpopClient, type SigningAlgorithm } from "oidc-spa-native/testing";
import { describe, expect, test } from "vitest";
import { loadCore, type CoreModule } from "./module.js";

const AUDIENCE = "https://api.example.com";
const URL_OF_API = "https://api.example.com/todos";

/** A step for a request with these fields. */
function authorize(
    core: CoreModule,
    validator: number,
    fields: readonly (string | null)[],
    now = Date.now()
): string {
    return core.text("authorize_request", [validator, now, performance.now(), 0, 0, 0], [null, ...fields]);
}

/** The verdict's first member, and the code of a refusal. */
function verdict(text: string): readonly [number, string?] {
    const list = JSON.parse(text);
    return list[0] < 0 ? [list[0], list[2]] : [list[0]];
}

const bearer = (token: string): string => `Bearer ${token}`;

describe("verdicts", () => {
    const algorithms: SigningAlgorithm[] = ["RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"];
    test.each(algorithms)("%s: a good token is granted, and a changed one is not", algorithm => {
        const core = loadCore();
        const issuer = createTestIssuer({ audience: AUDIENCE, algorithms: [algorithm] });
        const { issuerUri, keys } = issuer.options;
        const validator = core.validator({ issuerUri, keys, expectedAudience: AUDIENCE });
        const token = issuer.sign({ sub: "ann" });
        expect(verdict(authorize(core, validator, [bearer(token)]))).toEqual([0]);
        const end = token.endsWith("AAAAAAAA") ? "BBBBBBBB" : "AAAAAAAA";
        expect(verdict(authorize(core, validator, [bearer(token.slice(0, -8) + end)]))).toEqual([
            -1,
            "signature_invalid"
        ]);
        expect(verdict(authorize(core, validator, [null]))).toEqual([-1, "credentials_missing"]);
    });

    test("a proof is granted once; after a lost instance, none that it may have seen", () => {
        const issuer = createTestIssuer({ audience: AUDIENCE });
        const { issuerUri, keys } = issuer.options;
        const options = { issuerUri, keys, expectedAudience: AUDIENCE };
        const client = dpopClient({ token: own => issuer.sign({ sub: "ann" }, { boundTo: own }) });
        const send = (core: CoreModule, validator: number, proof: string): readonly [number, string?] =>
            verdict(
                authorize(core, validator, [
                    `DPoP ${client.token}`,
                    proof,
                    "GET",
                    "/todos",
                    "https",
                    "api.example.com"
                ])
            );
        const core = loadCore();
        const validator = core.validator(options);
        const proof = client.proof("GET", URL_OF_API);
        expect(send(core, validator, proof)).toEqual([1]);
        expect(send(core, validator, proof)).toEqual([-1, "proof_replayed"]);

        const next = loadCore();
        expect(send(next, next.validator(options, { replayLostAt: Date.now() }), proof)).toEqual([
            -1,
            "proof_stale"
        ]);
        const other = loadCore();
        const lostLongAgo = other.validator(options, { replayLostAt: Date.now() - 60_000 });
        expect(send(other, lostLongAgo, proof)).toEqual([1]);
    });

    test("a grant waits for the application's replay store", () => {
        const issuer = createTestIssuer({ audience: AUDIENCE });
        const { issuerUri, keys } = issuer.options;
        const client = dpopClient({ token: own => issuer.sign({ sub: "ann" }, { boundTo: own }) });
        const core = loadCore();
        const options = { issuerUri, keys, expectedAudience: AUDIENCE, replayStore: {} };
        const validator = core.validator(options, { applicationStore: true });
        for (const [isNew, expected] of [
            [1, [1]],
            [0, [-1, "proof_replayed"]],
            [-1, [-1, "replay_memory_unavailable"]]
        ] as const) {
            const proof = client.proof("GET", URL_OF_API);
            const step = authorize(core, validator, [
                `DPoP ${client.token}`,
                proof,
                "GET",
                "/todos",
                "https",
                "api.example.com"
            ]);
            expect(step).toMatch(/^\{"unsettled":\d+,"key":"[\w-]{43}","expiresAt":\d+\}$/);
            const { unsettled } = JSON.parse(step);
            expect(verdict(core.text("settle", [unsettled, isNew], ["down"]))).toEqual(expected);
            expect(core.text("settle", [unsettled, 1], [null])).toContain("was settled before");
        }
    });
});

describe("answers about keys and signatures that come later", () => {
    const begun = (step: string): number => {
        expect(step).toMatch(/^\{"wait":\d+,"fetches":\[\],"plans":\[\],"until":null,"lacksAnswers":true\}$/);
        return JSON.parse(step).wait;
    };
    const resume = (core: CoreModule, wait: number): string =>
        core.text("wait_resume", [wait, Date.now(), performance.now()]);

    test("a proof is not used up before all are there, and then once", () => {
        let open = true;
        const core = loadCore({ isOpen: about => about === "signature" && open });
        const issuer = createTestIssuer({ audience: AUDIENCE });
        const { issuerUri, keys } = issuer.options;
        const validator = core.validator({ issuerUri, keys, expectedAudience: AUDIENCE });
        const client = dpopClient({ token: own => issuer.sign({ sub: "ann" }, { boundTo: own }) });
        const proof = client.proof("GET", URL_OF_API);
        const fields = [`DPoP ${client.token}`, proof, "GET", "/todos", "https", "api.example.com"];
        const [first, second] = [
            begun(authorize(core, validator, fields)),
            begun(authorize(core, validator, fields))
        ];
        expect(begun(resume(core, first))).toBe(first);
        open = false;
        expect(verdict(resume(core, second))).toEqual([1]);
        expect(verdict(resume(core, first))).toEqual([-1, "proof_replayed"]);
        expect(resume(core, second)).toContain("there is no such wait");
    });

    test("a walk that another key would grant is dropped too", () => {
        let asked = 0;
        let isOpen = (): boolean => asked++ === 0;
        const core = loadCore({ isOpen: about => about === "signature" && isOpen() });
        const [issuer, other] = [
            createTestIssuer({ audience: AUDIENCE }),
            createTestIssuer({ audience: AUDIENCE })
        ];
        const [own] = issuer.jwks.keys as readonly object[];
        const { kid } = own as { kid: string };
        const jwks = { keys: [{ ...(other.jwks.keys[0] as object), kid }, own] };
        const { issuerUri } = issuer.options;
        const validator = core.validator({ issuerUri, keys: { jwks }, expectedAudience: AUDIENCE });
        const client = dpopClient({ token: own => issuer.sign({ sub: "ann" }, { boundTo: own }) });
        const proof = client.proof("GET", URL_OF_API);
        const fields = [`DPoP ${client.token}`, proof, "GET", "/todos", "https", "api.example.com"];
        const wait = begun(authorize(core, validator, fields));
        // The other key, the right key, the proof's key.
        expect(asked).toBe(3);
        isOpen = () => false;
        expect(verdict(resume(core, wait))).toEqual([1]);
        expect(verdict(authorize(core, validator, fields))).toEqual([-1, "proof_replayed"]);
    });

    test("an explanation waits for them, and a proof's key too", () => {
        const open = { key: false, signature: true };
        const core = loadCore({ isOpen: about => open[about] });
        const issuer = createTestIssuer({ audience: AUDIENCE });
        const { issuerUri, keys } = issuer.options;
        const validator = core.validator({ issuerUri, keys, expectedAudience: AUDIENCE });
        const client = dpopClient({ token: own => issuer.sign({ sub: "ann" }, { boundTo: own }) });
        const proof = client.proof("GET", URL_OF_API);
        const fields = [null, `DPoP ${client.token}`, proof, "GET", "/todos", "https", "api.example.com"];
        const wait = begun(
            core.text("explain_request", [validator, Date.now(), performance.now(), 0, 0], fields)
        );
        open.signature = false;
        open.key = true;
        expect(begun(resume(core, wait))).toBe(wait);
        open.key = false;
        expect(JSON.parse(resume(core, wait)).refusal).toBeNull();
        expect(verdict(authorize(core, validator, fields.slice(1)))).toEqual([1]);
    });

    test("no validator is made while it is not known whether its keys are keys", () => {
        let open = true;
        const core = loadCore({ isOpen: about => about === "key" && open });
        const { issuerUri, keys } = createTestIssuer({ audience: AUDIENCE }).options;
        const fields = [JSON.stringify({ issuerUri, keys, expectedAudience: AUDIENCE }), "{}"];
        const make = () => core.text("validator_new", [Date.now(), performance.now()], fields);
        expect(make()).toBe('{"lacksAnswers":true}');
        open = false;
        expect(make()).toBe('{"validator":1}');
    });
});

/** Makes the requests of a fetch, as JavaScript does beside the module. */
async function carryOut(core: CoreModule, fetchNumber: number): Promise<{ plan: number }> {
    let next = JSON.parse(core.text("fetch_next", [fetchNumber, Date.now(), performance.now()]));
    while (next.request !== undefined) {
        const { url, headers } = next.request;
        const response = await fetch(url, { headers, redirect: "manual" });
        const body = response.status === 200 ? new Uint8Array(await response.arrayBuffer()) : null;
        const fields = [JSON.stringify([...response.headers]), body];
        const numbers = [fetchNumber, Date.now(), performance.now(), response.status];
        next = JSON.parse(core.text("fetch_answered", numbers, fields));
    }
    return next;
}

describe("keys that are fetched", () => {
    test("many requests wait for one fetch, and are granted by its keys", async () => {
        const issuer = createTestIssuer({ audience: AUDIENCE });
        const asked: string[] = [];
        const server = createServer((req, res) => {
            asked.push(req.url ?? "");
            const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
            if (req.url === "/.well-known/openid-configuration") {
                res.writeHead(302, { location: "/metadata" }).end();
            } else {
                const metadata = { issuer: base, jwks_uri: `${base}/jwks` };
                res.end(JSON.stringify(req.url === "/metadata" ? metadata : issuer.jwks));
            }
        });
        await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
        try {
            const issuerUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
            const core = loadCore();
            const validator = core.validator({ issuerUri, expectedAudience: AUDIENCE });
            const token = issuer.sign({ sub: "ann", iss: issuerUri });
            const steps = Array.from({ length: 5 }, () =>
                JSON.parse(authorize(core, validator, [bearer(token)]))
            );
            expect(steps.map(step => step.fetches.length)).toEqual([1, 0, 0, 0, 0]);
            const done = await carryOut(core, steps[0].fetches[0]);
            for (const { wait, plans } of steps) {
                expect(plans).toEqual([done.plan]);
                const answer = core.text("wait_resume", [wait, Date.now(), performance.now()]);
                expect(verdict(answer)).toEqual([0]);
            }
            expect(asked).toEqual(["/.well-known/openid-configuration", "/metadata", "/jwks"]);
            expect(core.text("ready", [validator, performance.now(), 1000, 0])).toBe("null");
            expect(core.text("events", [])).toContain('"type":"refreshed"');
            expect(core.text("fetch_next", [steps[0].fetches[0], 0, 0])).toBe('{"stale":true}');
        } finally {
            server.close();
        }
    });

    test("a fetch whose JavaScript ended is forgotten, and no wait outlives its time", () => {
        const issuer = createTestIssuer({ audience: AUDIENCE });
        const core = loadCore();
        const options = {
            issuerUri: "https://as.example",
            expectedAudience: AUDIENCE,
            keysTimeoutMs: 60_000
        };
        const validator = core.validator(options);
        const token = issuer.sign({ sub: "ann", iss: "https://as.example" });
        const now = Date.now();
        const at = (steady: number): string =>
            core.text("authorize_request", [validator, now, steady, 0, 0, 0], [null, bearer(token)]);
        const first = JSON.parse(at(1_000));
        core.text("fetch_next", [first.fetches[0], now, 1_000]);
        // 5 s is the time limit of a request, and one more second is added.
        expect(first.until).toBeLessThanOrEqual(7_001);
        const still = JSON.parse(core.text("wait_resume", [first.wait, now, 6_900]));
        expect(still).toMatchObject({ wait: first.wait, fetches: [] });
        const lost = JSON.parse(core.text("wait_resume", [first.wait, now, 7_002]));
        const second = JSON.parse(core.text("wait_resume", [first.wait, now, lost.until]));
        const begun = [...lost.fetches, ...second.fetches];
        expect(begun).toHaveLength(1);
        expect(core.text("fetch_next", [first.fetches[0], now, 9_000])).toBe('{"stale":true}');
        expect(verdict(core.text("wait_resume", [first.wait, now, 61_001]))).toEqual([
            -1,
            "keys_unavailable"
        ]);
        expect(core.text("wait_resume", [first.wait, now, 61_002])).toContain("there is no such wait");
    });
});

describe("options that this engine cannot carry out", () => {
    const least = { issuerUri: "https://as.example", expectedAudience: AUDIENCE };
    test.each([
        [{ replayStore: { redis: "redis://localhost" } }, "replayStore.redis: the WebAssembly engine"],
        [{ network: { ca: "x" } }, "network.ca: the WebAssembly engine"],
        [
            { network: { clientCertificate: { cert: "x", key: "y" } } },
            "network.clientCertificate: the WebAssembly"
        ],
        [{ network: { proxy: "http://proxy:3128" } }, "network.proxy: the WebAssembly engine"],
        [{ nonce: "required" }, "nonce: the WebAssembly engine needs `nonceSecret`"],
        [{ verification: "threads" }, "verification: the WebAssembly engine has no threads"],
        [{ keys: { env: "UNSET" } }, "keys.env: expected the name of an environment variable that is set"]
    ])("%j", (extra, expected) => {
        expect(() => loadCore().validator({ ...least, ...extra })).toThrow(expected);
    });

    test("the others are as in the native engine", () => {
        const { jwks } = createTestIssuer({});
        const core = loadCore({ texts: { KEYS: JSON.stringify(jwks) } });
        for (const extra of [
            {},
            { network: { proxy: false } },
            { nonce: "required", nonceSecret: "x".repeat(32) },
            { verification: "auto" },
            { keys: { env: "KEYS" } }
        ]) {
            expect(core.validator({ ...least, ...extra })).toBeGreaterThan(0);
        }
        expect(() => core.validator({ ...least, issuer: "x" })).toThrow('did you mean "issuerUri"?');
    });
});
