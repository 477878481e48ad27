// The package in processes of its own: module systems, exit, worker threads.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";
import { script } from "../support/script.js";

let f: Fixtures;

beforeAll(async () => {
    f = await createFixtures();
});

afterAll(() => f.issuer.close());

const environment = () => ({
    ISSUER: f.issuer.issuerUri,
    AUDIENCE,
    TOKEN: f.token(nowInSeconds())
});

const PROGRAM = `
    const { bootstrapAuth, validateAndDecodeAccessToken } = oidcSpa.createUtils();
    async function main() {
        const { ISSUER, AUDIENCE, TOKEN } = process.env;
        await bootstrapAuth({ implementation: "real", issuerUri: ISSUER, expectedAudience: AUDIENCE });
        const request = { method: "GET", url: "https://api.example.com/", headers: new Headers({ authorization: "Bearer " + TOKEN }) };
        const context = extractRequestAuthContext({ request, trustProxy: false });
        const result = await validateAndDecodeAccessToken(context.accessTokenAndMetadata);
        console.log(result.isSuccess, result.decodedAccessToken.sub);
    }
    main();
`;

describe("a program whose import is changed", () => {
    test.each(["oidc-spa/server", "oidc-spa-native/server"])("%s, ESM and CommonJS", async name => {
        const esm = await script(
            `import { oidcSpa, extractRequestAuthContext } from "${name}";${PROGRAM}`,
            "module",
            environment()
        );
        expect(esm.stdout).toBe("true user-1");
        const cjs = await script(
            `const { oidcSpa, extractRequestAuthContext } = require("${name}");${PROGRAM}`,
            "commonjs",
            environment()
        );
        expect(cjs.stdout).toBe("true user-1");
    });
});

test("named imports are all that a package exports, in ESM too", async () => {
    const { stdout } = await script(
        `import * as main from "oidc-spa-native"; import * as server from "oidc-spa-native/server";
         const names = module => Object.keys(module).filter(name => !["default", "module.exports", "__esModule"].includes(name)).sort();
         console.log(names(main).join(), names(server).join());`,
        "module"
    );
    expect(stdout).toBe("RefusedError,createValidator extractRequestAuthContext,oidcSpa");
});

test("Q21: a validator does not keep a process alive, whatever its issuer does", async () => {
    for (const [issuerUri, isSilent] of [
        [f.issuer.issuerUri, false],
        ["http://127.0.0.1:9", false],
        [f.issuer.issuerUri, true]
    ] as const) {
        f.issuer.isSilent = isSilent;
        const { stdout } = await script(
            `import { createValidator } from "oidc-spa-native";
             const { AUDIENCE, TOKEN, ISSUER } = process.env;
             const validator = createValidator({
                 issuerUri: ISSUER, expectedAudience: AUDIENCE, keysTimeoutMs: 300, network: { timeoutMs: 60_000 }
             });
             const verdict = await validator.validateRequest({ authorization: "Bearer " + TOKEN });
             console.log(verdict.isSuccess ? "granted" : verdict.code);`,
            "module",
            { ...environment(), ISSUER: issuerUri }
        );
        f.issuer.isSilent = false;
        expect(["granted", "keys_unavailable", "issuer_mismatch"]).toContain(stdout);
    }
});

test("E21: the warning about an audience that is not checked is a process warning, once", async () => {
    const { stdout, stderr } = await script(
        `import { oidcSpa } from "oidc-spa-native/server";
         for (let i = 0; i < 3; i++) {
             const utils = oidcSpa.createUtils();
             await utils.bootstrapAuth({ implementation: "real", issuerUri: process.env.ISSUER, expectedAudience: undefined });
         }
         console.log("started");`,
        "module",
        environment()
    );
    expect(stdout).toBe("started");
    expect(stderr.match(/expectedAudience is undefined/g)).toHaveLength(1);
});

test("L04: worker threads of one process share keys and replay memory", async () => {
    const now = nowInSeconds();
    const accessToken = f.boundToken(now);
    const before = f.issuer.requests.jwks;
    const { stdout } = await script(
        `const { Worker } = require("node:worker_threads");
         const code = \`
             const { parentPort } = require("node:worker_threads");
             const { createValidator } = require("oidc-spa-native");
             const { ISSUER, AUDIENCE, TOKEN, PROOF } = process.env;
             // Kept, as a server keeps its validator: the last one to go would take the keys along.
             const validator = globalThis.validator = createValidator({ issuerUri: ISSUER, expectedAudience: AUDIENCE });
             parentPort.on("message", () => process.exit());
             validator.validateRequest({ authorization: "DPoP " + TOKEN, dpop: PROOF }, { method: "GET", url: AUDIENCE + "/v1/items" })
                 .then(verdict => parentPort.postMessage(verdict.isSuccess ? "granted" : verdict.code));
         \`;
         const workers = Array.from({ length: 4 }, () => new Worker(code, { eval: true }));
         Promise.all(workers.map(worker => new Promise((resolve, reject) => {
             worker.on("message", resolve).on("error", reject);
         }))).then(answers => {
             console.log(answers.sort().join(" "));
             workers.forEach(worker => worker.postMessage("exit"));
         });`,
        "commonjs",
        { ...environment(), TOKEN: accessToken, PROOF: f.proof(now, accessToken) }
    );
    expect(stdout).toBe("granted proof_replayed proof_replayed proof_replayed");
    expect(f.issuer.requests.jwks).toBe(before + 1);
});
