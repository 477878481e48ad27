// examples/workers on workerd, in several isolates: a proof counts once for all of them, or its request is refused.

import { execFile } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Miniflare, Response as WorkerResponse } from "miniflare";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { root } from "../support/script.js";
import { bundleWorker, wrangler, type Bundle } from "../support/workerd.js";

const ORIGIN = "https://api.example";
/** Each Worker here is an isolate with a memory of its own. */
const ISOLATES = ["a", "b", "c", "d"];
const OTHERS = ["ThrowingShard", "SilentShard", "OddShard", "LostShard", "WatchedShard"];

let fixtures: Fixtures;
let bundle: Bundle;
let miniflare: Miniflare;

beforeAll(async () => {
    fixtures = await createFixtures();
    bundle = await bundleWorker(async folder => {
        for (const name of ["src", "tsconfig.json", "wrangler.jsonc"]) {
            await cp(join(root, "examples/workers", name), join(folder, name), { recursive: true });
        }
        // 100 requests at once may take long on a busy machine.
        const store = join(folder, "src/replay-store.ts");
        const patient = (await readFile(store, "utf8")).replace("timeoutMs: 2000", "timeoutMs: 10_000");
        expect(patient).toContain("timeoutMs: 10_000");
        await writeFile(store, patient);
        await cp(join(root, "__test__/wasm/workers-example.mjs"), join(folder, "test.mjs"));
        const settings = await readFile(join(folder, "wrangler.jsonc"), "utf8");
        await writeFile(join(folder, "test.jsonc"), settings.replace("src/worker.ts", "test.mjs"));
    }, "--config=test.jsonc");
    const isolate = (name: string, className: string) => ({
        ...bundle.worker,
        name,
        bindings: { OIDC_ISSUER_URI: fixtures.issuer.issuerUri, OIDC_AUDIENCE: AUDIENCE },
        durableObjects: { PROOFS: { className, scriptName: "a", useSQLite: true } },
        kvNamespaces: { SEEN: "seen" },
        serviceBindings: { BARRIER: meet }
    });
    miniflare = new Miniflare({
        // It would be asked of a server of Cloudflare.
        cf: false,
        workers: [
            ...ISOLATES.map(name => isolate(name, "ProofShard")),
            ...OTHERS.map(className => isolate(className.toLowerCase(), className))
        ]
    });
    await miniflare.ready;
}, 60_000);
afterAll(async () => {
    await miniflare.dispose();
    await bundle.remove();
    await fixtures.issuer.close();
});

/** The first request here waits for the second one. */
let [arrived, onMet] = [0, () => {}];
const met = new Promise<void>(resolve => (onMet = resolve));
async function meet(): Promise<WorkerResponse> {
    arrived += 1;
    if (arrived === 2) {
        onMet();
    }
    await met;
    return new WorkerResponse();
}

interface Answer {
    readonly status: number;
    readonly challenge: string | null;
    readonly text: string;
}

async function ask(isolate: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
    // Its type mixes those of Miniflare and of Workers.
    const worker = (await miniflare.getWorker(isolate)) as unknown as { fetch: typeof fetch };
    const response = await worker.fetch(`${ORIGIN}${path}`, { headers });
    return {
        status: response.status,
        challenge: response.headers.get("www-authenticate"),
        text: await response.text()
    };
}

const bearer = () => ({ authorization: `Bearer ${fixtures.token(nowInSeconds())}` });
const bound = (path: string) => {
    const now = nowInSeconds();
    const token = fixtures.boundToken(now);
    return {
        authorization: `DPoP ${token}`,
        dpop: fixtures.proof(now, token, { htu: `${ORIGIN}${path}` })
    };
};

/** The statuses of so many simultaneous copies of one request, spread over the isolates. */
async function copies(count: number, path: string): Promise<number[]> {
    const headers = bound(path);
    const answers = await Promise.all(
        Array.from({ length: count }, (_, i) => ask(ISOLATES[i % ISOLATES.length] ?? "", path, headers))
    );
    return answers.map(({ status }) => status);
}
const granted = (statuses: readonly number[]) => statuses.filter(status => status === 200).length;

describe("a request", () => {
    test("is judged by Hono and by the Fetch adapter", async () => {
        expect(await ask("a", "/api/public")).toMatchObject({ status: 200 });
        expect(await ask("a", "/api/items", bearer())).toMatchObject({
            status: 200,
            text: '{"owner":"user-1","items":["apple"]}'
        });
        expect(await ask("a", "/api/items")).toMatchObject({ status: 401 });
        for (const path of ["/api/payments", "/api/orders"]) {
            expect([path, (await ask("a", path, bound(path))).status]).toEqual([path, 200]);
            const unbound = await ask("a", path, bearer());
            expect([path, unbound.status]).toEqual([path, 401]);
            expect(unbound.challenge).toContain("DPoP");
        }
    });
});

describe("of 100 simultaneous copies of a proof", () => {
    test("the example accepts one", async () => {
        for (const path of ["/api/payments", "/api/orders"]) {
            const statuses = await copies(100, path);
            expect([path, granted(statuses)]).toEqual([path, 1]);
            expect(new Set(statuses)).toEqual(new Set([200, 401]));
        }
    });

    test("each isolate accepts one without a store", async () => {
        expect(granted(await copies(100, "/without-store"))).toBe(ISOLATES.length);
    });

    test("KV lets more than one pass", async () => {
        expect(granted(await copies(100, "/kv"))).toBeGreaterThan(1);
    });
});

describe("no grant, but 503, where the object", () => {
    test.each([
        ["throws", "throwingshard"],
        ["gives no answer in time", "silentshard"],
        ["answers otherwise than agreed", "oddshard"],
        ["is lost while it answers", "lostshard"]
    ])("%s", async (_, isolate) => {
        const answer = await ask(isolate, "/api/payments", bound("/api/payments"));
        expect(answer.status).toBe(503);
        expect(JSON.stringify(answer)).not.toContain("secret");
        // Requests without a proof do not ask it.
        expect((await ask(isolate, "/api/items", bearer())).status).toBe(200);
    });
});

test("an object deletes proofs whose time is over, and keeps the others", async () => {
    const { text } = await ask("watchedshard", "/alarm");
    expect(JSON.parse(text)).toEqual({
        stored: [true, true, false],
        isAlarmSet: true,
        after: { keys: ["new"], isAlarmSet: true }
    });
});

test("the example's types are right, by those that wrangler generates", { timeout: 60_000 }, async () => {
    await wrangler(bundle.folder, "types");
    await promisify(execFile)(
        process.execPath,
        [join(root, "node_modules/typescript/bin/tsc"), "--project", bundle.folder],
        { cwd: bundle.folder }
    );
});
