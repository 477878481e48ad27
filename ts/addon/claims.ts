/**
 * Copies claims, so that a change in one request does not affect another.
 *
 * In: a value of `JSON.parse`. Out: the same value in new objects and arrays. Never: a meaning.
 */

/** A copy; several times faster than parsing the text again, or `structuredClone`. As deep as a token's JSON may be. */
export function copyOf<T>(value: T): T {
    return (isCompound(value) ? copyOfCompound(value) : value) as T;
}

function copyOfCompound(value: object): unknown {
    if (Array.isArray(value)) {
        return value.map(copyOf);
    }
    // Spread makes each member an own member, also one with the name `__proto__`.
    const copy = { ...value } as Record<string, unknown>;
    for (const name of Object.keys(copy)) {
        const member = copy[name];
        if (isCompound(member)) {
            copy[name] = copyOfCompound(member);
        }
    }
    return copy;
}

function isCompound(value: unknown): value is object {
    return typeof value === "object" && value !== null;
}
