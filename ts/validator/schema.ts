/**
 * The application's schema of claims as one function, and its report as a message.
 *
 * In: a Standard Schema, or anything with `parse`; verified claims. Out: the application's claims, or a report. Never:
 * an exception for a fault of a schema.
 */

import type { AccessTokenClaims, ClaimsSchema, StandardResult } from "../../index.js";
import { kindOf, unexpected } from "./members.js";
import { MAX_REPORT, messageOf, shown } from "./shown.js";

export type SchemaOutcome<Claims> = { readonly claims: Claims } | { readonly report: string };

/** Reads claims synchronously, unless the schema itself returns a Promise. It neither throws nor rejects. */
export type SchemaReader<Claims> = (
    claims: AccessTokenClaims
) => SchemaOutcome<Claims> | Promise<SchemaOutcome<Claims>>;

/** The application's schema as one function that never throws. */
export function schemaReader<Claims>(schema: ClaimsSchema<Claims>): SchemaReader<Claims> {
    // A schema of arktype is a function; a hand-written one may be any value with these members.
    const isHolder = (typeof schema === "object" && schema !== null) || typeof schema === "function";
    const standard = isHolder && "~standard" in schema ? schema["~standard"] : undefined;

    if (typeof standard === "object" && standard !== null && typeof standard.validate === "function") {
        return reader(claims => standard.validate(claims), outcomeOfStandard);
    }
    if (isHolder && "parse" in schema && typeof schema.parse === "function") {
        return reader(
            claims => schema.parse(claims),
            parsed => outcomeOfClaims(parsed, "claims; a parse that refuses throws")
        );
    }
    throw unexpected(
        "option",
        "claims",
        "a Standard Schema (zod, valibot, arktype) or an object with a parse function",
        schema,
        "claims: z.object({ sub: z.string() })"
    );
}

function reader<Result, Claims>(
    read: (claims: AccessTokenClaims) => Result | PromiseLike<Result>,
    outcomeOf: (result: Result) => SchemaOutcome<Claims>
): SchemaReader<Claims> {
    const failed = (error: unknown) => ({ report: thrownReport(error) });
    return claims => {
        try {
            const result = read(claims);
            // A Promise is awaited, since a rejected Promise must not count as claims. A claim named "then" is not a
            // function.
            return isPromised(result)
                ? Promise.resolve(result).then(outcomeOf).catch(failed)
                : outcomeOf(result);
        } catch (error) {
            return failed(error);
        }
    };
}

/** Throws if `then` is a getter that throws: a value that cannot be read does not count as claims. */
function isPromised<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
    const isHolder = (typeof value === "object" && value !== null) || typeof value === "function";
    return isHolder && "then" in value && typeof value.then === "function";
}

/** Any other answer than the agreed one does not mean that the claims are good. */
function outcomeOfStandard<Claims>(result: StandardResult<Claims>): SchemaOutcome<Claims> {
    const expected = "{ value } with claims, or { issues }";
    const issues = typeof result === "object" && result !== null ? result.issues : undefined;
    if (issues !== undefined) {
        return { report: issues.map(describeIssue).join("; ") };
    }
    return Object(result) === result && "value" in result
        ? outcomeOfClaims(result.value, expected)
        : { report: `the schema answered ${kindOf(result)} where ${expected} is expected` };
}

/** A value that cannot be claims, such as the result of a predicate or a Promise inside an answer, grants nothing. */
function outcomeOfClaims<Claims>(claims: Claims, expected: string): SchemaOutcome<Claims> {
    const isLate = isPromised(claims);
    if (isLate) {
        // That it rejects must not end the process.
        Promise.resolve(claims).catch(() => undefined);
    }
    if (isOutcome(claims)) {
        return {
            report:
                "parse answered { success: … }, which is the answer of a safeParse and no claims: give the schema itself, or a " +
                "parse that throws where it refuses"
        };
    }
    const error = errorIn(claims);
    if (error !== undefined) {
        return {
            report: `the schema answered with an error in the place of ${expected}: ${messageOf(error)}`
        };
    }
    const isNothing = claims === undefined || claims === null || typeof claims === "boolean";
    return isLate || isNothing
        ? {
              report: `the schema answered ${isLate ? "a Promise" : kindOf(claims)} in the place of ${expected}`
          }
        : { claims };
}

/** Members of the results of `safeParse` in zod and valibot. */
const OF_OUTCOMES: readonly string[] = ["success", "data", "error", "typed", "output", "issues"];

/**
 * Whether it is a result of `safeParse`, with no member that could be a claim. As claims it would grant a refused
 * request.
 */
function isOutcome(claims: unknown): boolean {
    return (
        typeof claims === "object" &&
        claims !== null &&
        typeof (claims as { readonly success?: unknown }).success === "boolean" &&
        Object.keys(claims).length > 1 &&
        Object.keys(claims).every(name => OF_OUTCOMES.includes(name))
    );
}

/**
 * The error that an answer is, or holds: parsers that do not throw answer so (the function of an arktype, `validate` of
 * joi and superstruct). Claims come from JSON, where no error can be, and as claims it would grant a refused request.
 */
function errorIn(answer: unknown): unknown {
    if (typeof answer !== "object" || answer === null) {
        return undefined;
    }
    // arktype's list of what is wrong is no Error.
    return isError(answer) || (answer as { readonly " arkKind"?: unknown })[" arkKind"] === "errors"
        ? answer
        : Object.values(answer).find(isError);
}

/** Of any realm. */
const isError = (value: unknown): boolean => Object.prototype.toString.call(value) === "[object Error]";

function describeIssue(issue: { readonly message: string; readonly path?: unknown }): string {
    if (!Array.isArray(issue.path) || issue.path.length === 0) {
        return issue.message;
    }
    const path = (issue.path as readonly unknown[])
        .map(step => (typeof step === "object" && step !== null && "key" in step ? step.key : step))
        .map(String)
        .join(".");
    return `${path}: ${issue.message}`;
}

/** The message of a `claims_rejected`. A schema may quote a claim. */
export function shapeMismatch(report: string): string {
    return `The access token's claims do not satisfy the schema in \`claims\`: ${shown(report, MAX_REPORT)}`;
}

/** The report of an error that a schema throws. */
export const thrownReport = (thrown: unknown): string =>
    messageOf(thrown, "the schema threw something that is not an Error");
