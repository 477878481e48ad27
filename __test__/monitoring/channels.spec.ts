// What is told on `node:diagnostics_channel`: to whom subscribed, and without a token.

import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { AsyncLocalStorage } from "node:async_hooks";
import {
    createValidator,
    type FetchContext,
    type RefusalEvent,
    type ReplayEvent,
    type ValidateContext
} from "oidc-spa-native";
import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";
import { describe, expect, test, vi } from "vitest";
import { startLocalIssuer } from "../support/local-issuer.js";

const issuer = createTestIssuer();
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const target = { method: "GET", url: "https://api.test/items" };

type Told<Context> = [event: string, context: Context];

/** What a tracing channel tells while this runs; each context as it was at that event. */
async function traceOf<Context extends object>(
    name: string,
    run: () => Promise<unknown>
): Promise<Told<Context>[]> {
    const told: Told<Context>[] = [];
    const note = (event: string) => (context: object) => void told.push([event, { ...context } as Context]);
    const subscribers = {
        start: note("start"),
        end: note("end"),
        asyncStart: note("asyncStart"),
        asyncEnd: note("asyncEnd"),
        error: note("error")
    };
    const channel = tracingChannel<unknown, object>(`oidc-spa-native:${name}`);
    channel.subscribe(subscribers);
    try {
        await run();
    } finally {
        channel.unsubscribe(subscribers);
    }
    return told;
}

async function messagesOf<Message>(name: string, run: () => Promise<unknown>): Promise<Message[]> {
    const told: Message[] = [];
    const note = (message: unknown) => void told.push(message as Message);
    subscribe(`oidc-spa-native:${name}`, note);
    try {
        await run();
    } finally {
        unsubscribe(`oidc-spa-native:${name}`, note);
    }
    return told;
}

describe("oidc-spa-native:validate", () => {
    test("a grant: where it came from, of which issuer", async () => {
        const validator = createValidator(issuer.options);
        const token = issuer.sign({ sub: "somebody" });
        const told = await traceOf<ValidateContext>("validate", async () => {
            await validator.validateRequest(bearer(token));
            await validator.validateRequest(bearer(token));
        });
        const ended = { scheme: "Bearer", outcome: "granted", issuerUri: issuer.issuerUri };
        expect(told).toEqual([
            ["start", { scheme: "Bearer" }],
            ["end", { scheme: "Bearer", path: "inline" }],
            ["asyncStart", { ...ended, path: "inline" }],
            ["asyncEnd", { ...ended, path: "inline" }],
            ["start", { scheme: "Bearer" }],
            ["end", { scheme: "Bearer", path: "memory" }],
            ["asyncStart", { ...ended, path: "memory" }],
            ["asyncEnd", { ...ended, path: "memory" }]
        ]);
        expect(JSON.stringify(told)).not.toContain(token.slice(-20));
        expect(JSON.stringify(told)).not.toContain("somebody");
    });

    test("a refusal is no error of the trace, and has its code", async () => {
        const validator = createValidator({ ...issuer.options, verification: "threads" });
        const told = await traceOf<ValidateContext>("validate", () =>
            validator.validateRequest(bearer(issuer.sign({}, { expiresInSeconds: -60 })))
        );
        expect(told.map(([event]) => event)).toEqual(["start", "end", "asyncStart", "asyncEnd"]);
        expect(told.at(-1)?.[1]).toEqual({
            scheme: "Bearer",
            path: "threads",
            outcome: "refused",
            code: "token_expired",
            status: 401
        });
    });

    test("a failure is one", async () => {
        const validator = createValidator({
            ...issuer.options,
            clock: () => {
                throw new Error("no clock");
            }
        });
        let failed: unknown;
        const told = await traceOf<ValidateContext>("validate", async () => {
            failed = await validator.validateRequest(bearer(issuer.sign())).catch((error: unknown) => error);
        });
        expect(String(failed)).toContain("no clock");
        expect(told.map(([event]) => event)).toEqual(["start", "end", "error", "asyncStart", "asyncEnd"]);
        expect(told.at(-1)?.[1].error).toBe(failed);
    });

    test("a store that is bound to it holds within a schema, and the verdict is the same", async () => {
        const store = new AsyncLocalStorage<string>();
        const seen: unknown[] = [];
        const validator = createValidator({
            ...issuer.options,
            claims: {
                parse: (claims: unknown) => {
                    seen.push(store.getStore());
                    return claims as object;
                }
            }
        });
        const channel = tracingChannel<unknown, object>("oidc-spa-native:validate");
        channel.start.bindStore(store, () => "span");
        try {
            expect((await validator.validateRequest(bearer(issuer.sign()))).isSuccess).toBe(true);
        } finally {
            channel.start.unbindStore(store);
        }
        expect((await validator.validateRequest(bearer(issuer.sign()))).isSuccess).toBe(true);
        expect(seen).toEqual(["span", undefined]);
    });
});

test("oidc-spa-native:refusal tells why, of each way to ask", async () => {
    const validator = createValidator(issuer.options);
    const ids: (string | undefined)[] = [];
    const told = await messagesOf<RefusalEvent>("refusal", async () => {
        for (const verdict of [
            await validator.validateRequest(bearer("nonsense")),
            validator.validateRequestSync({}),
            await validator.validateRequest(bearer(issuer.sign()))
        ]) {
            ids.push(verdict?.isSuccess === false ? verdict.refusalId : undefined);
        }
    });
    const [first, second, none] = ids;
    expect([first === second, none]).toEqual([false, undefined]);
    const debugErrorMessage = expect.any(String);
    expect(told).toEqual([
        { refusalId: first, code: "token_malformed", status: 401, scheme: "Bearer", debugErrorMessage },
        { refusalId: second, code: "credentials_missing", status: 401, scheme: null, debugErrorMessage }
    ]);
});

test("oidc-spa-native:replay tells of proofs that come again, and of a store that is silent", async () => {
    const fails = async () => {
        throw new Error("gone");
    };
    const [sound, broken] = [
        createValidator(issuer.options),
        createValidator({ ...issuer.options, replayStore: { checkAndStore: fails } })
    ];
    const client = dpopClient({ token: client => issuer.sign({}, { boundTo: client }) });
    const told = await messagesOf<ReplayEvent>("replay", async () => {
        const headers = client.headers("GET", target.url);
        await sound.validateRequest(headers, target);
        await sound.validateRequest(headers, target);
        await broken.validateRequest(client.headers("GET", target.url), target);
        await sound.validateRequest(bearer("nonsense"));
    });
    expect(told.map(({ type }) => type)).toEqual(["replayed", "unavailable"]);
});

test("oidc-spa-native:fetch tells what is asked of issuers, and how it ended", async () => {
    const { keys } = issuer.jwks as unknown as { keys: object[] };
    const local = await startLocalIssuer({ keys });
    try {
        const origin = new URL(local.issuerUri).origin;
        const told = await traceOf<FetchContext>("fetch", async () => {
            const validator = createValidator({ issuerUri: local.issuerUri, expectedAudience: false });
            await validator.ready();
            await vi.waitFor(() => expect(validator.health().issuers[0]?.state).toBe("fresh"), {
                timeout: 20_000
            });
            const broken = createValidator({
                issuerUri: local.issuerUri,
                expectedAudience: false,
                jwksUri: `${origin}/nowhere?secret=1`
            });
            await broken.ready({ timeoutMs: 100 }).catch(() => undefined);
            await vi.waitFor(() => expect(broken.metrics().keys[0]?.failures).toBe(1), { timeout: 20_000 });
            await new Promise(resolve => setTimeout(resolve, 50));
        });
        const own = told.filter(([, { server }]) => server === origin);
        expect(own.filter(([event]) => event === "asyncEnd").map(([, context]) => context)).toEqual([
            expect.objectContaining({ kind: "metadata", issuerUri: local.issuerUri, status: 200 }),
            expect.objectContaining({ kind: "keys", status: 200, bytes: expect.any(Number) }),
            expect.objectContaining({ kind: "keys", status: 404, error: expect.stringContaining("404") })
        ]);
        expect(own.filter(([event]) => event === "error")).toHaveLength(1);
        expect(own.filter(([event]) => event === "start")).toHaveLength(3);
        expect(JSON.stringify(own)).not.toContain("secret");
    } finally {
        await local.close();
    }
});
