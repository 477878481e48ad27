// A program that listens on loopback, in a folder of its own, started and stopped by a test.

import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startable, type Program } from "./programs.js";

export interface LoopbackProgram {
    readonly ports: readonly number[];
    close(): Promise<void>;
}

/** Where the program runs, as its configuration is told. */
export interface Place {
    readonly folder: string;
    readonly ports: readonly number[];
}

export interface Start {
    readonly program: Program;
    /** How many ports it listens on. */
    readonly ports: number;
    readonly args: (place: Place) => readonly string[];
    /** Files of its folder, by name. */
    readonly files: (place: Place) => Readonly<Record<string, string>>;
}

/** Starts it, and waits until it listens on every port. */
export async function startLoopbackProgram(start: Start): Promise<LoopbackProgram> {
    const { program } = start;
    const command = startable(program);
    const folder = mkdtempSync(join(tmpdir(), `oidc-spa-native-${program}-`));
    const place = { folder, ports: await freePorts(start.ports) };
    for (const [name, content] of Object.entries(start.files(place))) {
        writeFileSync(join(folder, name), content);
    }
    const child = spawn(command, start.args(place), {
        cwd: folder,
        env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
        stdio: ["ignore", "ignore", "pipe"]
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
        said += text;
    });
    const closed = once(child, "close");
    for (const port of place.ports) {
        while (!(await accepts(port))) {
            if (child.exitCode !== null) {
                throw new Error(`${program} ended with ${child.exitCode}: ${said}`);
            }
            await sleep(20);
        }
    }
    return {
        ports: place.ports,
        close: async () => {
            child.kill("SIGTERM");
            await closed;
            rmSync(folder, { recursive: true });
        }
    };
}

/** Free ports below those that systems give to whoever asks for any: nobody else takes them before the program does. */
async function freePorts(count: number): Promise<number[]> {
    const ports = new Set<number>();
    while (ports.size < count) {
        const port = randomInt(20_000, 32_000);
        const server = createServer().listen(port, "127.0.0.1");
        const isFree = await once(server, "listening").then(
            () => true,
            () => false
        );
        if (isFree) {
            ports.add(port);
            await once(server.close(), "close");
        }
    }
    return [...ports];
}

async function accepts(port: number): Promise<boolean> {
    const socket = connect(port, "127.0.0.1");
    try {
        await once(socket, "connect");
        return true;
    } catch {
        return false;
    } finally {
        socket.destroy();
    }
}
