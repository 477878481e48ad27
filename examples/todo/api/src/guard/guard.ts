// What the application asks of a guard. Two are there, and one variable chooses: see drop-in.ts and validator.ts.

import type { MiddlewareHandler } from "hono";
import type { ExplainedCheck, ValidatorHealth } from "oidc-spa-native";
import type { Config } from "../config.js";

/** Who sent a request, as its access token says. */
export interface Person {
    readonly id: string;
    readonly name: string;
    readonly roles: readonly string[];
    /** When the token ends, in milliseconds since 1970-01-01T00:00:00Z. */
    readonly expiresAt: number;
}

/** Why a request was refused: for the log, and for the page of a developer. */
export interface Refusal {
    readonly code: string;
    readonly debugErrorMessage: string;
}

export interface Env {
    Variables: {
        person: Person;
        refusal?: Refusal;
        /** Whether this answer may say why in full: in development, and to the page alone. */
        tellsWhy: boolean;
        /** Every check of the request, where the guard knows them and `tellsWhy` is set. */
        checks?: readonly ExplainedCheck[];
    };
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

/**
 * Ready: there are keys that serve. The memory of proofs is shown and does not count: whether Redis answers is known from the
 * last request, and an instance that gets none would never be ready again.
 */
export function standing(health: ValidatorHealth | null): ReturnType<Guard["health"]> {
    if (health === null) {
        return { ready: false, details: { keys: "none" } };
    }
    const { issuers, replayMemory } = health;
    const keys = issuers[0]?.state ?? "none";
    return { ready: keys !== "none" && keys !== "expired", details: { keys, replayMemory } };
}

export async function createGuard(config: Config): Promise<Guard> {
    const { create } =
        config.GUARD === "validator" ? await import("./validator.js") : await import("./drop-in.js");
    return create(config);
}
