// `npm run todo:test`: builds what is missing, then tests the API on both guards, two instances of it, and the whole in a browser.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { commandOf, howToGet } from "../../../scripts/programs.mjs";
import { run } from "../../../scripts/step.mjs";
import { build, HERE } from "../run/build.mjs";

const missing = ["chromium", "redis-server", "nginx"].filter(name => commandOf(name) === undefined);
if (missing.length > 0) {
    console.error(`Missing on this machine:\n${missing.map(name => `  ${howToGet(name)}`).join("\n")}`);
    process.exit(1);
}
await build();
const { ok } = await run({
    title: "Checking the page's types",
    command: process.execPath,
    args: ["node_modules/typescript/bin/tsc", "--project", "web"],
    cwd: HERE,
    quiet: true
});
if (!ok) {
    process.exit(1);
}
const files = readdirSync(`${HERE}test`).filter(name => name.endsWith(".test.mjs"));
const child = spawn(
    process.execPath,
    ["--test", "--test-reporter=spec", "--test-concurrency=2", ...files.map(name => `test/${name}`)],
    { cwd: HERE, stdio: "inherit" }
);
child.once("exit", code => {
    process.exitCode = code ?? 1;
});
