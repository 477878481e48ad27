// Serves the built page: its files, the settings that it reads at start, and the policy that keeps foreign scripts out.

import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, relative } from "node:path";

const TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2"
};

/**
 * @param {object} options
 * @param {number} options.port
 * @param {string} options.folder - what Vite built
 * @param {{ apiUrl: string, issuerUri: string }} options.settings - what the page reads as /config.json
 */
export async function serveWeb({ port, folder, settings }) {
    const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry =>
        entry.isFile()
    );
    const files = new Map(
        names.map(entry => {
            const path = join(entry.parentPath, entry.name);
            return [`/${relative(folder, path)}`, readFileSync(path)];
        })
    );
    const policy = policyFor(settings);
    const server = createServer((req, res) => {
        const [path] = req.url.split("?");
        if (path === "/config.json") {
            const head = { "Content-Type": "application/json", "Cache-Control": "no-store" };
            res.writeHead(200, head).end(JSON.stringify(settings));
            return;
        }
        // Any other path is one that the page's own router knows.
        const file = files.has(path) ? path : "/index.html";
        res.writeHead(200, {
            "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
            "Cache-Control": file.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin"
        }).end(files.get(file));
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return {
        async close() {
            server.closeAllConnections();
            server.close();
            await once(server, "close");
        }
    };
}

function policyFor({ apiUrl, issuerUri }) {
    const [api, issuer] = [apiUrl, issuerUri].map(url => new URL(url).origin);
    const socket = api.replace(/^http/, "ws");
    return [
        "default-src 'self'",
        `connect-src 'self' ${api} ${socket} ${issuer}`,
        // oidc-spa renews a session in a frame where there is no refresh token.
        `frame-src 'self' ${issuer}`,
        "frame-ancestors 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'"
    ].join("; ");
}
