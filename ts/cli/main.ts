#!/usr/bin/env node
/**
 * The program `oidc-spa-native`.
 *
 * In: the command line of a process. Out: what a command prints, and the status that the process ends with. Never: a rule.
 */

import { messageOf } from "../validator/shown.js";
import { audit } from "./audit.js";
import { doctor } from "./doctor.js";
import { type Exit, inspect, type Surroundings } from "./inspect.js";
import { safe } from "./terminal.js";
import { readCommandLine, USAGE } from "./usage.js";

const COMMANDS = { inspect, doctor, audit };

async function main(args: readonly string[], surroundings: Surroundings): Promise<Exit> {
    const { stdout, stderr } = surroundings;
    try {
        const { command, words, options } = readCommandLine(args);
        if (command === "help") {
            stdout.write(USAGE);
            return 0;
        }
        return await COMMANDS[command](words, options, surroundings);
    } catch (error) {
        const message = safe(messageOf(error)).replace(/[.]$/, "");
        stderr.write(
            `oidc-spa-native: ${message}${/[?]$/.test(message) ? "" : "."} See oidc-spa-native --help\n`
        );
        return 2;
    }
}

// A reader that has seen enough, such as `head`, closes the pipe.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exitCode = error.code === "EPIPE" ? process.exitCode : 2;
});

// If nothing is left to wait for before there is an answer, that is no good one.
process.exitCode = 2;
void main(process.argv.slice(2), process).then(exit => {
    process.exitCode = exit;
    // What still waits for an issuer does not keep the program; what it printed has been written.
    process.stdout.write("", () => process.exit(exit));
});
