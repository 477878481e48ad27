// The vectors of `vectors/`, as TypeScript reads them.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/script.js";

export interface KeySet {
    readonly keys: readonly object[];
}

export interface Configuration {
    readonly issuers?: readonly {
        readonly issuer: string;
        readonly audience: string | false;
        readonly keys: string | KeySet;
    }[];
    readonly algorithms?: readonly string[];
    readonly trustProxy?: boolean | readonly string[];
    readonly dpop?: "allowed" | "required" | "disabled";
    readonly nonce?: "required" | "on-stale-proof";
    readonly nonceSecret?: string;
    readonly [option: string]: unknown;
}

export interface VectorRequest {
    readonly method: string;
    readonly target: string;
    readonly scheme: "http" | "https";
    readonly fields: readonly (readonly [name: string, value: string])[];
    readonly remoteAddress?: string;
    /** Base64 of DER. */
    readonly clientCertificate?: string;
}

export interface Challenge {
    readonly scheme: string;
    readonly [parameter: string]: string;
}

export interface Expected {
    readonly verdict: "granted" | "refused";
    readonly status?: number;
    readonly error?: string;
    readonly code?: string;
    readonly challenges?: readonly Challenge[];
}

export interface Step {
    /** Seconds since 1970. */
    readonly time: number;
    /** It comes so many times at once: one is granted, the others get what is expected. */
    readonly atOnce?: number;
    /** What the issuer publishes from now on. */
    readonly keys?: string | KeySet;
    /** What the route asks of a good token. */
    readonly rules?: {
        readonly scopes?: readonly string[];
        readonly acr?: readonly string[];
        readonly maxAgeSeconds?: number;
    };
    readonly request: VectorRequest;
    readonly expected: Expected;
}

export interface Vector {
    readonly id: string;
    readonly title: string;
    readonly clause: string;
    readonly requirements: readonly string[];
    readonly class: string;
    readonly twin?: string;
    readonly configuration?: Configuration;
    /** What `oidc-spa/server`, and so the drop-in, says at the last step. */
    readonly oidcSpa?: { readonly verdict: "granted" | "refused"; readonly reason: string };
    readonly steps: readonly Step[];
}

export const folder = join(root, "vectors");

export const readJson = (path: string): unknown => JSON.parse(readFileSync(join(folder, path), "utf8"));

/** Paths of all files of vectors, in `vectors/`. */
export const paths: readonly string[] = readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name !== "node_modules")
    .flatMap(({ name }) => readdirSync(join(folder, name)).map(file => `${name}/${file}`))
    .sort();

export const vectors: readonly Vector[] = paths.flatMap(
    path => (readJson(path) as { vectors: readonly Vector[] }).vectors
);

const named = readJson("key-sets.json") as Readonly<Record<string, KeySet>>;

/** A key set: one that vectors name, or the vector's own. */
export const keySet = (of: string | KeySet): KeySet => (typeof of === "string" ? (named[of] as KeySet) : of);

export const issuersOf = ({ configuration }: Vector): NonNullable<Configuration["issuers"]> =>
    configuration?.issuers ?? [
        { issuer: "https://as.example", audience: "https://api.example", keys: "default" }
    ];

/** The request as `node:http` would hold it. */
export function nodeRequest({
    method,
    target,
    scheme,
    fields,
    remoteAddress,
    clientCertificate
}: VectorRequest) {
    const headers: Record<string, string> = {};
    for (const [name, value] of fields) {
        const key = name.toLowerCase();
        const before = headers[key];
        const isFirstAlone = key === "authorization" || key === "host";
        headers[key] = before === undefined ? value : isFirstAlone ? before : `${before}, ${value}`;
    }
    const raw = clientCertificate === undefined ? undefined : Buffer.from(clientCertificate, "base64");
    return {
        method,
        url: target,
        headers,
        rawHeaders: fields.flat(),
        httpVersion: "1.1",
        socket: {
            remoteAddress: remoteAddress ?? "192.0.2.7",
            ...(scheme === "https" && { encrypted: true, getPeerX509Certificate: () => raw && { raw } })
        }
    };
}
