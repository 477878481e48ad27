// A validator that takes its time, and tells what waits for the end of its grants.

import type { Granted, Validator } from "oidc-spa-native";

export interface SlowValidator {
    readonly validator: Validator;
    /** Resolves when the first request came. */
    readonly isAsked: Promise<void>;
    /** Lets all requests go on. */
    readonly goOn: () => void;
    /** What the waits for an expiry end with. */
    readonly waits: AbortSignal[];
}

export function slowed(validator: Validator): SlowValidator {
    const waits: AbortSignal[] = [];
    let ask = () => {};
    let goOn = () => {};
    const isAsked = new Promise<void>(resolve => (ask = resolve));
    const mayGo = new Promise<void>(resolve => (goOn = resolve));
    return {
        validator: {
            ...validator,
            validateRequest: async (...asked) => {
                ask();
                await mayGo;
                return validator.validateRequest(...asked);
            },
            untilExpiry: (granted: Granted | null, until) => {
                waits.push(until as AbortSignal);
                return validator.untilExpiry(granted, until);
            }
        },
        isAsked,
        goOn,
        waits
    };
}
