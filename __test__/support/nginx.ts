// A real nginx on loopback, with a configuration of its own, started and stopped by a test.

import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pair } from "./certificates.js";
import { startable } from "./programs.js";

/** One server of nginx: what stands inside its `server { }`, the TLS of it aside. */
export interface NginxServer {
    readonly directives: readonly string[];
}

export interface Nginx {
    /** The port of each server, in their order. */
    readonly ports: readonly number[];
    close(): Promise<void>;
}

/** Starts servers that end TLS (HTTP/1.1 and HTTP/2) with this certificate. */
export async function startNginx({ cert, key }: Pair, servers: readonly NginxServer[]): Promise<Nginx> {
    const command = startable("nginx");
    const folder = mkdtempSync(join(tmpdir(), "oidc-spa-native-nginx-"));
    const ports = await freePorts(servers.length);
    writeFileSync(join(folder, "cert.pem"), cert);
    writeFileSync(join(folder, "key.pem"), key);
    writeFileSync(join(folder, "nginx.conf"), configuration(servers, ports));
    const nginx = spawn(command, ["-p", folder, "-e", "stderr", "-c", "nginx.conf"], {
        stdio: ["ignore", "ignore", "pipe"]
    });
    let said = "";
    nginx.stderr.setEncoding("utf8").on("data", (text: string) => {
        said += text;
    });
    const closed = once(nginx, "close");
    for (const port of ports) {
        while (!(await accepts(port))) {
            if (nginx.exitCode !== null) {
                throw new Error(`nginx ended with ${nginx.exitCode}: ${said}`);
            }
            await sleep(20);
        }
    }
    return {
        ports,
        close: async () => {
            nginx.kill("SIGTERM");
            await closed;
            rmSync(folder, { recursive: true });
        }
    };
}

function configuration(servers: readonly NginxServer[], ports: readonly number[]): string {
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
        name => `${name}_temp_path ${name};`
    );
    const blocks = servers.map(({ directives }, i) => {
        const listen = `listen 127.0.0.1:${ports[i]} ssl http2;`;
        return [
            "server {",
            listen,
            "ssl_certificate cert.pem;",
            "ssl_certificate_key key.pem;",
            ...directives,
            "}"
        ];
    });
    // One process: there is no worker to hand files to, and nobody else whose rights it would need.
    const main = ["daemon off;", "master_process off;", "pid nginx.pid;", "events { }"];
    return [...main, "http {", "access_log off;", ...temporary, ...blocks.flat(), "}", ""].join("\n");
}

/** Free ports below those that systems give to whoever asks for any: nobody else takes them before nginx does. */
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
