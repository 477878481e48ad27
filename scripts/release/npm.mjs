// Calls npm without a shell, on every platform, and without the settings that `npm run` hands to its children.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** npm as `npm run` found it: its file, for `node`. On Windows the command `npm` is a script that only a shell runs. */
const CLI = process.env.npm_execpath?.endsWith("npm-cli.js") ? process.env.npm_execpath : undefined;

/** For a child's environment: no setting of the npm that runs this program. */
export const NO_NPM_SETTINGS = Object.fromEntries(
    Object.keys(process.env)
        .filter(name => name.startsWith("npm_"))
        .map(name => [name, undefined])
);

/** The command of npm, for a step. */
export function npmCommand(args) {
    return CLI === undefined ? { command: "npm", args } : { command: process.execPath, args: [CLI, ...args] };
}

/**
 * The process stays free meanwhile: it may be the registry that npm asks.
 *
 * @param {string[]} args
 * @param {{ mayFail?: boolean }} [options] - `mayFail`: the caller looks at the status itself
 * @returns {Promise<{ status: number | null, stdout: string }>}
 */
export async function npm(args, { mayFail = false } = {}) {
    const call = npmCommand(args);
    const child = spawn(call.command, call.args, {
        env: { ...process.env, ...NO_NPM_SETTINGS },
        stdio: ["ignore", "pipe", mayFail ? "ignore" : "inherit"]
    });
    const [stdout, [status]] = await Promise.all([text(child.stdout), once(child, "close")]);
    if (status !== 0 && !mayFail) {
        throw new Error(`npm ${args.join(" ")} ended with ${status}: ${stdout}`);
    }
    return { status, stdout };
}
