// Real Redis servers on loopback, started and stopped by the tests.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startable } from "./programs.js";

const run = promisify(execFile);

export interface RedisServer {
    readonly port: number;
    /** The process that listens now. */
    readonly process: ChildProcess;
    /** What redis-cli prints. */
    cli(...args: string[]): Promise<string>;
    /** Ends it at once, as `kill -9` does. */
    kill(): Promise<void>;
    /** Starts it again, on the same port and empty. */
    restart(): Promise<void>;
    /** Stops it from running, with its connections open. */
    pause(): void;
    resume(): void;
    close(): Promise<void>;
}

export interface RedisOptions {
    /** Lines of redis.conf. */
    readonly config?: readonly string[];
    /** What redis-cli needs beside the port. */
    readonly cliArgs?: readonly string[];
    readonly port?: number;
    /** Other files of its folder, by name. */
    readonly files?: Readonly<Record<string, string>>;
    readonly isSentinel?: boolean;
    /** Without a plain port. */
    readonly isTls?: boolean;
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
    const { config = [], cliArgs = [], files = {}, isSentinel = false, isTls = false } = options;
    const port = options.port ?? (await freePort());
    const folder = mkdtempSync(join(tmpdir(), "oidc-spa-native-redis-"));
    for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(folder, name), text);
        chmodSync(join(folder, name), 0o600);
    }
    const ports = isTls ? ["port 0", `tls-port ${port}`] : [`port ${port}`];
    const memory = isSentinel ? [] : ['save ""', "appendonly no"];
    const lines = [...ports, "bind 127.0.0.1", `dir ${folder}`, ...memory, ...config];
    writeFileSync(join(folder, "server.conf"), `${lines.join("\n")}\n`);

    const start = async (): Promise<ChildProcess> => {
        const args = [join(folder, "server.conf"), ...(isSentinel ? ["--sentinel"] : [])];
        const child = spawn(startable("redis-server"), args, {
            cwd: folder,
            stdio: ["ignore", "pipe", "pipe"]
        });
        let output = "";
        child.stdout.on("data", text => (output += String(text)));
        child.stderr.on("data", text => (output += String(text)));
        await listening(port, child, () => output);
        return child;
    };
    const end = async (child: ChildProcess): Promise<void> => {
        if (child.exitCode === null && child.signalCode === null) {
            const ended = once(child, "exit");
            child.kill("SIGKILL");
            await ended;
        }
    };
    let child = await start();
    return {
        port,
        get process() {
            return child;
        },
        cli: async (...args) => {
            const { stdout } = await run(startable("redis-cli"), ["-p", String(port), ...cliArgs, ...args], {
                timeout: 60_000
            });
            return stdout.trim();
        },
        kill: () => end(child),
        restart: async () => {
            child = await start();
        },
        pause: () => void child.kill("SIGSTOP"),
        resume: () => void child.kill("SIGCONT"),
        close: async () => {
            await end(child);
            rmSync(folder, { recursive: true, force: true });
        }
    };
}

async function listening(port: number, child: ChildProcess, output: () => string): Promise<void> {
    for (let i = 0; i < 200; i++) {
        if (child.exitCode !== null) {
            throw new Error(`redis-server ended: ${output()}`);
        }
        if (await accepts(port)) {
            return;
        }
        await delay(50);
    }
    throw new Error(`redis-server does not listen: ${output()}`);
}

const accepts = (port: number): Promise<boolean> =>
    new Promise(resolve => {
        const socket = connect(port, "127.0.0.1");
        const end = (isOpen: boolean) => {
            socket.destroy();
            resolve(isOpen);
        };
        socket.on("connect", () => end(true)).on("error", () => end(false));
    });

export const delay = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** Waits until the condition holds. */
export async function until(
    what: string,
    holds: () => Promise<boolean> | boolean,
    ms = 45_000
): Promise<void> {
    const end = Date.now() + ms;
    while (!(await holds())) {
        if (Date.now() > end) {
            throw new Error(`waited in vain: ${what}`);
        }
        await delay(100);
    }
}

/**
 * A port that nobody listens on, below those that systems give to whoever asks for any. So is the one 10000 above it,
 * which a server of a Cluster takes too.
 */
export async function freePort(): Promise<number> {
    for (;;) {
        const port = randomInt(10_000, 22_000);
        if ((await isFree(port)) && (await isFree(port + 10_000))) {
            return port;
        }
    }
}

async function isFree(port: number): Promise<boolean> {
    const server = createServer().listen(port, "127.0.0.1");
    try {
        await once(server, "listening");
    } catch {
        return false;
    }
    server.close();
    await once(server, "close");
    return true;
}
