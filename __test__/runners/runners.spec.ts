// The package in the realms of test runners: code that Jest or vitest runs there has its own Promise, Error, Uint8Array.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AUDIENCE, createFixtures, ITEMS, nowInSeconds } from "../support/fixtures.js";
import { NO_NETWORK_VARIABLES, root } from "../support/script.js";

const project = join(root, "__test__/runners/project");

/** Runs the project's tests; its issuer has a second key from the second time on that it is asked for them. */
async function runs(program: string, args: readonly string[], nodeOptions = ""): Promise<string> {
    const { issuer, keys, ...f } = await createFixtures();
    const jwks = issuer.jwks as { keys: readonly { kid: string }[] };
    issuer.answerJwks = res => {
        const isFirst = issuer.requests.jwks === 1;
        res.end(JSON.stringify({ keys: jwks.keys.filter(({ kid }) => !isFirst || kid === "es256") }));
    };
    const now = nowInSeconds();
    const bound = f.boundToken(now);
    const env = {
        ...process.env,
        ...NO_NETWORK_VARIABLES,
        NODE_OPTIONS: nodeOptions,
        ISSUER: issuer.issuerUri,
        AUDIENCE,
        ITEMS,
        JWKS: JSON.stringify(jwks),
        TOKEN: f.token(now),
        LATER: f.token(now, {}, "RS256"),
        STRANGER: f.token(now, { sub: "user-2" }),
        BOUND: bound,
        // One for each file: both may run in one process.
        PROOFS: JSON.stringify([f.proof(now, bound), f.proof(now, bound)])
    };
    try {
        return await new Promise(resolve => {
            const command = [join(root, "node_modules", program), ...args];
            execFile(
                process.execPath,
                command,
                { cwd: project, env, timeout: 240_000 },
                (error, stdout, stderr) => {
                    resolve(
                        `${error === null ? "passed" : `failed (${error.code ?? error.signal})`}\n${stdout}${stderr}`
                    );
                }
            );
        });
    } finally {
        await issuer.close();
    }
}

const jest = (file: string, nodeOptions?: string) => {
    const config = {
        rootDir: project,
        testMatch: [`**/${file}`],
        transform: {},
        moduleFileExtensions: ["js", "cjs", "mjs", "json", "node"]
    };
    return runs(
        "jest/bin/jest.js",
        ["--config", JSON.stringify(config), "--no-cache", "--ci", "--runInBand"],
        nodeOptions
    );
};

const vitest = (pool: string, file: string) =>
    runs("vitest/vitest.mjs", [
        "run",
        file,
        "--config",
        join(project, "vitest.config.mjs"),
        "--pool",
        pool,
        "--reporter",
        "json"
    ]);

test("Jest 30, CommonJS", { timeout: 300_000 }, async () => {
    const said = await jest("commonjs.test.cjs");
    expect(said).toMatch(/^passed\n/);
    expect(said).toMatch(/Tests: +8 passed, 8 total/);
});

test("Jest 30, modules", { timeout: 300_000 }, async () => {
    // Both files, one after the other in one process: a realm each, with one addon.
    const said = await jest("*.test.?js", "--experimental-vm-modules");
    expect(said).toMatch(/^passed\n/);
    expect(said).toMatch(/Tests: +16 passed, 16 total/);
});

test.each(["vmThreads", "vmForks", "threads"])("vitest, %s", { timeout: 300_000 }, async pool => {
    const said = await vitest(pool, "esm.test.mjs");
    expect(said).toMatch(/^passed\n/);
    expect(said).toContain('"numPassedTests":8');
});
