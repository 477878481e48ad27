// Records each call of the API as it goes over the wire: beneath oidc-spa, which turns `Bearer` into `DPoP` and adds a proof.

export interface Call {
    readonly id: number;
    readonly at: Date;
    readonly method: string;
    readonly url: string;
    readonly scheme: string;
    /** The header and claims of the proof, if there is one. */
    readonly proof: Jwt | undefined;
    readonly token: Jwt;
    /** The fields as they were sent, to send them again. */
    readonly sent: Readonly<Record<string, string>>;
    /** What came back; `undefined` while it is awaited. */
    readonly answer: Answer | undefined;
}
export interface Answer {
    /** 0: none came. */
    readonly status: number;
    readonly ms: number;
    readonly code: string | undefined;
    readonly detail: string | undefined;
    /** What the API says to developers. Not in production. */
    readonly reason: string | undefined;
    /** The checks that it made of the call, where it explains them: with the validator, and not in production. */
    readonly checks: readonly Check[] | undefined;
    readonly challenge: string | undefined;
    readonly nonce: string | undefined;
}
export interface Check {
    readonly id: string;
    readonly title: string;
    readonly outcome: "passed" | "failed" | "skipped";
    readonly clause: string | null;
    readonly expected: string | null;
    readonly found: string | null;
}
export interface Jwt {
    readonly header: Readonly<Record<string, unknown>>;
    readonly claims: Readonly<Record<string, unknown>>;
}

const KEPT = 30;
const plainFetch = window.fetch.bind(window);
const listeners = new Set<() => void>();
let calls: readonly Call[] = [];

export const wire = {
    calls: () => calls,
    subscribe(listener: () => void) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
    },
    clear: () => publish([]),
    /** Sends exactly this: no proof is made for it. */
    send: recordingFetch
};

window.fetch = recordingFetch;

async function recordingFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = input instanceof Request && init === undefined ? input : new Request(input, init);
    const authorization = request.headers.get("authorization");
    if (authorization === null) {
        return plainFetch(request);
    }
    const call = begun(request, authorization);
    publish([call, ...calls].slice(0, KEPT));
    const started = performance.now();
    const ended = (answer: Omit<Answer, "ms">) =>
        publish(
            calls.map(other =>
                other.id === call.id
                    ? { ...call, answer: { ...answer, ms: Math.round(performance.now() - started) } }
                    : other
            )
        );
    try {
        const response = await plainFetch(request);
        ended(await answerOf(response.clone()));
        return response;
    } catch (error) {
        ended({ ...NOTHING, detail: "No answer came." });
        throw error;
    }
}

const NOTHING = {
    status: 0,
    code: undefined,
    detail: undefined,
    reason: undefined,
    checks: undefined,
    challenge: undefined,
    nonce: undefined
};

function begun(request: Request, authorization: string): Call {
    const [scheme = "", token = ""] = authorization.split(" ");
    const proof = request.headers.get("dpop");
    return {
        id: (calls[0]?.id ?? 0) + 1,
        at: new Date(),
        method: request.method,
        url: request.url,
        scheme,
        proof: proof === null ? undefined : decoded(proof),
        token: decoded(token),
        sent: { authorization, ...(proof !== null && { dpop: proof }) },
        answer: undefined
    };
}

async function answerOf(response: Response): Promise<Omit<Answer, "ms">> {
    const { status, headers } = response;
    const isProblem = headers.get("content-type")?.startsWith("application/problem+json");
    const problem = (isProblem ? await response.json() : {}) as Partial<Answer>;
    return {
        status,
        code: problem.code,
        detail: problem.detail,
        reason: problem.reason,
        checks: problem.checks,
        challenge: headers.get("www-authenticate") ?? undefined,
        nonce: headers.get("dpop-nonce") ?? undefined
    };
}

function decoded(jwt: string): Jwt {
    const [header, claims] = jwt.split(".", 2).map(part => {
        try {
            const bytes = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
            return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, c => c.charCodeAt(0))));
        } catch {
            return {};
        }
    });
    return { header: header ?? {}, claims: claims ?? {} };
}

function publish(next: readonly Call[]): void {
    calls = next;
    for (const listener of listeners) {
        listener();
    }
}
