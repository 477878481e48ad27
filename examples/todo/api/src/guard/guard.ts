// What the application asks of a guard. Two are there, and one variable chooses: see drop-in.ts and validator.ts.

import type { MiddlewareHandler } from "hono";
import type { Config } from "../config.js";

/** Who sent a request, as its access token says. */
export interface Person {
    readonly id: string;
    readonly name: string;
    readonly roles: readonly string[];
    /** When the token ends, in milliseconds since 1970-01-01T00:00:00Z. */
    readonly expiresAt: number;
}

/** Why a request was refused: for the log, and in development for the answer. */
export interface Refusal {
    readonly code: string;
    readonly debugErrorMessage: string;
}

export interface Env {
    Variables: { person: Person; refusal?: Refusal };
}

export interface Guard {
    /** Lets a request pass that comes with a good access token and a fresh DPoP proof, and sets `person`. */
    readonly signedIn: MiddlewareHandler<Env>;
    /** The same for people who have the role of the support staff. */
    readonly support: MiddlewareHandler<Env>;
    /** Resolves when the issuer's keys are there; rejects when they cannot be had now. It is called until it resolves. */
    ready(): Promise<void>;
    /** Whether requests can be judged now, and how keys and memory stand. It makes no network call. */
    health(): { readonly ready: boolean; readonly details: object };
}

export async function createGuard(config: Config): Promise<Guard> {
    const { create } =
        config.GUARD === "validator" ? await import("./validator.js") : await import("./drop-in.js");
    return create(config);
}
