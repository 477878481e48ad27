/**
 * Tells of verdicts on `node:diagnostics_channel`: `oidc-spa-native:validate` for what lasts, `oidc-spa-native:refusal` and
 * `oidc-spa-native:replay` for what happens.
 *
 * In: verdicts. Out: messages, made only where somebody subscribed. Never: a token, a proof, a claim.
 */

import { channel } from "node:diagnostics_channel";
import type { RefusalEvent, Refused, ReplayEvent, ValidateContext } from "../../index.js";
import { hasListeners, isHeard, traceChannels } from "../addon/tracing.js";

const channels = traceChannels("oidc-spa-native:validate");
const { start, end, asyncStart, asyncEnd, error } = channels;
const refusals = channel("oidc-spa-native:refusal");
const replays = channel("oidc-spa-native:replay");

/** Whether somebody listens to validations. */
export function isTraced(): boolean {
    return isHeard(channels);
}

/** What begins and ends within a trace; `ended` writes into the context what came of it. */
export interface Traced<T> {
    readonly begin: () => Promise<T>;
    readonly ended: (result: T, context: ValidateContext) => void;
}

/** Tells the beginning and the end. What subscribers throw becomes an uncaught exception, as on every channel of Node.js. */
export function traced<T>(context: ValidateContext, { begin, ended }: Traced<T>): Promise<T> {
    const running = start.runStores(context, begin);
    end.publish(context);
    return running.then(
        result => {
            ended(result, context);
            asyncStart.publish(context);
            asyncEnd.publish(context);
            return result;
        },
        (trouble: unknown) => {
            context.error = trouble;
            error.publish(context);
            asyncStart.publish(context);
            asyncEnd.publish(context);
            throw trouble;
        }
    );
}

/** Tells why a request is refused. */
export function tellOfRefusal(
    { refusalId, code, status, debugErrorMessage }: Refused,
    scheme: "Bearer" | "DPoP" | null
): void {
    if (hasListeners(refusals)) {
        refusals.publish({ refusalId, code, status, scheme, debugErrorMessage } satisfies RefusalEvent);
    }
    const type = REPLAY_EVENTS[code];
    if (type !== undefined && hasListeners(replays)) {
        replays.publish({ type, debugErrorMessage } satisfies ReplayEvent);
    }
}

const REPLAY_EVENTS: Readonly<Record<string, ReplayEvent["type"]>> = {
    proof_replayed: "replayed",
    replay_memory_unavailable: "unavailable"
};
