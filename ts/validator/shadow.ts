/**
 * The rules that are tried (`shadow`): counts the requests that they would refuse, and publishes each. They refuse no request.
 *
 * In: grants. Out: counts by code and client, messages of the channel `oidc-spa-native:shadow`. Never: a verdict, an exception, a
 * number of clients without a bound.
 */

import { channel } from "node:diagnostics_channel";
import type { ErrorCode, ShadowEvent, ShadowMetrics } from "../../index.js";
import type { NativeGrant, NativeValidator, RuleBits } from "../addon/native.js";
import { hasListeners } from "../addon/tracing.js";
import { shown } from "./shown.js";

/** Clients that have rows of their own, and characters of their names. */
const MAX_CLIENTS = 100;
const MAX_CHARACTERS = 100;
/** The row of all others. */
const OTHERS = "other";

// Held here, since Node.js drops a channel without references.
const events = channel("oidc-spa-native:shadow");

export class Shadow {
    readonly #native: Pick<NativeValidator, "objection">;
    /** By client, then by code. */
    readonly #refused = new Map<string | null, Map<string, number>>();
    #passed = 0;

    constructor(native: Pick<NativeValidator, "objection">) {
        this.#native = native;
    }

    judge(now: number, rules: RuleBits, granted: NativeGrant): void {
        const { issuer, issuerUri, scheme, accessToken, claims } = granted;
        let objection: ReturnType<NativeValidator["objection"]>;
        try {
            objection = this.#native.objection(now, rules, issuer, scheme, accessToken);
        } catch {
            // A trial that fails must not end a request that was granted.
            return;
        }
        if (objection === null) {
            this.#passed += 1;
            return;
        }
        const [code, debugErrorMessage] = objection;
        const clientId = clientOf(claims as Readonly<Record<string, unknown>>);
        this.#count(clientId, code);
        if (hasListeners(events)) {
            const event = { code: code as ErrorCode, clientId, issuerUri, scheme, debugErrorMessage };
            events.publish(event satisfies ShadowEvent);
        }
    }

    read(): ShadowMetrics {
        const refused = Array.from(this.#refused, ([clientId, codes]) =>
            Array.from(codes, ([code, count]) => ({ code: code as ErrorCode, clientId, count }))
        ).flat();
        return { passed: this.#passed, refused };
    }

    #count(clientId: string | null, code: string): void {
        const hasRoom = this.#refused.has(clientId) || this.#refused.size < MAX_CLIENTS;
        const name = hasRoom ? clientId : OTHERS;
        const codes = this.#refused.get(name) ?? new Map<string, number>();
        codes.set(code, (codes.get(code) ?? 0) + 1);
        this.#refused.set(name, codes);
    }
}

/** Claims that name the client, as `expectedClients` knows them. */
const CLIENT = ["client_id", "azp", "cid", "appid"];

function clientOf(claims: Readonly<Record<string, unknown>>): string | null {
    const name = CLIENT.map(claim => claims[claim]).find(value => typeof value === "string");
    return typeof name === "string" ? shown(name.slice(0, MAX_CHARACTERS)) : null;
}
