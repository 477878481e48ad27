// The WebAssembly engine beside the addon: what a verdict costs with each, and how long the first one takes.
//
//     node benchmark/engines.mjs [--rounds 7] [--processes 15]
//
// Both engines run in one process, in turns; `--rounds 0` leaves this out. The first verdict is measured in many new processes, with jose and
// oidc-spa/server beside: from the import to the verdict, with the keys given, and with the keys fetched from an issuer on
// loopback. The addon's file alone and the compiled module alone are the floors of the two engines. The addon is the one in binding/: it must be a release build, or the ratios flatter WebAssembly.

import * as childProcess from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const { values } = parseArgs({
    options: {
        rounds: { type: "string", default: "7" },
        processes: { type: "string", default: "15" },
        first: { type: "string" }
    }
});
const ENGINES = ["native", "wasm"];
const URL = "https://api.example/items";
/** Requests of a case in a round. Each of them was never seen before. */
const REQUESTS = 1000;

const SCRIPT = fileURLToPath(import.meta.url);
const execFile = promisify(childProcess.execFile);
const require = createRequire(import.meta.url);
const median = numbers => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** The package with this engine, in modules of its own. */
function load(engine) {
    for (const path of Object.keys(require.cache).filter(path => path.includes("/dist/"))) {
        delete require.cache[path];
    }
    process.env.OIDC_SPA_NATIVE_ENGINE = engine;
    return require("../dist/index.js");
}

/** An issuer, and a function that makes new requests with its tokens. */
function newCase(alg, isBound) {
    const { createTestIssuer, dpopClient } = require("../dist/testing/index.js");
    const issuer = createTestIssuer({ algorithms: [alg] });
    const client = dpopClient({ token: client => issuer.sign({}, { boundTo: client }) });
    const bearer = i => ({
        method: "GET",
        url: URL,
        headers: { authorization: `Bearer ${issuer.sign({ jti: `${i}` })}` }
    });
    const bound = () => ({ method: "GET", url: URL, headers: client.headers("GET", URL) });
    return {
        options: issuer.options,
        requests: () => Array.from({ length: REQUESTS }, (_, i) => (isBound ? bound() : bearer(i)))
    };
}

/** Microseconds of this process's CPU for a request. */
async function costOf(validator, requests) {
    const begun = process.cpuUsage();
    for (const request of requests) {
        const verdict = await validator.validateRequest(request);
        if (!verdict.isSuccess) {
            throw new Error(verdict.debugErrorMessage);
        }
    }
    const { user, system } = process.cpuUsage(begun);
    return (user + system) / requests.length;
}

async function compare(name, alg, isBound) {
    const { options, requests } = newCase(alg, isBound);
    const validators = ENGINES.map(engine => {
        const validator = load(engine).createValidator({ ...options, verification: "inline" });
        if (validator.health().engine !== engine) {
            throw new Error(`${engine} does not run`);
        }
        return validator;
    });
    const costs = ENGINES.map(() => []);
    for (let round = 0; round <= Number(values.rounds); round += 1) {
        for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) {
            const cost = await costOf(validators[i], requests());
            // The first round compiles.
            round > 0 && costs[i].push(cost);
        }
    }
    const [native, wasm] = costs.map(median);
    console.log(`${name}: WebAssembly takes ${(wasm / native).toFixed(2)} times the addon's CPU`);
}

/**
 * How each library begins: from its import to a verdict on one request. Without `keys`, it fetches them from `issuerUri`,
 * which listens on loopback.
 */
const BEGINNINGS = {
    native: beginOurs,
    wasm: beginOurs,
    "the addon's file alone": async () => {
        const { loadAddon } = await import("../dist/addon/load.js");
        return loadAddon().engine === "native";
    },
    "the WebAssembly module alone": async () => {
        const { inlineModule } = await import("../dist/wasm/inline.js");
        return inlineModule() !== undefined;
    },
    jose: async ({ issuerUri, audience, keys, token }) => {
        const { createLocalJWKSet, createRemoteJWKSet, jwtVerify } = await import("jose");
        let keySet;
        if (keys === undefined) {
            const metadata = await (await fetch(`${issuerUri}/.well-known/openid-configuration`)).json();
            keySet = createRemoteJWKSet(new globalThis.URL(metadata.jwks_uri));
        } else {
            keySet = createLocalJWKSet(keys);
        }
        const { payload } = await jwtVerify(token, keySet, {
            issuer: issuerUri,
            audience,
            algorithms: ["RS256"]
        });
        return payload.sub !== undefined;
    },
    // It takes no keys, so it always fetches.
    "oidc-spa/server": async ({ issuerUri, audience, token }) => {
        const { oidcSpa } = await import("oidc-spa/server");
        const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
        await bootstrapAuth({ implementation: "real", issuerUri, expectedAudience: audience });
        const { isSuccess } = await validateAndDecodeAccessToken({
            scheme: "Bearer",
            accessToken: token,
            rejectIfAccessTokenDPoPBound: true
        });
        return isSuccess;
    }
};

async function beginOurs({ issuerUri, audience, keys, token }) {
    const { createValidator } = await import("../dist/index.js");
    const validator = createValidator({
        issuerUri,
        expectedAudience: audience,
        ...(keys && { keys: { jwks: keys } })
    });
    const headers = { authorization: `Bearer ${token}` };
    const { isSuccess } = await validator.validateRequest({ method: "GET", url: URL, headers });
    return isSuccess;
}

/**
 * Milliseconds from the import to the first verdict, and those of CPU, in this process, in which nothing was loaded
 * before.
 */
async function first(name) {
    const question = JSON.parse(process.env.QUESTION);
    const cpuBefore = process.cpuUsage();
    const begun = performance.now();
    const isGood = await BEGINNINGS[name](question);
    const wall = performance.now() - begun;
    const { user, system } = process.cpuUsage(cpuBefore);
    if (!isGood) {
        throw new Error(`${name}: refused`);
    }
    console.log(JSON.stringify({ wall, cpu: (user + system) / 1000 }));
    // Connections would keep it alive.
    process.exit();
}

/** Each library's first verdict, in processes of their own, in turns. */
async function compareFirst() {
    const { createTestIssuer } = require("../dist/testing/index.js");
    const audience = "https://api.example";
    const issuer = await createTestIssuer({ algorithms: ["RS256"], audience }).listen();
    const { issuerUri } = issuer;
    for (const keys of [issuer.jwks, undefined]) {
        const names = Object.keys(BEGINNINGS).filter(
            name => keys === undefined || name !== "oidc-spa/server"
        );
        const times = new Map(names.map(name => [name, []]));
        for (let round = 0; round < Number(values.processes); round += 1) {
            for (const name of names) {
                const QUESTION = JSON.stringify({ issuerUri, audience, keys, token: issuer.sign({}) });
                const OIDC_SPA_NATIVE_ENGINE = name === "wasm" ? "wasm" : "native";
                // Not the synchronous form: the issuer answers from this process.
                const { stdout } = await execFile(process.execPath, [SCRIPT, "--first", name], {
                    env: { ...process.env, QUESTION, OIDC_SPA_NATIVE_ENGINE }
                });
                times.get(name).push(JSON.parse(stdout));
            }
        }
        for (const name of names) {
            const figures = ["wall", "cpu"].map(kind => {
                const of = name => times.get(name).map(time => time[kind]);
                const time = median(of(name));
                const least = Math.min(...of(name));
                return (
                    `${(time / median(of("native"))).toFixed(2)} times the addon's ${kind} time ` +
                    `(median ${time.toFixed(0)} ms, least ${least.toFixed(0)} ms)`
                );
            });
            console.log(
                `first verdict, keys ${keys === undefined ? "fetched" : "given"}, ${name}: ${figures.join("; ")}`
            );
        }
    }
    await issuer.close();
}

if (values.first !== undefined) {
    await first(values.first);
} else {
    if (Number(values.rounds) > 0) {
        await compare("a, RS256", "RS256", false);
        await compare("b, ES256", "ES256", false);
        await compare("e, DPoP", "ES256", true);
    }
    await compareFirst();
}
