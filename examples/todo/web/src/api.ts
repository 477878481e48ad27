// The calls of the API. A refusal is thrown with what the API said about it.

import { accessToken } from "./oidc";
import { settings } from "./settings";

export interface Todo {
    readonly id: string;
    readonly title: string;
    readonly done: boolean;
    readonly createdAt: string;
}
export interface TodoOfSomebody extends Todo {
    readonly owner: string;
}

/** `status` is 0 where no answer came. */
export class ApiError extends Error {
    override readonly name = "ApiError";

    constructor(
        readonly status: number,
        readonly code: string | undefined,
        detail: string
    ) {
        super(detail);
    }
}

export const api = {
    todos: () => call<Todo[]>("GET", "/todos"),
    create: (title: string) => call<Todo>("POST", "/todos", { title }),
    update: (id: string, change: { title?: string; done?: boolean }) =>
        call<Todo>("PATCH", `/todos/${id}`, change),
    remove: (id: string) => call<void>("DELETE", `/todos/${id}`),
    everybodysTodos: () => call<TodoOfSomebody[]>("GET", "/support/todos"),
    ticket: () => call<{ ticket: string }>("POST", "/chat/tickets")
};

async function call<Result>(method: string, path: string, body?: object): Promise<Result> {
    const response = await sent(method, path, body).catch(() => {
        throw new ApiError(0, undefined, "The API cannot be reached just now.");
    });
    if (!response.ok) {
        const { code, detail } = (await response.json().catch(() => ({}))) as {
            code?: string;
            detail?: string;
        };
        throw new ApiError(response.status, code, detail ?? response.statusText);
    }
    return (response.status === 204 ? undefined : await response.json()) as Result;
}

async function sent(method: string, path: string, body?: object): Promise<Response> {
    const attempt = async () =>
        // oidc-spa makes `DPoP` of it, and adds the proof.
        fetch(settings.apiUrl + path, {
            method,
            headers: {
                Authorization: `Bearer ${await accessToken()}`,
                ...(body && { "Content-Type": "application/json" })
            },
            ...(body && { body: JSON.stringify(body) })
        });
    const response = await attempt();
    // The API wants its nonce in the proof. oidc-spa knows it now, and repeats by itself what changes nothing (GET).
    const asksForNonce = response.headers.get("www-authenticate")?.includes("use_dpop_nonce");
    return response.status === 401 && asksForNonce ? attempt() : response;
}
