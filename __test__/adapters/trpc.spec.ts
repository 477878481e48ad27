// What the conformance table cannot see of tRPC: batches, streams, errors as the server's code sees them.

import {
    createTRPCClient,
    createWSClient,
    httpBatchLink,
    httpBatchStreamLink,
    httpLink,
    TRPCClientError,
    wsLink
} from "@trpc/client";
import { initTRPC, type TRPCError } from "@trpc/server";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createValidator, type Refused } from "oidc-spa-native";
import { allRoles, allScopes, rolesOf } from "oidc-spa-native/authorization";
import { createContext, protect, RefusedError, type AuthContext } from "oidc-spa-native/trpc";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { listening, type Running } from "../conformance/servers.js";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let fixtures: Fixtures;
let running: Running;
let url: string;
const rejected: Refused[] = [];
const errors: TRPCError[] = [];
const answers: { status: number; headers: Headers }[] = [];

function routerWith(issuerUri: string) {
    const validator = createValidator({ issuerUri, expectedAudience: AUDIENCE, nonce: "on-stale-proof" });
    const t = initTRPC.context<AuthContext>().create({
        isDev: false,
        errorFormatter: ({ shape, error }) => ({
            ...shape,
            data: {
                ...shape.data,
                reason: error.cause instanceof RefusedError ? error.cause.refusal.code : null
            }
        })
    });
    const onRejected = (refusal: Refused) => void rejected.push(refusal);
    const greeting = t.procedure.use(protect(validator, { optional: true, onRejected }));
    const user = t.procedure.use(protect(validator, { onRejected }));
    const router = t.router({
        open: t.procedure.query(() => "open"),
        greeting: greeting.query(({ ctx }) => ctx.auth?.claims.sub ?? "stranger"),
        me: user.query(({ ctx }) => ctx.auth.claims.sub),
        bound: t.procedure.use(protect(validator, { dpop: "required" })).query(({ ctx }) => ctx.auth.scheme),
        // On top of the optional one: `auth` is no longer null.
        narrowed: greeting
            .use(protect(validator, { require: allScopes(["read"]) }))
            .query(({ ctx }) => ctx.auth.claims.sub),
        write: user
            .use(protect(validator, { require: allScopes(["items:write"]), onRejected }))
            .mutation(() => "written"),
        add: user.mutation(({ ctx }) => ctx.auth.claims.sub),
        admin: user
            .use(protect(validator, { require: allRoles(["superuser"], rolesOf.keycloakRealm) }))
            .query(() => "admin"),
        ticks: user.subscription(async function* () {
            yield 1;
        })
    });
    return { router, t };
}

type Router = ReturnType<typeof routerWith>["router"];

beforeAll(async () => {
    fixtures = await createFixtures();
    const { router } = routerWith(fixtures.issuer.issuerUri);
    const handler = createHTTPHandler({
        router,
        createContext,
        basePath: "/trpc/",
        onError: ({ error }) => void errors.push(error)
    });
    running = await listening(createServer(handler));
    url = `http://127.0.0.1:${running.port}/trpc`;
});

afterAll(async () => {
    await running.close();
    await fixtures.issuer.close();
});

beforeEach(() => {
    for (const heard of [rejected, errors, answers]) {
        heard.length = 0;
    }
});

const bearer = (claims: Record<string, unknown> = {}) => ({
    authorization: `Bearer ${fixtures.token(nowInSeconds(), claims)}`
});

/** One proof, for one HTTP request. */
function dpop(method: string, path: string) {
    const token = fixtures.boundToken(nowInSeconds());
    return {
        authorization: `DPoP ${token}`,
        dpop: fixtures.proof(nowInSeconds(), token, { htm: method, htu: `${url}/${path}` })
    };
}

const remembering: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    answers.push(response);
    return response;
};

const client = (
    link: typeof httpBatchLink | typeof httpBatchStreamLink | typeof httpLink,
    headers: Record<string, string>
) => createTRPCClient<Router>({ links: [link({ url, headers, fetch: remembering as never })] });

const outcomesOf = async (calls: readonly Promise<unknown>[]) =>
    (await Promise.allSettled(calls)).map(call =>
        call.status === "fulfilled"
            ? call.value
            : ((call.reason as TRPCClientError<Router>).data as { reason: string | null }).reason
    );

test("a proof is good for the one HTTP request of a batch, whatever its calls ask", async () => {
    const { greeting, me, narrowed, bound, open } = client(
        httpBatchLink,
        dpop("GET", "greeting,me,narrowed,bound,open")
    );
    const calls = [greeting.query(), me.query(), narrowed.query(), bound.query(), open.query()];
    expect(await outcomesOf(calls)).toEqual(["user-1", "user-1", "user-1", "DPoP", "open"]);
    expect(answers.map(({ status }) => status)).toEqual([200]);
    expect(answers[0]?.headers.get("dpop-nonce")).toMatch(/^[\w-]+$/);

    const again = dpop("GET", "me,narrowed");
    const twice = async () => {
        const { me, narrowed } = client(httpBatchLink, again);
        return outcomesOf([me.query(), narrowed.query()]);
    };
    expect(await twice()).toEqual(["user-1", "user-1"]);
    expect(await twice()).toEqual(["proof_replayed", "proof_replayed"]);
});

test("calls of a batch that are refused for the same reason are validated once, and each is told", async () => {
    const { me, greeting, open } = client(httpBatchLink, bearer({ exp: nowInSeconds() - 1 }));
    expect(await outcomesOf([me.query(), greeting.query(), open.query()])).toEqual([
        "token_expired",
        "token_expired",
        "open"
    ]);
    expect(rejected.map(({ code }) => code)).toEqual(["token_expired", "token_expired"]);
    // They share the verdict: the validator was asked once.
    expect(rejected[0]).toBe(rejected[1]);
    expect(answers.map(({ status }) => status)).toEqual([207]);
    expect(answers[0]?.headers.get("www-authenticate")).toContain('error="invalid_token"');
});

test("a batch whose calls are all refused has their status", async () => {
    const { me, narrowed } = client(httpBatchLink, {});
    expect(await outcomesOf([me.query(), narrowed.query()])).toEqual([
        "credentials_missing",
        "credentials_missing"
    ]);
    expect(answers[0]).toMatchObject({ status: 401 });
    expect(answers[0]?.headers.get("access-control-expose-headers")).toBe("WWW-Authenticate");
});

test("anonymous where it is optional", async () => {
    expect(await client(httpLink, {}).greeting.query()).toBe("stranger");
    expect(rejected).toEqual([]);
});

test("a mutation takes a proof for POST", async () => {
    expect(await client(httpLink, dpop("POST", "add")).add.mutate()).toBe("user-1");
    expect(await outcomesOf([client(httpLink, dpop("GET", "add")).add.mutate()])).toEqual([
        "proof_method_mismatch"
    ]);
});

test("the error carries the refusal to the server's code, and only public text to the client", async () => {
    const failed = await client(httpLink, bearer())
        .write.mutate()
        .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(TRPCClientError);
    expect(failed).toMatchObject({
        message: "The access token lacks a scope",
        data: { code: "FORBIDDEN", httpStatus: 403, reason: "scope_insufficient" }
    });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({
        code: "FORBIDDEN",
        cause: { name: "RefusedError", refusal: { code: "scope_insufficient" } }
    });
    expect(answers[0]?.headers.get("www-authenticate")).toContain('scope="items:write"');
    await client(httpLink, bearer())
        .admin.query()
        .catch(() => undefined);
    expect(errors[1]?.message).toBe("The access token lacks a role");
    expect(JSON.stringify([failed, errors])).not.toContain("eyJ");
});

test("a streamed batch has begun before its calls are judged: the refusal is in the stream", async () => {
    const { me, open } = client(httpBatchStreamLink, {});
    expect(await outcomesOf([me.query(), open.query()])).toEqual(["credentials_missing", "open"]);
    expect(answers.map(({ status }) => status)).toEqual([200]);
    const bound = client(httpBatchStreamLink, dpop("GET", "me,narrowed"));
    expect(await outcomesOf([bound.me.query(), bound.narrowed.query()])).toEqual(["user-1", "user-1"]);
});

test("a subscription is judged before its stream begins", async () => {
    const refused = await fetch(`${url}/ticks`);
    expect(refused.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(await refused.text()).toContain("event: serialized-error");
    const granted = await fetch(`${url}/ticks`, { headers: bearer() });
    expect(await granted.text()).toContain("data: 1");
});

test("on a WebSocket the token comes with the connection, and ends with its time", async () => {
    const { router } = routerWith(fixtures.issuer.issuerUri);
    const server = createServer();
    const sockets = new WebSocketServer({ server });
    applyWSSHandler({ wss: sockets, router, createContext });
    const { port, close } = await listening(server);
    onTestFinished(async () => void (await close()));
    const connected = (connectionParams: Record<string, string> | null, headers = {}) => {
        class WebSocketOfTest extends WebSocket {
            constructor(address: string) {
                super(address, { headers });
            }
        }
        const params = connectionParams === null ? {} : { connectionParams };
        const link = createWSClient({
            url: `ws://127.0.0.1:${port}/`,
            WebSocket: WebSocketOfTest as never,
            ...params
        });
        onTestFinished(() => void link.close());
        return createTRPCClient<Router>({ links: [wsLink({ client: link })] });
    };
    const ask = async (asked: ReturnType<typeof connected>) => (await outcomesOf([asked.me.query()]))[0];
    const tokenFor = (seconds: number) => fixtures.token(nowInSeconds(), { exp: nowInSeconds() + seconds });
    const brief = connected({ token: tokenFor(3) });
    const briefByField = connected(null, { authorization: `Bearer ${tokenFor(3)}` });
    expect(await Promise.all([ask(brief), ask(briefByField)])).toEqual(["user-1", "user-1"]);
    expect(await ask(connected({ token: fixtures.boundToken(nowInSeconds()) }))).toBe("token_bound");
    expect(await ask(connected({ token: "no token" }))).toBe("credentials_malformed");
    expect(await ask(connected({ token: tokenFor(60) }, bearer()))).toBe("credentials_repeated");
    expect(await ask(connected({ other: tokenFor(60) }))).toBe("credentials_missing");
    await sleep(4_100);
    expect(await Promise.all([ask(brief), ask(briefByField)])).toEqual(["token_expired", "token_expired"]);
});

test("over HTTP a token in the URL is none", async () => {
    const params = encodeURIComponent(JSON.stringify({ token: fixtures.token(nowInSeconds()) }));
    expect((await fetch(`${url}/me?connectionParams=${params}`)).status).toBe(401);
});

test("what tRPC answers itself reaches no guard", async () => {
    const statusOf = async (method: string, headers = {}) =>
        (await fetch(`${url}/me`, { method, headers })).status;
    const preflight = { origin: "https://app.example.com", "access-control-request-method": "GET" };
    expect([
        await statusOf("HEAD"),
        await statusOf("OPTIONS"),
        await statusOf("OPTIONS", preflight),
        await statusOf("POST")
    ]).toEqual([204, 415, 415, 415]);
    expect(rejected).toEqual([]);
});

test("a misspelt rule is the program's error", () => {
    const validator = createValidator({ issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE });
    expect(() => protect(validator, { optionel: true } as never)).toThrow(TypeError);
});

test("a caller on the server has the credentials of the request that it names, and no others", async () => {
    const { router, t } = routerWith(fixtures.issuer.issuerUri);
    const call = t.createCallerFactory(router);
    const request = new Request(`${url}/me`, { headers: bearer() });
    expect(await call(createContext({ req: request, resHeaders: new Headers() })).me()).toBe("user-1");
    const resHeaders = new Headers();
    await expect(call(createContext({ req: new Request(url), resHeaders })).me()).rejects.toMatchObject({
        code: "UNAUTHORIZED"
    });
    expect(resHeaders.get("www-authenticate")).toMatch(/^Bearer/);
    await expect(call({} as AuthContext).me()).rejects.toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
});
