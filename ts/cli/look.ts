/**
 * The answers of an issuer to plain requests from this machine, beside the library's own result: for `doctor`.
 *
 * In: an issuer's name. Out: what each place of its metadata said, how far its clock is off, whose certificate its server
 * shows. Never: a decision, a redirect that is followed, more than so many bytes and seconds, a secret.
 */

import { request as askHttp, type IncomingMessage } from "node:http";
import { request as askHttps } from "node:https";
import { connect, type PeerCertificate } from "node:tls";

/** One place of the metadata. */
export interface Place {
    readonly url: string;
    /** What it said, in short. */
    readonly said: string;
    readonly document: Readonly<Record<string, unknown>> | null;
    /** How many seconds the issuer's clock is ahead of this one; `null` where it does not say. */
    readonly clockAheadSeconds: number | null;
}

const MAX_BYTES = 256 * 1024;

/**
 * Where the metadata of an issuer may be, in the order in which the library asks: OpenID Connect Discovery 1.0 section 4,
 * RFC 8414 section 3.1.
 */
export function placesOf(issuerUri: string): readonly string[] {
    const url = URL.canParse(issuerUri) ? new URL(issuerUri) : null;
    if (url === null || !/^https?:$/.test(url.protocol)) {
        return [];
    }
    const path = url.pathname.replace(/\/+$/, "");
    const at = (place: string) => `${url.origin}${place}`;
    return [
        ...new Set([
            at(`${path}/.well-known/openid-configuration`),
            at(`/.well-known/oauth-authorization-server${path}`),
            at(`/.well-known/openid-configuration${path}`)
        ])
    ];
}

/** Asks one place. */
export async function lookAt(url: string, timeoutMs: number, ca: string | undefined): Promise<Place> {
    const begun = Date.now();
    const nothing = { url, document: null, clockAheadSeconds: null };
    let response: IncomingMessage;
    let body: string | null;
    try {
        [response, body] = await ask(url, timeoutMs, ca);
    } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        const why = code === "ABORT_ERR" ? `not complete within ${timeoutMs / 1000} s` : (code ?? message);
        return { ...nothing, said: `no answer: ${why}` };
    }
    const now = (begun + Date.now()) / 2;
    const date = Date.parse(response.headers.date ?? "");
    // A `Date` has no fractions of a second: half of one is what it is off by in the mean.
    const clockAheadSeconds = Number.isNaN(date) ? null : Math.round((date + 500 - now) / 1000);
    const status = response.statusCode ?? 0;
    const document = status === 200 ? documentOf(body) : null;
    const said =
        document === null
            ? `${status}${status === 200 ? ", and no JSON object" : ""}`
            : `${status}, of ${typeof document["issuer"] === "string" ? document["issuer"] : "no issuer"}`;
    return { url, said, document, clockAheadSeconds };
}

function documentOf(body: string | null): Readonly<Record<string, unknown>> | null {
    try {
        const value: unknown = JSON.parse(body ?? "");
        return typeof value === "object" && value !== null && !Array.isArray(value)
            ? (value as Readonly<Record<string, unknown>>)
            : null;
    } catch {
        return null;
    }
}

async function ask(
    url: string,
    timeoutMs: number,
    ca: string | undefined
): Promise<[IncomingMessage, string | null]> {
    const signal = AbortSignal.timeout(timeoutMs);
    const asking = url.startsWith("https:") ? askHttps : askHttp;
    const options = {
        signal,
        agent: false,
        headers: { accept: "application/json" },
        ...(ca !== undefined && { ca })
    };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const request = asking(url, options, resolve).on("error", reject);
        // Without a listener Node.js ends the connection, and says so to nobody: the program would end without an answer.
        request.on("upgrade", (_response, socket) => {
            socket.destroy();
            reject(new Error("the server changed to another protocol, which nobody asked for"));
        });
        request.end();
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response) {
        bytes += (chunk as Buffer).length;
        if (bytes > MAX_BYTES) {
            return [response, null];
        }
        chunks.push(chunk as Buffer);
    }
    return [response, Buffer.concat(chunks).toString("utf8")];
}

/** Whose certificate a server shows. */
export interface ShownCertificate {
    /** Why Node.js does not trust it; `null` where it does. The library looks into the authorities of the system. */
    readonly distrust: string | null;
    readonly subject: string;
    /** Who signed the last certificate of the chain that the server sends. */
    readonly authority: string;
    readonly isSelfSigned: boolean;
    readonly validUntil: string;
}

/** Looks at the certificate of an https server; `null` without a certificate. */
export async function certificateOf(
    issuerUri: string,
    timeoutMs: number,
    ca: string | undefined
): Promise<ShownCertificate | null> {
    const { protocol, hostname, port } = new URL(issuerUri);
    if (protocol !== "https:") {
        return null;
    }
    const host = hostname.replace(/^\[|\]$/g, "");
    const isName = !/^[\d.]+$|:/.test(host);
    return new Promise(resolve => {
        // It is looked at, and nothing is sent over it.
        const socket = connect({
            host,
            port: port === "" ? 443 : Number(port),
            rejectUnauthorized: false,
            ...(isName && { servername: host }),
            ...(ca !== undefined && { ca })
        });
        const end = (found: ShownCertificate | null) => {
            clearTimeout(timer);
            socket.destroy();
            resolve(found);
        };
        // For all of it: a server that sends a byte now and then is never idle.
        const timer = setTimeout(() => end(null), timeoutMs);
        socket.on("error", () => end(null));
        socket.on("secureConnect", () => {
            const certificate = socket.getPeerCertificate(true);
            const error: unknown = socket.authorizationError;
            const distrust = socket.authorized
                ? null
                : String((error as Error | undefined)?.message ?? error);
            end({ distrust, ...told(certificate) });
        });
    });
}

function told(
    leaf: PeerCertificate & { issuerCertificate?: PeerCertificate }
): Omit<ShownCertificate, "distrust"> {
    let last = leaf as PeerCertificate & { issuerCertificate?: PeerCertificate };
    for (let i = 0; i < 8; i++) {
        const next = last.issuerCertificate as typeof last | undefined;
        if (next === undefined || next.fingerprint256 === last.fingerprint256) {
            break;
        }
        last = next;
    }
    const nameOf = (name: unknown) =>
        Object.entries((name ?? {}) as Record<string, unknown>)
            .filter(([part]) => part === "CN" || part === "O")
            .map(([part, value]) => `${part}=${String(value)}`)
            .join(", ");
    return {
        subject: nameOf(leaf.subject),
        authority: nameOf(last.issuer),
        isSelfSigned: nameOf(leaf.subject) === nameOf(leaf.issuer),
        validUntil: leaf.valid_to
    };
}

/** A URL, or the rest of one, without user and password. A password may hold any character, also `/` and `@`. */
export const withoutUser = (url: string): string => {
    const end = url.lastIndexOf("@");
    const begin = url.indexOf("://");
    return end === -1
        ? url
        : `${begin === -1 || begin > end ? "" : url.slice(0, begin + 3)}…${url.slice(end)}`;
};

/** The proxies that the environment names, without the secrets in their URLs. */
export function proxiesOf(
    env: Readonly<Record<string, string | undefined>>
): readonly (readonly [string, string])[] {
    const names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];
    return names.flatMap(name => {
        const value = env[name];
        return value === undefined || value === "" ? [] : [[name, withoutUser(value)] as const];
    });
}
