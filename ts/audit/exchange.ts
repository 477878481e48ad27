/**
 * One request to the audited server, and its answer.
 *
 * In: a target, a request. Out: status, fields, the beginning of the body; or how there was none. Never: a redirect that is
 * followed, a proxy, two connections at a time, an exception.
 */

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP, isIPv6 } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Target } from "./target.js";

/** What came back. */
export interface Answer {
    readonly status: number;
    /** Fields by their names in small letters; lines of one name are joined. */
    readonly fields: Readonly<Record<string, string>>;
    /** Its first 64 KiB. */
    readonly body: string;
}

/** There was no answer. */
export interface NoAnswer {
    readonly failure: "timeout" | "closed" | "unreachable" | "malformed";
}

/** A request: path and query, and its fields but `Host`. */
export interface Question {
    readonly method: string;
    readonly target: string;
    readonly fields: readonly (readonly [name: string, value: string])[];
}

/** Bytes that are read of a body. */
const MAX_BODY = 64 * 1024;

/** Codes of errors that come before a connection is there. */
const UNREACHABLE =
    /^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EACCES|CERT_|ERR_TLS_|DEPTH_|SELF_|UNABLE_)/;

/** Milliseconds of a steady clock, and a wait. */
export interface Pace {
    readonly now: () => number;
    readonly sleep: (ms: number) => Promise<unknown>;
}

/** Sends requests to one target, one after the other, so many in a second at most. */
export class Exchange {
    readonly #target: Target;
    readonly #pauseMs: number;
    readonly #timeoutMs: number;
    readonly #pace: Pace;
    #last: Promise<unknown> = Promise.resolve();
    #nextAt = 0;
    #sent = 0;
    /** Which of the target's addresses is asked: the next one, if there is no connection to it. */
    #turn = 0;

    constructor(
        target: Target,
        { perSecond, timeoutMs }: { perSecond: number; timeoutMs: number },
        pace: Pace = { now: () => performance.now(), sleep }
    ) {
        this.#pace = pace;
        this.#target = target;
        this.#pauseMs = 1000 / perSecond;
        this.#timeoutMs = timeoutMs;
    }

    /** How many requests were sent. */
    get sent(): number {
        return this.#sent;
    }

    send(question: Question): Promise<Answer | NoAnswer> {
        const turn = this.#last.then(async () => {
            await this.#pace.sleep(Math.max(0, this.#nextAt - this.#pace.now()));
            this.#nextAt = this.#pace.now() + this.#pauseMs;
            this.#sent++;
            const { addresses } = this.#target;
            const address = addresses[this.#turn % addresses.length] ?? "";
            const answer = await answerTo(this.#target, address, question, this.#timeoutMs);
            if ("failure" in answer && answer.failure === "unreachable") {
                this.#turn++;
            }
            return answer;
        });
        this.#last = turn;
        return turn;
    }
}

/** One connection for one request: what an earlier request left behind changes no later answer. */
function answerTo(
    { url, ca }: Target,
    address: string,
    question: Question,
    timeoutMs: number
): Promise<Answer | NoAnswer> {
    const { method, target, fields } = question;
    const isTls = url.protocol === "https:";
    const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
    // An agent of its own: that of the process may have a proxy, by NODE_USE_ENV_PROXY.
    const agent = isTls ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false });
    return new Promise(resolve => {
        let isConnected = false;
        const request = (isTls ? httpsRequest : httpRequest)({
            agent,
            method,
            path: target,
            host: address,
            family: isIPv6(address) ? 6 : 4,
            port: url.port === "" ? (isTls ? 443 : 80) : Number(url.port),
            headers: ["Host", url.host, ...fields.flat(), "Connection", "close", ...bodyless(method)],
            maxHeaderSize: MAX_BODY,
            ...(isTls && { ...(isIP(name) === 0 && { servername: name }), ...(ca !== undefined && { ca }) })
        });
        const end = (answer: Answer | NoAnswer) => {
            clearTimeout(timer);
            resolve(answer);
            request.destroy();
        };
        const timer = setTimeout(() => end({ failure: "timeout" }), timeoutMs);
        request.once("socket", socket => {
            socket.once(isTls ? "secureConnect" : "connect", () => (isConnected = true));
        });
        request.once("error", (error: NodeJS.ErrnoException) => {
            const code = error.code ?? "";
            const isUnreachable = !isConnected || UNREACHABLE.test(code);
            end({
                failure: code.startsWith("HPE_") ? "malformed" : isUnreachable ? "unreachable" : "closed"
            });
        });
        // Nobody asked for another protocol. Without a listener Node.js ends the connection, and says so to nobody.
        for (const event of ["upgrade", "connect"] as const) {
            request.once(event, (_response: IncomingMessage, socket: Duplex) => {
                socket.destroy();
                end({ failure: "malformed" });
            });
        }
        request.once("response", response => void read(response).then(end));
        request.end();
    });
}

/** No request has a body; methods that could have one say so. */
const bodyless = (method: string): readonly string[] =>
    /^(?:GET|HEAD|DELETE|OPTIONS)$/.test(method) ? [] : ["Content-Length", "0"];

async function read(response: IncomingMessage): Promise<Answer | NoAnswer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
        for await (const chunk of response as AsyncIterable<Buffer>) {
            chunks.push(chunk);
            bytes += chunk.length;
            if (bytes >= MAX_BODY) {
                break;
            }
        }
    } catch {
        return { failure: "closed" };
    }
    const fields = Object.entries(response.headersDistinct).map(([name, values]) => [
        name,
        values?.join(", ")
    ]);
    return {
        status: response.statusCode ?? 0,
        fields: Object.fromEntries(fields) as Answer["fields"],
        body: Buffer.concat(chunks).subarray(0, MAX_BODY).toString("latin1")
    };
}
