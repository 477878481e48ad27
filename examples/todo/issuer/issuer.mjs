// The authorization server of the example: oidc-provider, its sign-in page, and what the lessons of the panel need.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createBackstage } from "./backstage.mjs";
import { openKeys } from "./keys.mjs";
import { goneWrongPage, signInPage } from "./pages.mjs";
import { personOf } from "./people.mjs";
import { createProvider } from "./provider.mjs";

const FONT = readFileSync(
    fileURLToPath(import.meta.resolve("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"))
);

/**
 * @param {object} options
 * @param {number} options.port
 * @param {string} options.keysFile
 * @param {string} options.audience - of the API's access tokens
 * @param {string} options.webOrigin - where the page is served
 * @param {string} options.clientId
 * @param {() => number} options.tokenSeconds - how long an access token lives
 * @param {(sub: string) => string | undefined} options.todoOfAnother
 */
export async function startIssuer({ port, keysFile, todoOfAnother, ...settings }) {
    const issuerUri = `http://127.0.0.1:${port}`;
    const keys = openKeys(keysFile);
    const newProvider = () => createProvider({ ...settings, issuerUri, keys });
    let provider = newProvider();
    const backstage = createBackstage({
        webOrigin: settings.webOrigin,
        todoOfAnother,
        rotate: () => {
            keys.rotate();
            provider = newProvider();
        }
    });

    const server = createServer((req, res) => {
        if (!URL.canParse(req.url, issuerUri)) {
            res.writeHead(400).end();
            return;
        }
        const url = new URL(req.url, issuerUri);
        if (backstage.answers(req, res, url)) {
            return;
        }
        if (backstage.isDown()) {
            req.socket.destroy();
        } else if (url.pathname === "/inter.woff2") {
            res.writeHead(200, { "Content-Type": "font/woff2", "Cache-Control": "max-age=86400" }).end(FONT);
        } else if (url.pathname.startsWith("/sign-in/")) {
            signIn(provider, req, res).catch(() => sendPage(res, 400, goneWrongPage()));
        } else {
            provider.callback()(req, res);
        }
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");

    return {
        issuerUri,
        async close() {
            server.closeAllConnections();
            server.close();
            await once(server, "close");
        }
    };
}

async function signIn(provider, req, res) {
    await provider.interactionDetails(req, res);
    if (req.method !== "POST") {
        sendPage(res, 200, signInPage());
        return;
    }
    // SameSite of the cookie keeps other sites out. Another port of this machine is the same site.
    if (req.headers.origin !== provider.issuer) {
        throw new Error("The form is not that of this page");
    }
    const person = personOf(new URLSearchParams(await text(req)).get("sub"));
    const result = person === undefined ? { error: "access_denied" } : { login: { accountId: person.sub } };
    await provider.interactionFinished(req, res, result);
}

function sendPage(res, status, html) {
    res.writeHead(status, {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        // No page of somebody else lays itself over the buttons.
        "Content-Security-Policy": "frame-ancestors 'none'"
    }).end(html);
}
