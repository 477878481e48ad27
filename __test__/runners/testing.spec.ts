// The programs of docs/testing.md, in each test runner.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { describeWith, startable } from "../support/programs.js";
import { NO_NETWORK_VARIABLES, root } from "../support/script.js";

const run = promisify(execFile);
const project = join(root, "__test__/runners/testing");
/** NestJS 12 consists of modules that Jest cannot `require` before Node.js 24.9. */
const NESTJS = "nestjs.test.mjs";
const TESTS = ["app", "clock", "drop-in", "fake", "introspection", "issuer", "mock", "shapes"].map(
    name => `${name}.test.mjs`
);

/** What a runner says; it ends with an error where a test fails. */
async function said(args: readonly string[], variables: Record<string, string> = {}): Promise<string> {
    const env = { ...process.env, ...NO_NETWORK_VARIABLES, NODE_OPTIONS: "", ...variables };
    const { stdout, stderr } = await run(process.execPath, args, { cwd: project, env, timeout: 240_000 });
    return stdout + stderr;
}

test("Jest", { timeout: 300_000 }, async () => {
    const config = {
        rootDir: project,
        testMatch: [...TESTS, "time.jest.mjs"].map(name => `**/${name}`),
        transform: {},
        moduleFileExtensions: ["js", "cjs", "mjs", "json", "node"]
    };
    const jest = join(root, "node_modules/jest/bin/jest.js");
    const args = ["--config", JSON.stringify(config), "--no-cache", "--ci", "--runInBand"];
    expect(await said([jest, ...args], { NODE_OPTIONS: "--experimental-vm-modules" })).toMatch(
        /Tests: +16 passed, 16 total/
    );
});

test("vitest", { timeout: 300_000 }, async () => {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const args = [
        "run",
        "--root",
        project,
        "--config",
        join(project, "vitest.config.mjs"),
        "--reporter",
        "json"
    ];
    expect(await said([vitest, ...args])).toContain('"numPassedTests":18,');
});

/** Runs these files in `node:test`; all their tests pass, and there are so many. */
async function passInNode(files: readonly string[], count: number, variables = {}): Promise<void> {
    const runner = ["--import", "./node.setup.mjs", "--test", "--test-reporter", "tap"];
    const output = await said([...runner, ...files], variables);
    expect(output).toMatch(new RegExp(`^# pass ${count}$`, "m"));
    expect(output).toMatch(/^# fail 0$/m);
}

test("node:test", { timeout: 300_000 }, () => passInNode([...TESTS, NESTJS, "time.node.mjs"], 18));

describeWith(["chromium"], "with a browser", () => {
    test("Playwright", { timeout: 300_000 }, () =>
        passInNode(["playwright.test.mjs"], 2, { CHROMIUM: startable("chromium") })
    );
});
