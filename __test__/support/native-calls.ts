// Counts what reaches the addon: which path a verdict came by, and whether it came from memory.

import { createRequire } from "node:module";

type Door = (...args: unknown[]) => unknown;
type Doors = Record<
    "authorizeRequest" | "authorizeCredentials" | "submitRequest" | "submitCredentials",
    Door
>;

const { prototype } = (
    createRequire(import.meta.url)("../../binding/binding.js") as {
        NativeValidator: { prototype: { doors(inbox: unknown): Doors } };
    }
).NativeValidator;

export interface NativeCalls {
    /** Verifications on the calling thread, and those given to others, since the last look. */
    readonly here: number;
    readonly elsewhere: number;
}

const counted = { here: 0, elsewhere: 0 };

const counting =
    (where: keyof NativeCalls, door: Door): Door =>
    (...args) => {
        counted[where] += 1;
        return door(...args);
    };

// For every validator that is made after this file was imported.
const { doors } = prototype;
prototype.doors = function (inbox) {
    const opened = doors.call(this, inbox);
    return {
        ...opened,
        authorizeRequest: counting("here", opened.authorizeRequest),
        authorizeCredentials: counting("here", opened.authorizeCredentials),
        submitRequest: counting("elsewhere", opened.submitRequest),
        submitCredentials: counting("elsewhere", opened.submitCredentials)
    };
};

/** Begins to count. Each call tells what came since the one before. */
export function countNativeCalls(): () => NativeCalls {
    const look = (): NativeCalls => {
        const calls = { ...counted };
        Object.assign(counted, { here: 0, elsewhere: 0 });
        return calls;
    };
    look();
    return look;
}
