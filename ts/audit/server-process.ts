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
        this.#child = spawn(command, args, {
            env: this.#env,
            stdio: ["ignore", "ignore", "inherit"],
            detached: process.platform !== "win32"
        });
        // A command that does not exist has no process; the run waits for an answer, and says that there is none.
        this.#child.once("error", () => undefined);
        if (!this.#isStarted) {
            this.#isStarted = true;
            // A signal that ends this program does not reach a group of its own.
            for (const signal of ["SIGINT", "SIGTERM"] as const) {
                process.once(signal, () => {
                    this.#kill();
                    process.exit(2);
                });
            }
        }
    }

    /** Ends it. */
    async stop(): Promise<void> {
        if (this.#child !== undefined && !this.hasEnded) {
            const gone = once(this.#child, "exit");
            this.#kill();
            await gone;
        }
    }

    #kill(): void {
        const pid = this.#child?.pid;
        try {
            if (pid !== undefined) {
                process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
            }
        } catch {
            // It has just ended.
        }
    }
}
