// A server that an audit starts: good, or with one fault, by its first argument. The second is a file for what it saw.

import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { createValidator } from "oidc-spa-native";

const [kind, log] = process.argv.slice(2);
const { ISSUER_URI, AUDIENCE, PORT } = process.env;

const options = kind === "nonce" ? { dpop: "allowed", nonce: "required" } : {};
const validator = createValidator({ issuerUri: ISSUER_URI, expectedAudience: AUDIENCE, ...options });

const claimsOf = authorization => {
    try {
        return JSON.parse(Buffer.from(authorization.split(".")[1], "base64url").toString());
    } catch {
        return undefined;
    }
};

async function good(req) {
    const { isSuccess, status = 200, headers } = await validator.validateRequest(req);
    return { status: isSuccess ? 200 : status, headers };
}

const refusal = { status: 401, headers: { "WWW-Authenticate": "Bearer" } };

let refusals = 0;
let hangs = false;

/**
 * `undefined`: it has answered in another way, or does not answer.
 *
 * @type {Record<string, (req: import("node:http").IncomingMessage, res: import("node:http").ServerResponse) => unknown>}
 */
const KINDS = {
    good,
    nonce: good,
    open: () => ({ status: 200 }),
    // Believes what any token says.
    credulous: ({ headers: { authorization = "" } }) => {
        const { iss, aud } = claimsOf(authorization) ?? {};
        const isGranted = /^bearer /i.test(authorization) && iss === ISSUER_URI && aud !== undefined;
        return { status: isGranted ? 200 : 401 };
    },
    // After some refusals takes nothing from anybody any more.
    locking: async req => {
        const answer = refusals > 5 ? { status: 403 } : await good(req);
        refusals += answer.status === 200 ? 0 : 1;
        return answer;
    },
    // Does not read a list of audiences.
    narrow: req => (Array.isArray(claimsOf(req.headers.authorization ?? "")?.aud) ? refusal : good(req)),
    // Ends where a token names no algorithm.
    fragile: req => {
        const [header = ""] = (req.headers.authorization ?? "").replace("Bearer ", "").split(".");
        if (/"alg":"none"/.test(Buffer.from(header, "base64url").toString())) {
            process.exit(1);
        }
        return good(req);
    },
    // Says too much.
    talkative: async req => {
        const answer = await good(req);
        const body = `${req.headers.authorization}\n${new Error("refused").stack}`;
        return answer.status === 200 ? answer : { ...answer, body };
    },
    // Closes the connection of everybody whose token is not good, as nginx does with `return 444`.
    closing: async (req, res) => {
        const answer = await good(req);
        return answer.status === 200 ? answer : void res.destroy();
    },
    // Refuses with a field that HTTP does not allow.
    malformed: async (req, { socket }) => {
        const answer = await good(req);
        return answer.status === 200
            ? answer
            : void socket.end("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: \u001b[2J\r\n\r\n");
    },
    // Hangs where a token names no algorithm, and from then on.
    hanging: async req => {
        const [header = ""] = (req.headers.authorization ?? "").replace("Bearer ", "").split(".");
        hangs ||= /"alg":"none"/.test(Buffer.from(header, "base64url").toString());
        return hangs ? undefined : good(req);
    },
    // Sends everybody whose token is not good elsewhere.
    redirecting: async req => {
        const answer = await good(req);
        return answer.status === 200 ? answer : { status: 302, headers: { Location: log } };
    }
};

let open = 0;

createServer(async (req, res) => {
    open++;
    res.once("close", () => open--);
    if (kind !== "redirecting" && log !== undefined) {
        appendFileSync(log, `${JSON.stringify({ url: req.url, open, at: performance.now() })}\n`);
    }
    const answer = await KINDS[kind](req, res);
    if (answer !== undefined) {
        const { status, headers = {}, body = "" } = answer;
        res.writeHead(status, headers).end(body);
    }
}).listen(Number(PORT), "127.0.0.1");
