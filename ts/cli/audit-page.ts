/**
 * The report of an audit, as a person reads it.
 *
 * In: a report. Out: lines of a page. Never: a decision.
 */

import { isFinding, sentenceOf, type Report, type Result } from "../audit/report.js";
import type { Page } from "./terminal.js";

/** Rows of one meaning that are shown. */
const MOST_ALIKE = 3;

/** What each kind of finding is called, the worst first. */
const KINDS = [
    ["got-in", "got in that must not"],
    ["kept-out", "kept out that must get in"],
    ["crashed", "that the server failed on"]
] as const;

export function sayReport(page: Page, report: Report, isStrict: boolean): void {
    const { results, answers, schemes, requests, seconds, ended } = report;
    page.line();
    page.line(`${requests} requests in ${seconds} s, as ${schemes.join(" and ")}`);
    const findings = results.filter(result => isFinding(result, isStrict));
    for (const [outcome, what] of KINDS) {
        const found = findings.filter(result => result.outcome === outcome);
        page.row(found.length === 0 ? "✓" : "✗", `requests ${what}`, String(found.length));
        sayResults(page, found);
    }
    page.line();
    sayClasses(page, results);
    const advice = results.filter(
        result =>
            result.level === "should" &&
            !isFinding(result, isStrict) &&
            !["passed", "untested"].includes(result.outcome)
    );
    if (advice.length > 0 || answers.length > 0) {
        page.line();
        page.line("What servers should do, and this one does not:");
    }
    for (const { name, clause, meaning, count } of answers) {
        page.row("!", name, `${count} answers`);
        page.detail("means", `${meaning} (${clause})`);
    }
    sayResults(page, advice);
    page.line();
    if (ended !== null) {
        page.line(`The run ended early: ${ended}.`, "yellow");
    }
    const what = isStrict ? "servers should do" : "every server must do";
    if (findings.length > 0) {
        page.line(`${findings.length} requests got a wrong verdict.`, "red");
    } else if (ended === null) {
        page.line(`No request got a wrong verdict on what ${what}.`, "green");
    } else {
        page.line(
            `Until then no request got a wrong verdict on what ${what}: that is no verdict on the rest.`
        );
    }
}

/** Results of one meaning stand together, with the meaning once. */
function sayResults(page: Page, results: readonly Result[]): void {
    for (const sentence of new Set(results.map(sentenceOf))) {
        const alike = results.filter(result => sentenceOf(result) === sentence);
        for (const { level, title, answer, clause, id } of alike.slice(0, MOST_ALIKE)) {
            page.row(level === "must" ? "✗" : "!", title, answer);
            page.detail("clause", `${clause}; vector ${id}`);
        }
        if (alike.length > MOST_ALIKE) {
            page.line(`    and ${alike.length - MOST_ALIKE} more, which --json and --junit name`, "gray");
        }
        page.detail("means", sentence);
    }
}

/** For each class: how many vectors passed, of those that could be tested. */
function sayClasses(page: Page, results: readonly Result[]): void {
    for (const name of new Set(results.map(result => result.class))) {
        const of = results.filter(result => result.class === name && result.level !== "may");
        const tested = of.filter(({ outcome }) => outcome !== "untested");
        const passed = tested.filter(({ outcome }) => outcome === "passed");
        if (of.length > 0) {
            const isWhole = passed.length === tested.length;
            const untested = of.length - tested.length;
            page.row(
                tested.length === 0 ? "–" : isWhole ? "✓" : "!",
                name,
                `${passed.length} of ${tested.length}${untested > 0 ? `, ${untested} not tested` : ""}`
            );
        }
    }
}
