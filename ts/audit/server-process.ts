/**
 * The process of a server that an audit starts.
 *
 * In: a command, an environment. Out: whether it runs. Never: a process that outlives this one.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

export class ServerProcess {
    readonly #command: readonly string[];
    readonly #env: Readonly<Record<string, string | undefined>>;
    #child: ChildProcess | undefined;
    #isStarted = false;

    constructor(command: readonly string[], env: Readonly<Record<string, string | undefined>>) {
        this.#command = command;
        this.#env = env;
    }

    /** Whether it was started and has ended by itself. */
    get hasEnded(): boolean {
        const { pid, exitCode, signalCode } = this.#child ?? {};
        return this.#isStarted && (pid === undefined || exitCode !== null || signalCode !== null);
    }

    /** In a group of processes of its own, so that what it starts ends with it. */
    start(): void {
        const [command = "", ...args] = this.#command;
        const child = spawn(command, args, {
            env: this.#env,
            stdio: ["ignore", "ignore", "inherit"],
            detached: process.platform !== "win32"
        });
        this.#child = child;
        // A command that does not exist has no process; the run waits for an answer, and says that there is none.
        child.once("error", () => undefined);
        // What it started may run on, and would answer in its place.
        child.once("exit", () => killAll(child));
        if (!this.#isStarted) {
            this.#isStarted = true;
            process.once("exit", () => this.hasEnded || (this.#child && killAll(this.#child)));
            // A signal that ends this program does not reach a group of its own.
            for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
                process.once(signal, () => process.exit(2));
            }
        }
    }

    /** Ends it. */
    async stop(): Promise<void> {
        if (this.#child !== undefined && !this.hasEnded) {
            const gone = once(this.#child, "exit");
            killAll(this.#child);
            await gone;
        }
    }
}

/** Ends a process with those of its group. */
function killAll({ pid }: ChildProcess): void {
    try {
        if (pid !== undefined) {
            process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
        }
    } catch {
        // They have ended.
    }
}
