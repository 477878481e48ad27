// Errors as problem documents (RFC 9457): one form for what the guard refuses, what a body lacks, and what is not there.

import { STATUS_CODES } from "node:http";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

export interface Problem {
    readonly status: number;
    readonly detail: string;
    /** Why, for programs. */
    readonly code?: string;
    readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by a handler; the application answers with it. */
export class ProblemError extends Error {
    constructor(readonly problem: Problem) {
        super(problem.detail);
    }
}

export function respondWith(c: Context, { status, detail, code, headers }: Problem): Response {
    const body = { type: "about:blank", title: STATUS_CODES[status], status, detail, code };
    return c.json(body, status as ContentfulStatusCode, {
        ...headers,
        "Content-Type": "application/problem+json"
    });
}
