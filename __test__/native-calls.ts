// Counts what reaches the addon: which path a verdict came by, and whether it came from memory.

import { createRequire } from "node:module";
import { vi } from "vitest";

const addon = createRequire(import.meta.url)("../binding/binding.js") as {
    NativeValidator: { prototype: Record<Method, (...args: unknown[]) => unknown> };
};

type Method = "authorizeRequest" | "authorizeCredentials" | "submitRequest" | "submitCredentials";

export interface NativeCalls {
    /** Verifications on the calling thread, and those given to others, since the last look. */
    readonly here: number;
    readonly elsewhere: number;
}

/** Begins to count. Each call tells what came since the one before. */
export function countNativeCalls(): () => NativeCalls {
    const { prototype } = addon.NativeValidator;
    const spies = (...methods: Method[]) => methods.map(method => vi.spyOn(prototype, method));
    const here = spies("authorizeRequest", "authorizeCredentials");
    const elsewhere = spies("submitRequest", "submitCredentials");
    const taken = (group: typeof here): number => {
        const count = group.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
        group.forEach(spy => spy.mockClear());
        return count;
    };
    return () => ({ here: taken(here), elsewhere: taken(elsewhere) });
}
