// The WebAssembly engine beside the addon: what a verdict costs with each, and how long the first one takes.
//
//     node benchmark/engines.mjs [--rounds 7]
//
// Both engines run in one process, in turns. The addon is the one in binding/: it must be a release build, or the ratios
// flatter WebAssembly.

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
    options: { rounds: { type: "string", default: "7" }, first: { type: "string" } }
});
const ENGINES = ["native", "wasm"];
const URL = "https://api.example/items";
/** Requests of a case in a round. Each of them was never seen before. */
const REQUESTS = 1000;

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

/** Milliseconds from the import to the first verdict, in a process of its own. */
async function first(engine) {
    const { options, requests } = newCase("RS256", false);
    const [request] = requests().slice(0, 1);
    // The modules of the kit loaded the engine already.
    const begun = performance.now();
    const verdict = await load(engine).createValidator(options).validateRequest(request);
    console.log(verdict.isSuccess ? performance.now() - begun : Number.NaN);
}

if (values.first !== undefined) {
    await first(values.first);
} else {
    await compare("a, RS256", "RS256", false);
    await compare("b, ES256", "ES256", false);
    await compare("e, DPoP", "ES256", true);
    const times = ENGINES.map(engine =>
        median(
            Array.from({ length: Number(values.rounds) }, () =>
                Number(execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--first", engine]))
            )
        )
    );
    const [native, wasm] = times;
    console.log(
        `first verdict: WebAssembly takes ${(wasm / native).toFixed(2)} times the addon's time (${wasm.toFixed(0)} ms)`
    );
}
