/**
 * What is inspected: a token, the header fields of a request, or a curl command.
 *
 * In: words of the command line, standard input, files. Out: `Pasted`, keys. Never: more than so many bytes, a request.
 */

import { openSync, readSync, closeSync } from "node:fs";
import { isCurl, readCurl, type PastedRequest } from "./curl.js";
import { UsageError, type Options } from "./usage.js";

/** Bytes that are read of what is pasted, and of a file. */
const MAX_BYTES = 1024 * 1024;

/** Where standard input comes from. */
export interface Input extends AsyncIterable<string | Uint8Array> {
    readonly isTTY?: boolean | undefined;
}

/** The request that is inspected: that of the words or of standard input, with what options say of it. */
export async function readRequest(
    words: readonly string[],
    options: Options,
    stdin: Input
): Promise<PastedRequest> {
    const text = await textOf(words, stdin);
    const pasted = readPasted(text);
    if (pasted.authorization.length === 0 && pasted.dpop.length === 0) {
        throw new UsageError(
            "no token is in what was given: neither a token, nor a field Authorization. A browser gives a request by Copy as cURL (bash)"
        );
    }
    const { proof, method, url } = options;
    return {
        method: method ?? pasted.method,
        url: url ?? pasted.url,
        authorization:
            proof !== undefined && isBareToken(text)
                ? pasted.authorization.map(field => field.replace(/^Bearer /, "DPoP "))
                : pasted.authorization,
        dpop: proof === undefined ? pasted.dpop : [proof]
    };
}

const isBareToken = (text: string): boolean => /^\S+$/.test(text.trim());

async function textOf(words: readonly string[], stdin: Input): Promise<string> {
    if (words.length > 0 && words[0] !== "-") {
        // A whole command in quotes is one word; without, the shell has taken it apart already.
        return words.join(" ");
    }
    if (stdin.isTTY === true && words.length === 0) {
        throw new UsageError("a token is needed: as an argument, or on standard input");
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of stdin) {
        const buffer = Buffer.from(chunk);
        bytes += buffer.length;
        if (bytes > MAX_BYTES) {
            throw new UsageError(`standard input holds more than ${MAX_BYTES} bytes`);
        }
        chunks.push(buffer);
    }
    return Buffer.concat(chunks).toString("utf8");
}

/** What a pasted text says, in any of its three forms. */
export function readPasted(text: string): PastedRequest {
    if (isCurl(text)) {
        return readCurl(text);
    }
    if (/(?:^|[\s$#%>])curl(?:\.exe)?\s/.test(text)) {
        throw new UsageError("the text holds a curl command: paste it from the word curl on");
    }
    const request: { authorization: string[]; dpop: string[] } = {
        authorization: [],
        dpop: []
    };
    const lines = text.split(/\r?\n/).slice(0, 1000);
    for (const line of lines) {
        // Trimmed first, so that a run of spaces is read once.
        const [, name, value = ""] = /^(?:>\s*)?(authorization|dpop)\s*:(.*)$/i.exec(line.trim()) ?? [];
        if (name !== undefined && value.trim() !== "") {
            request[name.toLowerCase() as "authorization" | "dpop"].push(value.trim());
        }
    }
    const bare = text.trim();
    if (/^(?:fetch\s*\(|await fetch\s*\(|Invoke-(?:WebRequest|RestMethod)\s|\$session\s*=)/.test(bare)) {
        throw new UsageError("a program is no request: copy it by Copy as cURL (bash)");
    }
    if (request.authorization.length === 0 && bare !== "" && !/[\r\n]/.test(bare)) {
        request.authorization.push(/^(?:bearer|dpop)\s/i.test(bare) ? bare : `Bearer ${bare}`);
    }
    const method = /^(?:>\s*)?([A-Z]{3,20}) \S{1,8000} HTTP\/\d/.exec(text.trimStart())?.[1];
    return { method, url: undefined, ...request };
}

/** What `--keys` names: known keys, or where they are. */
export function readKeys(given: string | undefined): { keys?: object; jwksUri?: string } {
    if (given === undefined) {
        return {};
    }
    if (/^https?:\/\//i.test(given)) {
        return { jwksUri: given };
    }
    const text = /^\s*(?:\{|-----BEGIN )/.test(given) ? given : readFile(given, "--keys");
    if (!text.trimStart().startsWith("{")) {
        return { keys: { pem: text } };
    }
    try {
        const document = JSON.parse(text) as { keys?: unknown };
        return { keys: { jwks: document.keys === undefined ? { keys: [document] } : document } };
    } catch {
        throw new UsageError("--keys: expected a JWK Set as JSON, or public keys in PEM");
    }
}

/** What `--ca` names. */
export const readAuthority = (path: string | undefined): { ca?: string } =>
    path === undefined ? {} : { ca: readFile(path, "--ca") };

function readFile(path: string, option: string): string {
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    try {
        const file = openSync(path, "r");
        try {
            for (let read = 1; read > 0 && length < buffer.length; length += read) {
                read = readSync(file, buffer, length, buffer.length - length, null);
            }
        } finally {
            closeSync(file);
        }
    } catch (error) {
        throw new UsageError(
            `${option}: the file cannot be read (${(error as NodeJS.ErrnoException).code ?? "error"})`
        );
    }
    if (length > MAX_BYTES) {
        throw new UsageError(`${option}: the file holds more than ${MAX_BYTES} bytes`);
    }
    return buffer.toString("utf8", 0, length);
}
