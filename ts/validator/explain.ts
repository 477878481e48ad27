/**
 * `validator.explain`: every check of a request, first those of the addon, then those of the application.
 *
 * In: a request, the requirements of the route. Out: an `Explanation`. Never: a grant, a token, a change of a memory.
 */

import type { AccessTokenClaims, ExplainedCheck, Explanation, ExplainRules, Granted } from "../../index.js";
import { copyOf } from "../addon/claims.js";
import type { RequestParts, Settings } from "../addon/native.js";
import { hasOwn } from "../boundary/own.js";
import type { Explain } from "./judge.js";
import { readMembers, type Members } from "./members.js";
import { askedRules, REQUEST_RULES } from "./options.js";
import { requirementsOf, shortfallOf } from "./requirements.js";
import { shapeMismatch, type SchemaReader } from "./schema.js";

/** The parts of a validator that its explanations use. */
export interface Lent<Claims> {
    readonly now: () => number;
    readonly applySchema: SchemaReader<Claims> | undefined;
    readonly ask: Explain;
    readonly settings: Settings;
}

const RULES: Members = {
    of: "explain()",
    noun: "rule",
    names: [...REQUEST_RULES, "require"],
    example: 'validator.explain(req, undefined, { dpop: "required" })'
};

/** Explains the request of these parts. */
export async function explain<Claims>(
    { now, applySchema, ask, settings }: Lent<Claims>,
    parts: RequestParts,
    given: ExplainRules<Claims> | undefined
): Promise<Explanation> {
    const { require, ...rules } =
        given === undefined ? {} : (readMembers(given, RULES) as ExplainRules<Claims>);
    // Before the request is judged: that it is refused must not hide a requirement that is none.
    const required =
        require === undefined ? undefined : requirementsOf<Claims>(require, 'the rule "require"');
    const at = now();
    const { explanation, issuerUris, audience } = await ask(at, askedRules(rules, settings).bits, parts);
    const { refusal, checks, admitted } = explanation;
    const rows = [...checks] as ExplainedCheck[];
    const recipient = new OwnCheck("application.audience", "The application's function takes the audience");
    const schema = schemaCheck();
    const requirement = new OwnCheck("route.requirement", "The token permits what the route asks for");
    if (audience !== undefined) {
        recipient.endsWith(audience === null ? null : [audience.code, audience.debugErrorMessage]);
    }
    if (admitted !== null && (audience ?? null) === null) {
        const rawClaims = admitted.claims as AccessTokenClaims;
        const outcome = applySchema === undefined ? null : await applySchema(copyOf(rawClaims));
        if (outcome !== null) {
            schema.endsWith(
                hasOwn(outcome, "report") ? ["claims_rejected", shapeMismatch(outcome.report)] : null
            );
        }
        if (required !== undefined && !(outcome !== null && hasOwn(outcome, "report"))) {
            const [, field] = parts;
            const granted: Granted<Claims> = {
                isSuccess: true,
                claims: outcome === null ? (rawClaims as Claims) : outcome.claims,
                rawClaims,
                accessToken: (field ?? "").slice(admitted.tokenBegin, admitted.tokenEnd),
                scheme: admitted.scheme,
                issuerUri: issuerUris[admitted.issuer] ?? "",
                headers: {}
            };
            const lack = shortfallOf(granted, required, Math.floor(at / 1000));
            requirement.endsWith(lack === null ? null : [lack.code, lack.debugErrorMessage]);
        }
    }
    rows.push(recipient.row, schema.row, requirement.row);
    return { refusal: (refusal ?? firstFailureOf(rows)) as Explanation["refusal"], checks: rows };
}

/** The check of the application's schema. */
export const schemaCheck = (): OwnCheck =>
    new OwnCheck("application.claims", "The application's schema takes the claims");

/** A check that JavaScript makes, and not the addon. */
export class OwnCheck {
    row: ExplainedCheck;

    constructor(id: string, title: string) {
        this.row = {
            id,
            title,
            clause: null,
            outcome: "skipped",
            expected: null,
            found: null,
            isVerified: true,
            code: null,
            message: null,
            advice: null
        };
    }

    endsWith(failure: readonly [code: string, message: string] | null): void {
        const [code, message] = failure ?? [null, null];
        const outcome = failure === null ? "passed" : "failed";
        this.row = { ...this.row, outcome, code: code as ExplainedCheck["code"], message };
    }
}

/** The refusal of the first failed check of JavaScript. */
export function firstFailureOf(rows: readonly ExplainedCheck[]): Explanation["refusal"] {
    const row = rows.find(({ outcome }) => outcome === "failed");
    return row === undefined || row.code === null || row.message === null
        ? null
        : { code: row.code, debugErrorMessage: row.message };
}
