/**
 * What a run found, as data and as JUnit's XML.
 *
 * In: outcomes of vectors, faults of answers. Out: a report, a file's text. Never: a token, text of the audited server.
 */

import type { FaultKind } from "./reading.js";
import type { Level, WireVector } from "./wire.js";

/**
 * `passed`; `got-in`: it must not have; `kept-out`: it must get in; `crashed`: a status from 500, or no answer; `untested`:
 * nothing can be said, since its good twin is refused too.
 */
export type Outcome = "passed" | "got-in" | "kept-out" | "crashed" | "untested";

/** One vector, and what became of it. */
export interface Result {
    readonly id: string;
    readonly title: string;
    readonly clause: string;
    readonly class: string;
    readonly level: Level;
    /** Whether the request had to get in. */
    readonly isGood: boolean;
    readonly outcome: Outcome;
    /** The status of the answer, or how there was none: `timeout`, `closed`, `unreachable`, `malformed`, `ended`: its process. */
    readonly answer: string;
    /** What a wrong outcome means. */
    readonly meaning: string;
}

/** Something wrong with answers, and how many have it. */
export interface AnswerFault extends FaultKind {
    readonly count: number;
    /** A vector whose answer has it. */
    readonly example: string;
}

/** A whole run. */
export interface Report {
    readonly url: string;
    readonly issuer: string;
    readonly audience: string;
    readonly profile: string;
    /** The schemes whose good requests get in. */
    readonly schemes: readonly string[];
    readonly requests: number;
    readonly seconds: number;
    /** Why the run ended before all vectors were sent. */
    readonly ended: string | null;
    readonly results: readonly Result[];
    readonly answers: readonly AnswerFault[];
}

/** Whether a result fails a run: a wrong outcome on what every server must hold; with `isStrict`, on what it should. */
export const isFinding = ({ outcome, level }: Result, isStrict: boolean): boolean =>
    outcome !== "passed" && outcome !== "untested" && (level === "must" || (isStrict && level === "should"));

export function resultOf(vector: WireVector, outcome: Outcome, answer: string): Result {
    const { id, title, clause, level, meaning, steps } = vector;
    const isGood = steps.at(-1)?.isGranted === true;
    return { id, title, clause, class: vector.class, level, isGood, outcome, answer, meaning };
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** A text as an attribute of XML 1.0, which has no place for control characters. */
const attribute = (text: string): string =>
    text.replace(/[\u0000-\u001f\ufffe\uffff]/g, " ").replace(/[&<>"]/g, found => ENTITIES[found] ?? "");

/** What became of a request, as a sentence. */
export function sentenceOf({ outcome, answer, meaning, isGood }: Result): string {
    switch (outcome) {
        case "got-in":
            return `it got in (${answer}): ${meaning}`;
        case "kept-out":
            return `it was kept out (${answer}): ${meaning}`;
        case "crashed":
            return `the server failed (${answer}) on a request that it must ${isGood ? "grant" : "refuse"}`;
        case "untested":
            return answer === "429"
                ? "the server limits how many requests it takes (429), so nothing can be said"
                : "its good twin is refused too, so nothing can be said";
        case "passed":
            return isGood ? "it got in" : "it was refused";
    }
}

/** The report as JUnit's XML, which continuous integration shows: a suite a class, a case a vector. */
export function junitOf({ results, url }: Report, isStrict: boolean): string {
    const classes = [...new Set(results.map(result => result.class))];
    const suites = classes.map(name => {
        const of = results.filter(result => result.class === name);
        const failures = of.filter(result => isFinding(result, isStrict));
        const skipped = of.filter(({ outcome }) => outcome === "untested");
        const head = `  <testsuite name="${attribute(name)}" tests="${of.length}" failures="${failures.length}" skipped="${skipped.length}">`;
        return [head, ...of.map(result => caseOf(result, isStrict)), "  </testsuite>"].join("\n");
    });
    const failures = results.filter(result => isFinding(result, isStrict)).length;
    const open = `<testsuites name="audit of ${attribute(url)}" tests="${results.length}" failures="${failures}">`;
    return ['<?xml version="1.0" encoding="UTF-8"?>', open, ...suites, "</testsuites>", ""].join("\n");
}

function caseOf(result: Result, isStrict: boolean): string {
    const { id, title, clause, outcome } = result;
    const open = `    <testcase classname="${attribute(result.class)}" name="${attribute(`${title} (${id})`)}"`;
    if (outcome === "untested") {
        return `${open}><skipped message="${attribute(sentenceOf(result))}"/></testcase>`;
    }
    if (!isFinding(result, isStrict)) {
        return `${open}/>`;
    }
    return `${open}><failure type="${outcome}" message="${attribute(`${sentenceOf(result)} (${clause})`)}"/></testcase>`;
}
