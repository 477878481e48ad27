/**
 * Copies claims, so that no two requests share what one of them may change.
 *
 * In: what `JSON.parse` made. Out: the same, in objects and arrays of its own. Never: a meaning.
 */

/** A copy; several times faster than parsing the text again, or `structuredClone`. As deep as a token's JSON may be. */
export function copyOf<T>(value: T): T {
    return (isCompound(value) ? copyOfCompound(value) : value) as T;
}

function copyOfCompound(value: object): unknown {
    if (Array.isArray(value)) {
        return value.map(copyOf);
    }
    // Spread makes each member an own one, whatever its name: `__proto__` too.
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
