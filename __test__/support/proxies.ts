// Real proxies on loopback that end TLS (HTTP/1.1 and HTTP/2): HAProxy, Apache httpd, Caddy.

import type { Pair } from "./certificates.js";
import { startLoopbackProgram, type LoopbackProgram } from "./loopback-program.js";
import type { Program } from "./programs.js";

/** How one server of a proxy passes requests on. */
export interface Passing {
    /** Lines of its configuration, in its own language. */
    readonly lines: readonly string[];
    /** The port of the server behind it. */
    readonly inner: number;
}

export type StartProxy = (pair: Pair, servers: readonly Passing[]) => Promise<LoopbackProgram>;

export const startHaproxy: StartProxy = ({ cert, key }, servers) =>
    startLoopbackProgram({
        program: "haproxy",
        ports: servers.length,
        args: () => ["-db", "-q", "-f", "haproxy.cfg"],
        files: ({ ports }) => ({
            "both.pem": cert + key,
            "haproxy.cfg": text([
                "global",
                "maxconn 100",
                "defaults",
                "mode http",
                "timeout connect 5s",
                "timeout client 30s",
                "timeout server 30s",
                ...servers.flatMap(({ lines, inner }, i) => [
                    `listen server${i}`,
                    `bind 127.0.0.1:${ports[i]} ssl crt both.pem alpn h2,http/1.1`,
                    ...lines,
                    `server inner 127.0.0.1:${inner}`
                ])
            ])
        })
    });

const APACHE_MODULES = ["mpm_event", "authz_core", "headers", "http2", "proxy", "proxy_http", "ssl"];
/** Apache does not serve as root. */
const APACHE_USER = process.getuid?.() === 0 ? ["User www-data", "Group www-data"] : [];

export const startApache: StartProxy = ({ cert, key }, servers) =>
    startLoopbackProgram({
        program: "apache2",
        ports: servers.length,
        args: ({ folder }) => ["-f", `${folder}/httpd.conf`, "-D", "FOREGROUND"],
        files: ({ folder, ports }) => ({
            "cert.pem": cert,
            "key.pem": key,
            "httpd.conf": text([
                `ServerRoot ${folder}`,
                `DefaultRuntimeDir ${folder}`,
                `PidFile ${folder}/apache.pid`,
                `ErrorLog ${folder}/error.log`,
                "ServerName localhost",
                ...APACHE_USER,
                ...APACHE_MODULES.map(
                    name => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`
                ),
                ...servers.flatMap(({ lines, inner }, i) => [
                    `Listen 127.0.0.1:${ports[i]}`,
                    `<VirtualHost 127.0.0.1:${ports[i]}>`,
                    "SSLEngine on",
                    `SSLCertificateFile ${folder}/cert.pem`,
                    `SSLCertificateKeyFile ${folder}/key.pem`,
                    "Protocols h2 http/1.1",
                    `ProxyPass / http://127.0.0.1:${inner}/`,
                    ...lines,
                    "</VirtualHost>"
                ])
            ])
        })
    });

export const startCaddy: StartProxy = ({ cert, key }, servers) =>
    startLoopbackProgram({
        program: "caddy",
        ports: servers.length,
        args: () => ["run", "--config", "Caddyfile", "--adapter", "caddyfile"],
        files: ({ folder, ports }) => ({
            "cert.pem": cert,
            "key.pem": key,
            Caddyfile: text([
                "{",
                "admin off",
                "auto_https off",
                "}",
                ...servers.flatMap(({ lines, inner }, i) => [
                    `https://localhost:${ports[i]} {`,
                    "bind 127.0.0.1",
                    `tls ${folder}/cert.pem ${folder}/key.pem`,
                    `reverse_proxy 127.0.0.1:${inner} {`,
                    ...lines,
                    "}",
                    "}"
                ])
            ])
        })
    });

export const PROXIES = {
    haproxy: startHaproxy,
    apache2: startApache,
    caddy: startCaddy
} satisfies Partial<Record<Program, StartProxy>>;

const text = (lines: readonly string[]): string => `${lines.join("\n")}\n`;
