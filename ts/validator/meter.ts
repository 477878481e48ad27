/**
 * Counts the verdicts of one validator, in plain numbers: nothing is measured, sorted or written until somebody reads.
 *
 * In: verdicts, as they leave. Out: how many of each kind. Never: a name that a client chose, a number of rows without a bound.
 */

import type { ErrorCode, ValidatorMetrics, Verdict } from "../../index.js";
import type { RequestParts } from "../addon/native.js";
import { Durations } from "./durations.js";

type Scheme = "Bearer" | "DPoP";

/** Issuers that have a row of their own: a function in `issuers` may name any number of them. */
const MAX_ISSUERS = 100;
/** The row of all others. */
const OTHERS = "other";

interface Granted {
    readonly issuerUri: string;
    Bearer: number;
    DPoP: number;
}

/** How many of one code, by the scheme that was used. */
interface Refused {
    Bearer: number;
    DPoP: number;
    none: number;
}

export class Meter {
    readonly #granted = new Map<string, Granted>();
    /** The row of the grant before: that of most grants. */
    #last: Granted | undefined;
    readonly #refused = new Map<string, Refused>();
    readonly #forbidden = new Map<string, Refused>();
    #durations: Durations | undefined;

    granted(issuerUri: string, scheme: Scheme): void {
        const row = this.#last?.issuerUri === issuerUri ? this.#last : this.#rowOf(issuerUri);
        row[scheme] += 1;
    }

    refused(code: string, scheme: Scheme | null): void {
        count(this.#refused, code, scheme);
    }

    /** A good token that does not permit what the route does. */
    forbidden(code: string, scheme: Scheme): void {
        count(this.#forbidden, code, scheme);
    }

    /** Whether somebody reads durations. */
    get isTiming(): boolean {
        return this.#durations !== undefined;
    }

    took(seconds: number, verdict: Verdict<unknown>, parts: RequestParts): void {
        const kind = verdict.isSuccess
            ? ({ outcome: "granted", scheme: verdict.scheme } as const)
            : ({ outcome: "refused", scheme: schemeOf(parts) } as const);
        this.#durations?.note(kind, seconds);
    }

    read(): Pick<ValidatorMetrics, "granted" | "refused" | "forbidden" | "durations"> {
        this.#durations ??= new Durations();
        return {
            durations: this.#durations.read(),
            granted: Array.from(this.#granted, ([issuerUri, row]) => [
                { issuerUri, scheme: "Bearer" as const, count: row.Bearer },
                { issuerUri, scheme: "DPoP" as const, count: row.DPoP }
            ]).flatMap(rows => rows.filter(isCounted)),
            refused: rowsOf(this.#refused),
            forbidden: rowsOf(this.#forbidden)
        };
    }

    #rowOf(issuerUri: string): Granted {
        const known = this.#granted.get(issuerUri);
        const name = known !== undefined || this.#granted.size < MAX_ISSUERS ? issuerUri : OTHERS;
        const row = known ?? this.#granted.get(name) ?? { issuerUri: name, Bearer: 0, DPoP: 0 };
        this.#granted.set(name, row);
        this.#last = row;
        return row;
    }
}

/** The scheme by which a request was refused: its own first word, where that is one of the two. */
export function schemeOf([, authorization]: RequestParts): Scheme | null {
    const word = authorization === null ? undefined : /^\s*(dpop|bearer)(?:\s|$)/i.exec(authorization)?.[1];
    return word === undefined ? null : word.length === "DPoP".length ? "DPoP" : "Bearer";
}

/** Codes are the addon's own, and few. */
function count(rows: Map<string, Refused>, code: string, scheme: Scheme | null): void {
    let row = rows.get(code);
    if (row === undefined) {
        row = { Bearer: 0, DPoP: 0, none: 0 };
        rows.set(code, row);
    }
    row[scheme ?? "none"] += 1;
}

function rowsOf(rows: ReadonlyMap<string, Refused>): ValidatorMetrics["refused"] {
    return Array.from(rows, ([code, { Bearer, DPoP, none }]) => {
        const of = { code: code as ErrorCode };
        return [
            { ...of, scheme: "Bearer" as const, count: Bearer },
            { ...of, scheme: "DPoP" as const, count: DPoP },
            { ...of, scheme: null, count: none }
        ];
    }).flatMap(rows => rows.filter(isCounted));
}

const isCounted = ({ count }: { readonly count: number }): boolean => count > 0;
