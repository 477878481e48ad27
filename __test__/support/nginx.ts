// A real nginx on loopback, with a configuration of its own, started and stopped by a test.

import type { Pair } from "./certificates.js";
import { startLoopbackProgram, type LoopbackProgram } from "./loopback-program.js";

/** One server of nginx: what stands inside its `server { }`, the TLS of it aside. */
export interface NginxServer {
    readonly directives: readonly string[];
}

/** Starts servers that end TLS (HTTP/1.1 and HTTP/2) with this certificate, each with a port, in their order. */
export async function startNginx(
    { cert, key }: Pair,
    servers: readonly NginxServer[]
): Promise<LoopbackProgram> {
    return startLoopbackProgram({
        program: "nginx",
        ports: servers.length,
        args: ({ folder }) => ["-p", folder, "-e", "stderr", "-c", "nginx.conf"],
        files: ({ ports }) => ({
            "cert.pem": cert,
            "key.pem": key,
            "nginx.conf": configuration(servers, ports)
        })
    });
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
