// What NestJS adds to the conformance table: the module, rules from decorators, GraphQL, gateways, filters.

import { ApolloDriver, type ApolloDriverConfig } from "@nestjs/apollo";
import {
    Catch,
    Controller,
    Get,
    Module,
    UseGuards,
    type ArgumentsHost,
    type DynamicModule,
    type INestApplication,
    type Type
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { GraphQLModule, Query, Resolver } from "@nestjs/graphql";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import { IoAdapter } from "@nestjs/platform-socket.io";
import { WsAdapter } from "@nestjs/platform-ws";
import { SubscribeMessage, WebSocketGateway } from "@nestjs/websockets";
import type { Response } from "express";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { RefusedError, type AccessTokenClaims } from "oidc-spa-native";
import { rolesOf, satisfies } from "oidc-spa-native/authorization";
import {
    Auth,
    AuthGuard,
    AuthModule,
    AuthRules,
    Dpop,
    OptionalAuth,
    Public,
    Refusal,
    Require,
    RequireRoles,
    RequireScopes
} from "oidc-spa-native/nestjs";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { decorate } from "../conformance/nest.js";
import { AUDIENCE, nowInSeconds } from "../support/fixtures.js";
import { fixtures, provideValidator, validator } from "../support/one-validator.js";

let app: INestApplication | undefined;

provideValidator();

afterEach(async () => {
    await app?.close();
    app = undefined;
});

const PLATFORMS = [
    ["Express", false],
    ["Fastify", true]
] as const;

interface Answer {
    readonly status: number;
    readonly challenge: string | null;
    readonly body: any;
}

type Parts = Pick<DynamicModule, "imports" | "controllers" | "providers">;

async function serve(
    parts: Parts,
    prepare?: (app: INestApplication) => void,
    onFastify = false
): Promise<(path: string, token?: string, init?: RequestInit) => Promise<Answer>> {
    class Root {}
    Module(parts)(Root);
    app = await (onFastify
        ? NestFactory.create(Root, new FastifyAdapter(), { logger: false })
        : NestFactory.create(Root, { logger: false }));
    prepare?.(app);
    await app.listen(0, "127.0.0.1");
    const base = await app.getUrl();
    return async (path, token, init = {}) => {
        const headers = {
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
            "content-type": "application/json"
        };
        const response = await fetch(base + path, { headers, ...init });
        const text = await response.text();
        return {
            status: response.status,
            challenge: response.headers.get("www-authenticate"),
            body: text.startsWith("{") ? JSON.parse(text) : text
        };
    };
}

/** A controller whose methods answer who it is. */
function controllerWith(
    path: string,
    ofClass: readonly ClassDecorator[],
    methods: Record<string, readonly MethodDecorator[]>
): Type {
    class Answering {}
    for (const [name, decorators] of Object.entries(methods)) {
        Object.defineProperty(Answering.prototype, name, {
            value: (auth: Auth | null) => ({ sub: auth?.claims.sub ?? null }),
            configurable: true,
            writable: true
        });
        decorate(Answering, name, [Get(name), ...decorators], Auth());
    }
    for (const decorator of [Controller(path), ...ofClass]) {
        decorator(Answering);
    }
    return Answering;
}

const token = (claims: Record<string, unknown> = {}): string => fixtures.token(nowInSeconds(), claims);

describe("rules", () => {
    const everyone = { nobody: 401, token: 200, scoped: 200 };

    test.each([
        ["nothing said", [], [], everyone],
        ["@Public() on the method", [], [Public()], { nobody: 200, token: 200, scoped: 200 }],
        ["@Public() on the class", [Public()], [], { nobody: 200, token: 200, scoped: 200 }],
        [
            "@Public() on the class, a scope on the method",
            [Public()],
            [RequireScopes("items:write")],
            { nobody: 401, token: 403, scoped: 200 }
        ],
        [
            "@Public() on the class, optional on the method",
            [Public()],
            [OptionalAuth()],
            { nobody: 200, token: 200, scoped: 200 }
        ],
        [
            "@Public() on the class, DPoP on the method",
            [Public()],
            [Dpop("required")],
            { nobody: 401, token: 401, scoped: 401 }
        ],
        [
            "a scope on the class, @Public() on the method",
            [RequireScopes("items:write")],
            [Public()],
            { nobody: 200, token: 200, scoped: 200 }
        ],
        [
            "a scope on the class",
            [RequireScopes("items:write")],
            [],
            { nobody: 401, token: 403, scoped: 200 }
        ],
        [
            "a scope on the class, a role on the method",
            [RequireScopes("items:write")],
            [RequireRoles(["editor"], rolesOf.keycloakRealm)],
            { nobody: 401, token: 403, scoped: 403 }
        ],
        [
            "a role on the class, a scope on the method",
            [RequireRoles(["editor"], rolesOf.keycloakRealm)],
            [RequireScopes("items:write")],
            { nobody: 401, token: 403, scoped: 403 }
        ],
        [
            "optional on the class, a scope on the method",
            [OptionalAuth()],
            [RequireScopes("items:write")],
            { nobody: 401, token: 403, scoped: 200 }
        ],
        [
            "optional and a scope on the method",
            [],
            [OptionalAuth(), RequireScopes("items:write")],
            { nobody: 200, token: 403, scoped: 200 }
        ],
        [
            "two requirements on the method",
            [],
            [
                RequireScopes("items:write"),
                Require(satisfies(({ sub }: { sub: string }) => sub === "nobody"))
            ],
            { nobody: 401, token: 403, scoped: 403 }
        ]
    ] as const)("%s", async (_name, ofClass, ofMethod, expected) => {
        const send = await serve({
            imports: [AuthModule.forRoot(validator)],
            controllers: [
                controllerWith("", ofClass as readonly ClassDecorator[], {
                    route: ofMethod as readonly MethodDecorator[]
                })
            ]
        });
        const answers = {
            nobody: await send("/route"),
            token: await send("/route", token()),
            scoped: await send("/route", token({ scope: "items:write" }))
        };
        expect(Object.fromEntries(Object.entries(answers).map(([who, { status }]) => [who, status]))).toEqual(
            expected
        );
        const bad = await send("/route", `${token().slice(0, -8)}AAAAAAAA`);
        // Bad credentials pass nowhere but where nobody looks at them.
        expect(bad.status).toBe(expected.nobody === 200 && answers.token.body.sub === null ? 200 : 401);
    });

    test("optional: the parameter is null without credentials", async () => {
        const send = await serve({
            imports: [AuthModule.forRoot(validator, { optional: true })],
            controllers: [controllerWith("", [], { route: [], scoped: [RequireScopes("items:write")] })]
        });
        expect((await send("/route")).body).toEqual({ sub: null });
        expect((await send("/route", token())).body).toEqual({ sub: "user-1" });
        expect((await send("/scoped")).status).toBe(401);
    });

    test("a requirement of the module holds for every route", async () => {
        const requireEmail = satisfies((claims: AccessTokenClaims) => claims.email === "a@example.com");
        const send = await serve({
            imports: [AuthModule.forRoot(validator, { require: requireEmail })],
            controllers: [controllerWith("", [], { route: [RequireScopes("items:write")] })]
        });
        expect((await send("/route", token({ scope: "items:write" }))).status).toBe(403);
        expect((await send("/route", token({ scope: "items:write", email: "a@example.com" }))).status).toBe(
            200
        );
    });

    test("a decorator that makes no sense is an error at once", () => {
        expect(() => RequireScopes(...([] as unknown as [string]))).toThrow(TypeError);
        expect(() => RequireRoles([], rolesOf.keycloakRealm)).toThrow(TypeError);
    });
});

describe("the module", () => {
    test("forRootAsync waits for other providers, and options make one validator", async () => {
        const config = {
            provide: "CONFIG",
            useFactory: async () => ({ issuerUri: fixtures.issuer.issuerUri })
        };
        class ConfigModule {}
        Module({ providers: [config], exports: ["CONFIG"] })(ConfigModule);
        const auth = AuthModule.forRootAsync({
            imports: [ConfigModule],
            inject: ["CONFIG"],
            useFactory: async ({ issuerUri }: { issuerUri: string }) => ({
                issuerUri,
                expectedAudience: AUDIENCE
            })
        });
        const send = await serve({ imports: [auth], controllers: [controllerWith("", [], { route: [] })] });
        expect((await send("/route", token())).body).toEqual({ sub: "user-1" });
        expect((await send("/route")).status).toBe(401);
    });

    test("onRejected gets the refusal and Nest's context", async () => {
        const logged: unknown[] = [];
        const send = await serve({
            imports: [
                AuthModule.forRoot(validator, {
                    onRejected: ({ code }, context) => logged.push([code, context.getHandler().name])
                })
            ],
            controllers: [controllerWith("", [], { route: [] })]
        });
        await send("/route");
        expect(logged).toHaveLength(1);
        expect(logged[0]).toEqual(["credentials_missing", expect.any(String)]);
    });

    test.each(PLATFORMS)("respond makes the body on %s", async (_on, onFastify) => {
        const respond = ({ code }: { code: string }) => ({ own: code });
        const send = await serve(
            {
                imports: [AuthModule.forRoot(validator, { respond })],
                controllers: [controllerWith("", [], { route: [] })]
            },
            undefined,
            onFastify
        );
        const { status, challenge, body } = await send("/route");
        expect({ status, body }).toEqual({ status: 401, body: { own: "credentials_missing" } });
        expect(challenge).toContain("Bearer");
    });

    test.each(PLATFORMS)(
        'rejection: "throw" on %s: filters get the RefusedError as the cause, Nest\'s own answers otherwise',
        async (_on, onFastify) => {
            class OwnFilter {
                catch(error: Error, host: ArgumentsHost) {
                    const { status, code } = error.cause as RefusedError;
                    host.switchToHttp()
                        .getResponse<Response>()
                        .status(status)
                        .send({ code, is: error.cause instanceof RefusedError });
                }
            }
            Catch()(OwnFilter);
            const module = {
                imports: [AuthModule.forRoot(validator, { rejection: "throw" })],
                controllers: [controllerWith("", [], { route: [] })]
            };
            const send = await serve(module, app => app.useGlobalFilters(new OwnFilter()), onFastify);
            const { status, challenge, body } = await send("/route");
            expect({ status, body }).toEqual({
                status: 401,
                body: { code: "credentials_missing", is: true }
            });
            expect(challenge).toContain("Bearer");
            const plain = await (await serve(module, undefined, onFastify))("/route");
            expect(plain).toMatchObject({ status: 401, challenge, body: { code: "credentials_missing" } });
        }
    );

    test.each(PLATFORMS)(
        "decorators say respond and rejection, the inner place before the outer, on %s",
        async (_on, onFastify) => {
            const by = (name: string) => () => ({ by: name });
            const contexts: string[] = [];
            const methods = {
                module: [],
                own: [
                    AuthRules({
                        respond: ({ code }, context) => {
                            contexts.push(context.getHandler().name);
                            return { own: code };
                        }
                    })
                ],
                thrown: [AuthRules({ rejection: "throw" })],
                back: [AuthRules({ rejection: "respond" })]
            } satisfies Record<string, MethodDecorator[]>;
            class OwnFilter {
                catch(error: Error, host: ArgumentsHost) {
                    // It leaves the status out, which the guard has set.
                    const response = host.switchToHttp().getResponse<Response>();
                    response.send(
                        error instanceof Refusal
                            ? JSON.parse(error.toSend.body ?? "")
                            : { thrown: (error.cause as RefusedError).code }
                    );
                }
            }
            Catch()(OwnFilter);
            const bodies = async (rules: object, ofClass: readonly ClassDecorator[]) => {
                const module = {
                    imports: [AuthModule.forRoot(validator, rules)],
                    controllers: [controllerWith("", ofClass, methods)]
                };
                const send = await serve(module, app => app.useGlobalFilters(new OwnFilter()), onFastify);
                const said: Record<string, unknown> = {};
                for (const name of Object.keys(methods)) {
                    const { status, challenge, body } = await send(`/${name}`);
                    expect([name, status, challenge]).toEqual([name, 401, expect.stringContaining("Bearer")]);
                    said[name] = body;
                    expect((await send(`/${name}`, token())).status).toBe(200);
                }
                return said;
            };
            const code = "credentials_missing";
            const [own, thrown] = [{ own: code }, { thrown: code }];
            const ofModule = { by: "module" };
            expect(await bodies({ respond: by("module") }, [])).toEqual({
                module: ofModule,
                own,
                thrown,
                back: ofModule
            });
            expect(contexts).toHaveLength(1);
            expect(await bodies({ rejection: "throw" }, [])).toMatchObject({
                module: thrown,
                own,
                thrown,
                back: { code }
            });
            const ofClass = { by: "class" };
            expect(await bodies({ rejection: "throw" }, [AuthRules({ respond: by("class") })])).toEqual({
                module: ofClass,
                own,
                thrown,
                back: ofClass
            });
            expect(() => AuthRules({ respond: by("x"), rejection: "throw" })).toThrow(
                "respond has no effect beside"
            );
            expect(() => AuthRules({ rejection: "thow" as never })).toThrow('expected "respond" or "throw"');
        }
    );

    test.each(PLATFORMS)(
        "a filter of the application may answer on %s; the challenge stays",
        async (_on, onFastify) => {
            class OwnFilter {
                catch(refusal: Refusal, host: ArgumentsHost) {
                    host.switchToHttp()
                        .getResponse<Response>()
                        .status(refusal.getStatus())
                        .send({ mine: refusal.message, of: refusal.getResponse() });
                }
            }
            Catch(Refusal)(OwnFilter);
            const send = await serve(
                {
                    imports: [AuthModule.forRoot(validator)],
                    controllers: [controllerWith("", [], { route: [] })]
                },
                app => app.useGlobalFilters(new OwnFilter()),
                onFastify
            );
            const { status, challenge, body } = await send("/route");
            expect({ status, mine: body.mine, code: body.of.code }).toEqual({
                status: 401,
                mine: "Credentials are required",
                code: "credentials_missing"
            });
            expect(challenge).toMatch(/^Bearer/);
        }
    );
});

describe.each(PLATFORMS)("GraphQL on %s", (_on, onFastify) => {
    class Me {
        me(auth: Auth) {
            return auth.claims.sub;
        }
        open() {
            return "to all";
        }
        reports() {
            return "secret";
        }
    }
    decorate(Me, "me", [Query("me")], Auth());
    decorate(Me, "open", [Query("open"), Public()]);
    decorate(Me, "reports", [Query("reports"), RequireScopes("reports")]);
    Resolver()(Me);

    const ask = async (query: string, accessToken?: string) => {
        // By default there is no reply in it, and so no place for a challenge.
        const context = onFastify ? { context: (req: unknown, reply: unknown) => ({ req, reply }) } : {};
        const typeDefs = "type Query { me: String, open: String, reports: String }";
        const send = await serve(
            {
                imports: [
                    AuthModule.forRoot(validator),
                    GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, typeDefs, ...context })
                ],
                providers: [Me]
            },
            undefined,
            onFastify
        );
        const { challenge, body } = await send("/graphql", accessToken, {
            method: "POST",
            body: JSON.stringify({ query }),
            headers: {
                "content-type": "application/json",
                ...(accessToken && { authorization: `Bearer ${accessToken}` })
            }
        });
        return {
            challenge,
            data: body.data,
            codes: body.errors?.map(
                ({ extensions }: any) => extensions.originalError?.code ?? extensions.code
            )
        };
    };

    test("a good token", async () => {
        expect(await ask("{ me open }", token())).toEqual({
            challenge: null,
            data: { me: "user-1", open: "to all" },
            codes: undefined
        });
    });

    test("no credentials: the public field alone, and a challenge", async () => {
        expect(await ask("{ me open }")).toEqual({
            challenge: expect.stringContaining("Bearer"),
            data: { me: null, open: "to all" },
            codes: ["credentials_missing"]
        });
    });

    test("a scope that is lacking", async () => {
        expect(await ask("{ me reports }", token())).toEqual({
            challenge: expect.stringContaining('scope="reports"'),
            data: { me: "user-1", reports: null },
            codes: ["scope_insufficient"]
        });
    });
});

describe.each(PLATFORMS)("a gateway on %s", (_on, onFastify) => {
    class Events {
        handleConnection(client: { request?: IncomingMessage }, request: IncomingMessage) {
            client.request = request;
        }
        whoami(auth: Auth) {
            return { event: "you", data: auth.claims.sub };
        }
        publish() {
            return { event: "published", data: true };
        }
        open() {
            return { event: "open", data: true };
        }
    }
    decorate(Events, "whoami", [SubscribeMessage("whoami")], Auth());
    decorate(Events, "publish", [SubscribeMessage("publish"), RequireScopes("publish")]);
    decorate(Events, "open", [SubscribeMessage("open"), Public()]);
    UseGuards(AuthGuard)(Events);
    WebSocketGateway()(Events);

    const say = async (event: string, headers: Record<string, string>) => {
        await serve(
            { imports: [AuthModule.forRoot(validator)], providers: [Events] },
            app => app.useWebSocketAdapter(new WsAdapter(app)),
            onFastify
        );
        const { port } = (app as INestApplication).getHttpServer().address() as AddressInfo;
        const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers });
        try {
            await once(socket, "open");
            socket.send(JSON.stringify({ event, data: {} }));
            const [message] = await once(socket, "message");
            return JSON.parse(String(message)) as { event: string; data: any };
        } finally {
            socket.terminate();
        }
    };

    test("a good token in the handshake", async () => {
        expect(await say("whoami", { Authorization: `Bearer ${token()}` })).toEqual({
            event: "you",
            data: "user-1"
        });
    });

    test("no credentials", async () => {
        expect(await say("open", {})).toEqual({ event: "open", data: true });
    });

    test.each([
        ["whoami", undefined, "credentials_missing"],
        ["publish", "", "scope_insufficient"]
    ])("%s, refused", async (event, scope, code) => {
        const answer = await say(event, scope === undefined ? {} : { Authorization: `Bearer ${token()}` });
        expect([answer.event, answer.data.code]).toEqual(["exception", code]);
    });
});

test.each(PLATFORMS)(
    "a gateway of socket.io judges the token that the client gave as it connected, on %s",
    async (_on, onFastify) => {
        class Events {
            whoami(auth: Auth) {
                return { event: "you", data: auth.claims.sub };
            }
        }
        decorate(Events, "whoami", [SubscribeMessage("whoami")], Auth());
        UseGuards(AuthGuard)(Events);
        WebSocketGateway()(Events);
        await serve(
            { imports: [AuthModule.forRoot(validator, { closeAtExpiry: false })], providers: [Events] },
            app => app.useWebSocketAdapter(new IoAdapter(app)),
            onFastify
        );
        const { port } = (app as INestApplication).getHttpServer().address() as AddressInfo;
        const { io } = await import("socket.io-client");
        const connected = (auth: object) => {
            const socket = io(`http://127.0.0.1:${port}/`, { auth, forceNew: true });
            onTestFinished(() => void socket.close());
            return () =>
                new Promise<unknown>(resolve => {
                    socket.once("you", resolve);
                    socket.once("exception", ({ code }) => resolve(code));
                    socket.emit("whoami", {});
                });
        };
        const brief = connected({ token: token({ exp: nowInSeconds() + 3 }) });
        expect(await brief()).toBe("user-1");
        expect(await connected({ token: token({ aud: "https://other.example.com" }) })()).toBe(
            "audience_mismatch"
        );
        expect(await connected({ token: ["a", "b"] })()).toBe("credentials_malformed");
        expect(await connected({})()).toBe("credentials_missing");
        await sleep(4_100);
        expect(await brief()).toBe("token_expired");
    }
);

test.each(PLATFORMS)(
    "what a class extends is said further out than what is said of it, on %s",
    async (_name, onFastify) => {
        class Open {
            get(): string {
                return "secret";
            }
        }
        Public()(Open);
        class Lenient extends Open {}
        OptionalAuth()(Lenient);
        const controllers = (
            [
                ["scoped", Open, RequireScopes("admin")],
                ["bound", Open, Dpop("required")],
                ["lenient", Lenient, RequireScopes("admin")],
                ["inherits", Open, undefined]
            ] as const
        ).map(([path, Base, rule]) => {
            class Sub extends (Base as new () => Open) {
                override get(): string {
                    return super.get();
                }
            }
            Get()(
                Sub.prototype,
                "get",
                Object.getOwnPropertyDescriptor(Sub.prototype, "get") as PropertyDescriptor
            );
            rule?.(Sub);
            Controller(path)(Sub);
            return Sub;
        });
        const ask = await serve(
            { imports: [AuthModule.forRoot(validator)], controllers },
            undefined,
            onFastify
        );
        const statuses = await Promise.all(
            ["/scoped", "/bound", "/lenient", "/inherits"].map(async path => (await ask(path)).status)
        );
        expect(statuses).toEqual([401, 401, 401, 200]);
    }
);

test("a public route takes no other rule beside it", () => {
    class Contradiction {}
    expect(() => [RequireScopes("admin"), Public()].forEach(rule => rule(Contradiction))).toThrow(/@Public/);
    class OtherWay {}
    expect(() => [Public(), Dpop("required")].forEach(rule => rule(OtherWay))).toThrow(/@Public/);
});
