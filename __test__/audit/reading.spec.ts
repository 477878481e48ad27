// What an answer of an audited server says, which may be hostile.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../support/script.js";

const READING = join(root, "dist/audit/reading.js");

/** The names of what is wrong with a body, in a process that can be ended. */
function faultsOf(body: string): string {
    const program = `
        const { faultsOf } = require(${JSON.stringify(READING)});
        const answer = { status: 401, fields: { "www-authenticate": "Bearer" }, body: ${body} };
        const faults = faultsOf(answer, { fields: [], expected: 401 }, false);
        process.stdout.write(faults.map(({ name }) => name).join());
    `;
    const { stdout, error } = spawnSync(process.execPath, ["-e", program], {
        encoding: "utf8",
        timeout: 50_000
    });
    return error === undefined ? stdout : error.message;
}

test.each([
    ["of JavaScript", String.raw`"Error: no\n    at f (/app/server.js:10:5)"`],
    ["of JavaScript, with other line ends", String.raw`"Error: no\r\n\tat /app/server.js:10:5\r\n"`],
    ["of Java", String.raw`"Exception\n\tat com.example.Api.me(Api.java:12)"`],
    ["of Python", '"Traceback (most recent call last)"'],
    ["of Go", '"goroutine 12 [running]"']
])("a stack trace %s is found", (_, body) => {
    expect(faultsOf(body)).toBe("a stack trace in the body");
});

// Where the time grows with the square of the length, each of these takes hours.
test.each([
    ["line ends", String.raw`"\n".repeat(1 << 20)`],
    ["line ends and spaces", String.raw`"\n ".repeat(1 << 20)`],
    ["spaces", String.raw`"\n" + " ".repeat(1 << 20)`],
    ["colons", String.raw`"\n at " + ":1 ".repeat(1 << 20)`],
    ["dots", String.raw`"\n at x(" + "a.".repeat(1 << 20)`],
    ["digits", '"goroutine " + "1".repeat(1 << 20)']
])("a long body of %s is read in time", (_, body) => {
    expect(faultsOf(body)).toBe("");
});
