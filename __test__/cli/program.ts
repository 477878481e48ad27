// The program as a user's shell runs it.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "../support/script.js";

export interface Ended {
    readonly exit: number | null;
    readonly out: string;
    readonly err: string;
}

/** Runs `oidc-spa-native` with these words and this on its standard input, with no other environment than this. */
export async function program(
    args: readonly string[],
    input = "",
    env: Record<string, string> = {}
): Promise<Ended> {
    return ended([process.execPath, join(root, "dist/cli/main.js"), ...args], input, env);
}

export async function ended(
    [command = "", ...args]: readonly string[],
    input: string,
    env: Record<string, string>,
    cwd = root
): Promise<Ended> {
    const child = spawn(command, args, { env, cwd });
    let out = "";
    let err = "";
    child.stdout.on("data", chunk => (out += chunk));
    child.stderr.on("data", chunk => (err += chunk));
    // A program that has seen enough does not read the rest.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const exit = await new Promise<number | null>(resolve => child.on("close", resolve));
    return { exit, out, err };
}
