// `npm run example -- express`: one example, beside the demo's authorization server, or with the issuer of OIDC_ISSUER_URI.

import { spawn } from "node:child_process";
import { clientCredentials } from "./demo/client.mjs";
import { API, startIssuer } from "./demo/issuer.mjs";
import { commandOf, compile, EXAMPLES } from "./programs.mjs";

const [name] = process.argv.slice(2);
if (!Object.hasOwn(EXAMPLES, name)) {
    console.error(`Which example? There are ${Object.keys(EXAMPLES).join(", ")}.`);
    process.exit(2);
}
await compile();

const { OIDC_ISSUER_URI, OIDC_AUDIENCE, PORT = "3000" } = process.env;
const ofDemo = OIDC_ISSUER_URI === undefined ? await demoIssuer() : undefined;
const env = {
    ...process.env,
    PORT,
    OIDC_ISSUER_URI: OIDC_ISSUER_URI ?? ofDemo.issuerUri,
    OIDC_AUDIENCE: OIDC_AUDIENCE ?? API
};
const [command, ...args] = commandOf(name);
const child = spawn(command, args, { env, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => child.kill(signal));
}
if (ofDemo !== undefined) {
    await printRequests(ofDemo);
}
child.once("close", async code => {
    await ofDemo?.close();
    process.exitCode = code ?? 0;
});

/** Its service `editor` has the role that `/api/reports` asks for. */
function demoIssuer() {
    const services = ["reader", "editor"].map(clientId => ({ clientId, algorithm: "ES256" }));
    const tokenClaims = ({ clientId }) =>
        clientId === "editor" ? { realm_access: { roles: ["editor"] } } : {};
    return startIssuer({ services, tokenClaims });
}

/** A program of one line that opens a socket and shows what it hears. */
function handshake(api, token) {
    const program = [
        `const socket = new (require("ws"))("${api.replace("http", "ws")}/items", ["authorization_bearer_${token}"])`,
        `socket.on("message", text => { console.log(String(text)); socket.close() })`,
        `socket.on("unexpected-response", (_, { statusCode, headers }) => console.log(statusCode, headers["www-authenticate"]))`
    ];
    return `node -e '${program.join("; ")}'`;
}

async function printRequests(issuer) {
    // Tokens of a loopback issuer that ends with this process: shown, so that they can be pasted.
    const reader = await clientCredentials(issuer, { clientId: "reader", resource: API });
    const editor = await clientCredentials(issuer, { clientId: "editor", resource: API });
    const api = `http://127.0.0.1:${PORT}/api`;
    if (name === "websocket") {
        console.log(`\n${handshake(api, reader)}\n${handshake(api, "nonsense")}\n`);
        return;
    }
    console.log(`
curl -i ${api}/public
curl -i ${api}/items
curl -i ${api}/items -H 'Authorization: Bearer ${reader}'
curl -i ${api}/reports -H 'Authorization: Bearer ${reader}'
curl -i ${api}/reports -H 'Authorization: Bearer ${editor}'
`);
}
