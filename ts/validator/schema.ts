/**
 * The application's schema of claims as one function, and what it reports as a message.
 *
 * In: a Standard Schema, or anything with `parse`; verified claims. Out: the application's claims, or a report. Never:
 * an exception for what a schema does.
 */

import type { AccessTokenClaims, ClaimsSchema, StandardResult } from "../../index.js";
import { kindOf } from "./members.js";
import { MAX_REPORT, messageOf, shown } from "./shown.js";

export type SchemaOutcome<Claims> = { readonly claims: Claims } | { readonly report: string };

/** Reads claims at once, unless the schema itself answers with a Promise. Neither throws nor rejects. */
export type SchemaReader<Claims> = (
    claims: AccessTokenClaims
) => SchemaOutcome<Claims> | Promise<SchemaOutcome<Claims>>;

/** The application's schema as one function that never throws. */
export function schemaReader<Claims>(schema: ClaimsSchema<Claims>): SchemaReader<Claims> {
    // A schema of arktype is a function; a hand-written one may be anything that has the members.
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
    throw new TypeError(
        "oidc-spa-native: claims must be a Standard Schema (zod, valibot, arktype) or an object with a parse function, " +
            `but ${kindOf(schema)} was given. For example: claims: z.object({ sub: z.string() }).`
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
            // Awaited: a Promise that rejects must not pass for claims. A claim named "then" is no function.
            return isPromised(result)
                ? Promise.resolve(result).then(outcomeOf).catch(failed)
                : outcomeOf(result);
        } catch (error) {
            return failed(error);
        }
    };
}

/** Throws where `then` is a getter that throws: what cannot be looked at is not kept for claims. */
function isPromised<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
    const isHolder = (typeof value === "object" && value !== null) || typeof value === "function";
    return isHolder && "then" in value && typeof value.then === "function";
}

/** What a schema answers otherwise than agreed does not say that the claims are good. */
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

/** Of what cannot be claims, such as the answer of a predicate or a Promise within an answer, nothing was judged. */
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
    const isNothing = claims === undefined || claims === null || typeof claims === "boolean";
    return isLate || isNothing
        ? {
              report: `the schema answered ${isLate ? "a Promise" : kindOf(claims)} in the place of ${expected}`
          }
        : { claims };
}

/** Members of what the `safeParse` of zod and of valibot answers. */
const OF_OUTCOMES: readonly string[] = ["success", "data", "error", "typed", "output", "issues"];

/** Whether it says how a judgement ended, and holds nothing that would be a claim: it would grant what was refused. */
function isOutcome(claims: unknown): boolean {
    return (
        typeof claims === "object" &&
        claims !== null &&
        typeof (claims as { readonly success?: unknown }).success === "boolean" &&
        Object.keys(claims).length > 1 &&
        Object.keys(claims).every(name => OF_OUTCOMES.includes(name))
    );
}

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

/** The message of a `claims_rejected`, in the words that applications of `oidc-spa/server` know. A schema may quote a claim. */
export function shapeMismatch(report: string): string {
    return `The decoded access token does not satisfies the shape that the application expects: ${shown(report, MAX_REPORT)}`;
}

/** What a schema says by throwing. */
export const thrownReport = (thrown: unknown): string =>
    messageOf(thrown, "the schema threw something that is not an Error");
