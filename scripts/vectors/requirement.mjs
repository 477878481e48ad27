// One requirement of a standard.

export const must = "must";
export const should = "should";
export const may = "may";

/**
 * A clause, a level, the requirement in our own words; identifiers of docs/requirements.md that show it beside its own, and
 * the verdict, where it is not simply held.
 */
export const row = (id, clause, level, text, see = [], verdict = "held") => ({
    id,
    clause,
    level,
    text,
    see,
    verdict
});
