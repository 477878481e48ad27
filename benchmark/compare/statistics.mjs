// A few numbers for many.

/** Median, least and most; `undefined` where nothing was measured. */
export function spread(values) {
    const sorted = values.filter(value => value !== undefined).sort((a, b) => a - b);
    if (sorted.length === 0) {
        return undefined;
    }
    const middle = (sorted.length - 1) / 2;
    const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
    return { median: rounded(median), min: rounded(sorted[0]), max: rounded(sorted.at(-1)) };
}

/** Three digits that mean something. */
export function rounded(value) {
    return Number(value.toPrecision(4));
}

/** In random order, so that none always comes behind the same other one. */
export function shuffled(items) {
    const left = [...items];
    for (let i = left.length - 1; i > 0; i--) {
        const j = Math.floor(Math.random() * (i + 1));
        [left[i], left[j]] = [left[j], left[i]];
    }
    return left;
}
