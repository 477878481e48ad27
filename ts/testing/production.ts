/**
 * Prevents validators without verification in production, unless they are allowed there twice.
 *
 * In: an option, the environment. Out: an error, or a warning. Never: silence in production.
 */

/** The option of a mock for production. */
export interface ProductionOptions {
    /**
     * Allow a mock also if `NODE_ENV` is `production`. It counts only together with the environment variable
     * `OIDC_SPA_NATIVE_VERIFY_NOTHING=true`: one of them alone is an error there. Default `false`.
     */
    verifyNothingInProduction?: boolean | undefined;
}

const VARIABLE = "OIDC_SPA_NATIVE_VERIFY_NOTHING";

/** Throws in production unless both settings allow it. Otherwise returns whether this is production. */
export function checkPlace(what: string, { verifyNothingInProduction }: ProductionOptions): boolean {
    if (process.env["NODE_ENV"]?.trim().toLowerCase() !== "production") {
        return false;
    }
    const danger = `${what} was called while NODE_ENV is "production": no access token is verified, and anybody may enter.`;
    if (verifyNothingInProduction !== true || process.env[VARIABLE] !== "true") {
        throw new Error(
            `oidc-spa-native: ${danger} Use createValidator. If you mean it, write verifyNothingInProduction: true and set ` +
                `the environment variable ${VARIABLE}=true: either alone is not enough.`
        );
    }
    process.emitWarning(danger, { type: "oidc-spa-native", code: "OIDC_SPA_NATIVE_MOCK_IN_PRODUCTION" });
    return true;
}

/** What test runners write into the environment: vitest, Jest, node:test; and what people write for the others. */
const OF_TEST_RUNNERS: readonly string[] = ["VITEST", "JEST_WORKER_ID", "NODE_TEST_CONTEXT"];

/** Whether a test runner runs this. Many a server of production has no `NODE_ENV` at all. */
export const isInTest = (): boolean =>
    process.env["NODE_ENV"] === "test" || OF_TEST_RUNNERS.some(name => process.env[name] !== undefined);

let hasWarned = false;

/** Says once in a process that nothing is verified. */
export function tellMock(what: string): void {
    if (!hasWarned) {
        hasWarned = true;
        process.emitWarning(`${what} makes a validator that verifies nothing.`, {
            type: "oidc-spa-native",
            code: "OIDC_SPA_NATIVE_MOCK"
        });
    }
}
