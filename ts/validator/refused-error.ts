/**
 * A refusal as an error, for frameworks that want an error.
 *
 * In: a refusal. Out: `RefusedError`; the public text of a code. Never: a sentence for developers in a place that a
 * framework shows to clients.
 */

import type * as contract from "../../index.js";
import { errorTable } from "../addon/native.js";

let publicTexts: ReadonlyMap<string, string> | undefined;

/** The text of a refusal for clients: it holds no text of the request. */
export function publicTextOf(code: string): string | undefined {
    publicTexts ??= new Map(errorTable().map(({ code, description }) => [code, description]));
    return publicTexts.get(code);
}

export class RefusedError extends Error implements contract.RefusedError {
    override readonly name = "RefusedError";
    readonly code: contract.ErrorCode;
    readonly refusalId: string;
    readonly status: contract.Refused["status"];
    readonly headers: Record<string, string>;
    declare readonly refusal: contract.Refused;

    constructor(refusal: contract.Refused) {
        super(publicTextOf(refusal.code) ?? "The request was refused");
        this.code = refusal.code;
        this.refusalId = refusal.refusalId;
        this.status = refusal.status;
        this.headers = { ...refusal.headers };
        // Not enumerable, so that the JSON of the error does not hold the sentence for developers.
        Object.defineProperty(this, "refusal", { value: refusal });
    }
}
