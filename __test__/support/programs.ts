// What a test does that needs a program of the machine: it runs where the program is, and says its name where it is not.

import { describe } from "vitest";
import { commandOf, howToGet, type PROGRAMS } from "../../scripts/programs.mjs";

export type Program = keyof typeof PROGRAMS;

/**
 * `describe` for tests that start these programs. Where one is missing they are skipped, and their title says which;
 * with `CI` set they fail.
 */
export function describeWith(programs: readonly Program[], title: string, tests: () => void): void {
    const missing = programs.filter(name => commandOf(name) === undefined);
    if (missing.length > 0 && process.env["CI"] !== undefined) {
        throw new Error(`These tests need what this machine lacks: ${missing.map(howToGet).join("; ")}`);
    }
    const reason = missing.length === 0 ? "" : ` (skipped: ${missing.join(", ")} not found)`;
    describe.skipIf(missing.length > 0)(`${title}${reason}`, tests);
}

/** The program's command. Throws where there is none: ask inside of {@link describeWith}. */
export function startable(program: Program): string {
    const command = commandOf(program);
    if (command === undefined) {
        throw new Error(`Not found: ${howToGet(program)}`);
    }
    return command;
}
