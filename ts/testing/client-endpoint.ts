/**
 * A request of a client to its authorization server: a form, and the client's secret (RFC 6749 section 2.3.1).
 *
 * In: a request, the client. Out: the form, or the answer that refuses it. Never: an endless body, a client without its secret.
 */

import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { unescape } from "node:querystring";
import type { IntrospectionClient } from "./introspection-client.js";
import { sha256 } from "./keys.js";

/** An answer, ready to be written. */
export interface Reply {
    readonly status: number;
    readonly fields: Readonly<Record<string, string>>;
    readonly body: string;
}

/** How a client may authenticate, as metadata says it. */
export const CLIENT_AUTHENTICATION: readonly string[] = ["client_secret_basic", "client_secret_post"];

/** The longest form. No token that a server takes is as long. */
const MAX_BODY = 64 * 1024;

const FORM = /^application\/x-www-form-urlencoded *(?:;|$)/i;
const BASIC = /^Basic +([A-Za-z0-9+/_-]+=*)$/i;

/** Answers a request that is a form of this client, and refuses any other one. */
export async function answerClient(
    request: IncomingMessage,
    client: IntrospectionClient,
    answer: (form: ReadonlyMap<string, string>) => Reply
): Promise<Reply> {
    if (request.method !== "POST") {
        return refusal(405, "invalid_request", { Allow: "POST" });
    }
    if (!FORM.test(request.headers["content-type"] ?? "")) {
        return refusal(415, "invalid_request");
    }
    const body = await bodyOf(request);
    if (body === undefined) {
        return refusal(413, "invalid_request", { Connection: "close" });
    }
    const parameters = [...new URLSearchParams(body)];
    const form = new Map(parameters);
    const { authorization } = request.headers;
    // A client uses one method, and writes each parameter once (RFC 6749 sections 2.3 and 3.2).
    if (form.size < parameters.length || (authorization !== undefined && form.has("client_secret"))) {
        return refusal(400, "invalid_request");
    }
    const given = authorization === undefined ? inForm(form) : inField(authorization);
    if (!isSame(given.clientId, client.clientId) || !isSame(given.clientSecret, client.clientSecret)) {
        return refusal(401, "invalid_client", { "WWW-Authenticate": 'Basic realm="test issuer"' });
    }
    return (form.get("token") ?? "") === "" ? refusal(400, "invalid_request") : answer(form);
}

/** An answer that nobody stores. */
export const notStored = (status: number, type: string, body: string): Reply => ({
    status,
    fields: { "Content-Type": type, "Cache-Control": "no-store" },
    body
});

function refusal(status: number, error: string, fields: Reply["fields"] = {}): Reply {
    const reply = notStored(status, "application/json", JSON.stringify({ error }));
    return { ...reply, fields: { ...reply.fields, ...fields } };
}

const inForm = (form: ReadonlyMap<string, string>): IntrospectionClient => ({
    clientId: form.get("client_id") ?? "",
    clientSecret: form.get("client_secret") ?? ""
});

/** Name and secret are each encoded as in a form, before they are joined. */
function inField(authorization: string): IntrospectionClient {
    const [, encoded = ""] = BASIC.exec(authorization) ?? [];
    const [, clientId = "", clientSecret = ""] =
        /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, "base64").toString()) ?? [];
    return { clientId: decoded(clientId), clientSecret: decoded(clientSecret) };
}

const decoded = (text: string): string => unescape(text.replaceAll("+", " "));

const isSame = (given: string, expected: string): boolean =>
    timingSafeEqual(Buffer.from(sha256(given)), Buffer.from(sha256(expected)));

/** `undefined`: it is too long, and the rest is not kept. */
function bodyOf(request: IncomingMessage): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        request.on("data", (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > MAX_BODY) {
                chunks.length = 0;
                resolve(undefined);
            } else {
                chunks.push(chunk);
            }
        });
        request.once("end", () => resolve(Buffer.concat(chunks).toString()));
        request.once("error", reject);
        request.once("close", () => reject(new Error("the client went away")));
    });
}
