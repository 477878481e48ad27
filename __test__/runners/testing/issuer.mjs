import { once } from "node:events";
import { createServer } from "node:http";
import { jwks } from "./tokens.mjs";

/** An issuer on this machine, for what fetches keys itself. Plain http is allowed there. */
export async function startIssuer() {
    let issuerUri = "";
    const documents = {
        "/.well-known/openid-configuration": () => ({ issuer: issuerUri, jwks_uri: `${issuerUri}/keys` }),
        "/keys": () => jwks
    };
    const server = createServer((req, res) => {
        const document = documents[req.url];
        res.writeHead(document ? 200 : 404, { "content-type": "application/json" });
        res.end(JSON.stringify(document?.() ?? {}));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    issuerUri = `http://127.0.0.1:${server.address().port}`;
    return { issuerUri, close: () => server.close() };
}
