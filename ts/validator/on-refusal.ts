/**
 * What a validator says of refusals, for all guards of it: who is told, what the body is, whether they are thrown.
 *
 * In: the options `onRejected`, `respond`, `rejection`. Out: them, read; those of a validator. Never: a request.
 */

import type { RefusalBody, Refused, Rejection } from "../../index.js";
import { listenerOf, type RefusalListener } from "./listeners.js";
import { invalid, unexpected } from "./members.js";

/** What makes the body of a refusal's response. */
export type Respond<Request = unknown> = (refusal: Refused, request: Request) => RefusalBody;

/** How a refusal is answered. */
export interface Answering<Request = unknown> {
    readonly respond?: Respond<Request> | undefined;
    readonly rejection?: Rejection | undefined;
}

export interface OnRefusal extends Answering {
    readonly notify?: RefusalListener | undefined;
}

/** Reads the options. */
export function onRefusalOf(options: {
    readonly onRejected?: unknown;
    readonly respond?: unknown;
    readonly rejection?: unknown;
}): OnRefusal {
    const { onRejected, respond, rejection } = options;
    checkAnswering("option", { respond, rejection });
    return {
        notify: listenerOf(onRejected),
        respond: respond as Respond | undefined,
        rejection: rejection as Rejection | undefined
    };
}

const REJECTIONS: readonly unknown[] = ["respond", "throw"] satisfies Rejection[];

/** Throws if the options and rules do not take a value, or if one of them would have no effect. */
export function checkAnswering(
    noun: "option" | "rule",
    { respond, rejection }: { readonly respond?: unknown; readonly rejection?: unknown }
): void {
    if (respond !== undefined && typeof respond !== "function") {
        throw unexpected(noun, "respond", "a function", respond, "respond: ({ code }) => ({ error: code })");
    }
    if (rejection !== undefined && !REJECTIONS.includes(rejection)) {
        throw unexpected(noun, "rejection", '"respond" or "throw"', rejection);
    }
    if (respond !== undefined && rejection === "throw") {
        throw invalid(
            `the ${noun} respond has no effect beside rejection: "throw", where the framework's error handler answers. Take one ` +
                "of the two away"
        );
    }
}

const ON_REFUSAL = Symbol("oidc-spa-native:onRefusal");

/** Keeps it on the validator, so that a copy of the validator has it too. */
export function keepOnRefusal(validator: object, onRefusal: OnRefusal): void {
    if (Object.values(onRefusal).some(value => value !== undefined)) {
        Object.assign(validator, { [ON_REFUSAL]: onRefusal });
    }
}

/** What a validator says of refusals. */
export const onRefusalOn = (validator: object): OnRefusal =>
    (validator as { readonly [ON_REFUSAL]?: OnRefusal })[ON_REFUSAL] ?? {};
