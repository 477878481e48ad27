/**
 * The public vectors, made for one issuer and one server at one time.
 *
 * In: an issuer, an audience, a URL, a time. Out: requests, each with the verdict that it must get. Never: a request that is
 * sent.
 */

import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { TestJwk } from "../testing/keys.js";

/** How much a vector binds a server that knows nothing of this project. */
export type Level = "must" | "should" | "may";

/** One request of a vector. */
export interface WireStep {
    /** Path and query. */
    readonly target: string;
    readonly fields: readonly (readonly [name: string, value: string])[];
    readonly isGranted: boolean;
    /** The status of its refusal by the standards. */
    readonly status: number | null;
}

/** A vector as it is sent. */
export interface WireVector {
    readonly id: string;
    readonly title: string;
    readonly clause: string;
    readonly class: string;
    readonly level: Level;
    /** What a wrong verdict means. */
    readonly meaning: string;
    /** The same with one thing restored, which gets in. */
    readonly twin: string | null;
    /** The algorithm that its token names, if it is an ordinary one. */
    readonly algorithm: string | null;
    /** Whether it has a proof, or the scheme DPoP. */
    readonly isDpop: boolean;
    readonly steps: readonly WireStep[];
}

/** What vectors are made for. */
export interface Occasion {
    readonly issuer: string;
    readonly audience: string;
    readonly url: URL;
    readonly method: string;
    readonly profile: "default" | "rfc9068";
    /** `typ` of good tokens. */
    readonly typ: string;
    /** Claims of every token beside the usual ones: a scope, a role. */
    readonly claims: Readonly<Record<string, unknown>>;
    /** The private keys of the issuer, by the names that vectors have for them. */
    readonly keys: Readonly<Record<string, TestJwk>>;
    /** Stands before each identifier of a proof. */
    readonly run: string;
}

/** What the program of the vectors gives. */
export interface Made {
    /** The issuer's JWK Set. */
    readonly keys: readonly TestJwk[];
    /** Good requests first. */
    readonly vectors: readonly WireVector[];
}

/** The program that writes `vectors/`: beside `dist/` in the package as in the repository. */
const PROGRAM = join(__dirname, "../../scripts/vectors/wire.mjs");

/**
 * Makes them anew, as of now: proofs are good for seconds only. It takes a second or two, in a thread of its own, which
 * alone knows the time and the issuer.
 */
export async function makeVectors(occasion: Occasion, nonce: string | undefined): Promise<Made> {
    const { url, ...others } = occasion;
    const worker = new Worker(PROGRAM, {
        workerData: {
            vectorsFor: {
                ...others,
                now: Math.floor(Date.now() / 1000),
                url: `${url.origin}${url.pathname}`,
                query: url.search,
                nonce
            }
        }
    });
    const [made] = (await once(worker, "message")) as [Made];
    await worker.terminate();
    return made;
}
