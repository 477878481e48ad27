// This package beside jose on Cloudflare's workerd: Bearer RS256, Bearer ES256, DPoP.
//
//     node benchmark/workers.mjs [--rounds 9] [--requests 400]
//
// One Worker holds both. It gets many tokens in one request and answers when it has judged them: its clock stands still
// meanwhile, so the time is taken here, and so is the CPU of workerd where Linux tells it. A request with the same
// tokens that judges none is taken off. For DPoP jose has no function: it verifies the proof and the token, and the Worker
// compares what RFC 9449 section 4.3 wants compared, without a memory of proofs.

import * as childProcess from "node:child_process";
import {
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    symlinkSync,
    writeFileSync
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { Miniflare } from "miniflare";
import { shuffled, spread } from "./compare/statistics.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const URL_OF_API = "https://api.example/items";
const AUDIENCE = "https://api.example";
const NAMES = ["ours", "jose"];

const { values } = parseArgs({
    options: { rounds: { type: "string", default: "9" }, requests: { type: "string", default: "400" } }
});
const [rounds, count] = [Number(values.rounds), Number(values.requests)];
const { createTestIssuer, dpopClient } = createRequire(import.meta.url)("../dist/testing/index.js");

const WORKER = `
import { calculateJwkThumbprint, createLocalJWKSet, decodeProtectedHeader, EmbeddedJWK, jwtVerify } from "jose";
import { createValidator } from "oidc-spa-native";

const url = ${JSON.stringify(URL_OF_API)};
const prepared = new Map();

function ours({ issuerUri, audience, alg, jwks }) {
    const validator = createValidator({
        issuerUri, expectedAudience: audience, algorithms: [alg], keys: { jwks }, publicBaseUrl: "https://api.example"
    });
    return async ({ token, proof }) => {
        const headers = proof ? { authorization: "DPoP " + token, dpop: proof } : { authorization: "Bearer " + token };
        const verdict = await validator.validateRequest({ method: "GET", url, headers });
        if (!verdict.isSuccess) { throw new Error(verdict.debugErrorMessage); }
    };
}

function jose({ issuerUri, audience, alg, jwks }) {
    const keys = createLocalJWKSet(jwks);
    return async ({ token, proof }) => {
        const { payload } = await jwtVerify(token, keys, { issuer: issuerUri, audience, algorithms: [alg] });
        if (!proof) { return; }
        const proven = await jwtVerify(proof, EmbeddedJWK, { typ: "dpop+jwt", algorithms: ["ES256"], maxTokenAge: 300 });
        const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
        const ath = btoa(String.fromCharCode(...new Uint8Array(digest)))
            .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
        const jkt = await calculateJwkThumbprint(decodeProtectedHeader(proof).jwk);
        const { htm, htu } = proven.payload;
        if (htm !== "GET" || htu !== url || proven.payload.ath !== ath || payload.cnf?.jkt !== jkt) {
            throw new Error("refused");
        }
    };
}

const MAKERS = { ours, jose, nobody: () => async () => {} };

export default {
    async fetch(request) {
        const { who, id, options, items, bad } = await request.json();
        const name = who + id;
        if (!prepared.has(name)) { prepared.set(name, MAKERS[who](options)); }
        const judge = prepared.get(name);
        for (const item of items) { await judge(item); }
        for (const item of bad) {
            if (await judge(item).then(() => true, () => false)) { return new Response("granted what is bad", { status: 500 }); }
        }
        return new Response(String(items.length));
    }
};`;

mkdirSync(join(ROOT, "target"), { recursive: true });
const folder = mkdtempSync(join(ROOT, "target/bench-workers-"));
const miniflare = await start();
try {
    await compare("RS256", "RS256", false);
    await compare("ES256", "ES256", false);
    await compare("DPoP, an ES256 proof and an RS256 token", "RS256", true);
} finally {
    await miniflare.dispose();
    rmSync(folder, { recursive: true });
}

/** Bundled by wrangler, as a Worker's author does it. */
async function start() {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(ROOT, join(folder, "node_modules/oidc-spa-native"));
    writeFileSync(join(folder, "worker.mjs"), WORKER);
    const settings = { compatibility_date: "2026-04-01", compatibility_flags: ["nodejs_compat"] };
    writeFileSync(
        join(folder, "wrangler.json"),
        JSON.stringify({ name: "benchmark", main: "worker.mjs", ...settings, send_metrics: false })
    );
    const bundle = join(folder, "bundle");
    await promisify(childProcess.execFile)(
        process.execPath,
        [join(ROOT, "node_modules/wrangler/bin/wrangler.js"), "deploy", "--dry-run", "--outdir", bundle],
        {
            cwd: folder,
            env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true", WRANGLER_LOG_PATH: folder }
        }
    );
    const modules = readdirSync(bundle)
        .filter(name => /\.(js|wasm)(\?module)?$/.test(name))
        // The Worker itself is the first one.
        .sort((a, b) => Number(b.endsWith(".js")) - Number(a.endsWith(".js")))
        .map(name => {
            const path = join(bundle, name);
            return name.endsWith(".js")
                ? { type: "ESModule", path, contents: readFileSync(path, "utf8") }
                : { type: "CompiledWasm", path, contents: readFileSync(path) };
        });
    const { compatibility_date: compatibilityDate, compatibility_flags: compatibilityFlags } = settings;
    // It would be asked of a server of Cloudflare.
    return new Miniflare({ cf: false, compatibilityDate, compatibilityFlags, modulesRoot: bundle, modules });
}

async function compare(title, alg, isBound) {
    const issuer = createTestIssuer({ algorithms: [alg], audience: AUDIENCE });
    const client = dpopClient({ token: client => issuer.sign({}, { boundTo: client }) });
    const options = { issuerUri: issuer.options.issuerUri, audience: AUDIENCE, alg, jwks: issuer.jwks };
    let number = 0;
    const next = () => {
        if (!isBound) {
            number += 1;
            return { token: issuer.sign({ jti: `${number}` }) };
        }
        const headers = new Headers(client.headers("GET", URL_OF_API));
        return { token: headers.get("authorization").split(" ")[1], proof: headers.get("dpop") };
    };
    const changed = ({ token, proof }) => {
        const last = text => text.replace(/.{4}$/, end => (end === "AAAA" ? "BBBB" : "AAAA"));
        return proof === undefined ? { token: last(token) } : { token, proof: last(proof) };
    };
    const costs = Object.fromEntries([...NAMES, "nobody"].map(name => [name, { time: [], cpu: [] }]));
    for (let round = -2; round < rounds; round += 1) {
        const items = Array.from({ length: count }, next);
        // Both must refuse what is bad, or their times mean nothing.
        const bad = round === -2 ? [changed(next())] : [];
        for (const who of shuffled(Object.keys(costs))) {
            const question = { who, id: title, options, items, bad: who === "nobody" ? [] : bad };
            const { time, cpu } = await measure(question);
            if (round >= 0) {
                costs[who].time.push(time);
                costs[who].cpu.push(cpu);
            }
        }
    }
    const said = ["cpu", "time"].flatMap(what => {
        const of = (name, which) => spread(costs[name][what])?.[which];
        const net = (name, which) => (1000 * (of(name, which) - of("nobody", which))) / count;
        const ratio = which => (net("ours", which) / net("jose", which)).toFixed(2);
        const micros = NAMES.map(name => net(name, "min").toFixed(0)).join(" and ");
        return Number.isNaN(of("ours", "min"))
            ? []
            : [
                  `${what} ${ratio("min")} by the least, ${ratio("median")} by the medians (least: ${micros} µs)`
              ];
    });
    console.log(`${title}, as a ratio to jose: ${said.join("; ")}`);
}

/** Milliseconds, and milliseconds of workerd's CPU, of one request that judges many. */
async function measure(question) {
    const [time, cpu] = [performance.now(), cpuOfWorkerd()];
    const response = await miniflare.dispatchFetch(AUDIENCE, {
        method: "POST",
        body: JSON.stringify(question)
    });
    const text = await response.text();
    if (text !== String(question.items.length)) {
        throw new Error(`${question.who}: ${response.status} ${text.slice(0, 500)}`);
    }
    return { time: performance.now() - time, cpu: cpuOfWorkerd() - cpu };
}

/** Of all its threads; `NaN` where the system does not tell. */
function cpuOfWorkerd() {
    const children = `/proc/${process.pid}/task/${process.pid}/children`;
    if (!existsSync(children)) {
        return Number.NaN;
    }
    const processes = readFileSync(children, "utf8").trim().split(/\s+/).filter(Boolean);
    const threads = processes.flatMap(id =>
        readdirSync(`/proc/${id}/task`).map(thread => `/proc/${id}/task/${thread}`)
    );
    const nanoseconds = threads.map(thread =>
        Number(readFileSync(`${thread}/schedstat`, "utf8").split(" ", 1)[0])
    );
    return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e6;
}
