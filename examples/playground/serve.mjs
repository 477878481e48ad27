// Serves the page on loopback. It gets no request beside those for its own files.

import { once } from "node:events";
import { createServer } from "node:http";
import { extname } from "node:path";
import { bundlePage } from "./bundle.mjs";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

const FIELDS = {
    // No connection at all: what is pasted stays in the page. `wasm-unsafe-eval` compiles WebAssembly, and no script.
    "Content-Security-Policy": [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src data:",
        "connect-src 'none'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'"
    ].join("; "),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store"
};

/** @param {number} port - 0: any that is free */
export async function startPlayground(port) {
    const files = await bundlePage();
    const server = createServer((req, res) => {
        const path = req.url === "/" ? "/index.html" : req.url;
        const file = req.method === "GET" ? files.get(path) : undefined;
        if (file === undefined) {
            res.writeHead(404, FIELDS).end();
            return;
        }
        res.writeHead(200, { ...FIELDS, "Content-Type": `${TYPES[extname(path)]}; charset=utf-8` }).end(file);
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return { url: `http://localhost:${server.address().port}/`, server };
}
