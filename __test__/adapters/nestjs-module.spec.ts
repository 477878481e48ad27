// How far NestJS' module reaches, what it gives to inject, and how an application's tests replace the validator.

import {
    Controller,
    Get,
    Inject,
    Module,
    UseGuards,
    type DynamicModule,
    type ExecutionContext,
    type INestApplication,
    type Type
} from "@nestjs/common";
import { Test } from "@nestjs/testing";
import type { Granted, Validator } from "oidc-spa-native";
import { rolesOf } from "oidc-spa-native/authorization";
import {
    Auth,
    AuthGuard,
    AuthModule,
    AuthRules,
    OptionalAuth,
    Public,
    RequireAnyRole,
    RequireScopes,
    VALIDATOR
} from "oidc-spa-native/nestjs";
import { afterEach, describe, expect, test } from "vitest";
import { decorate } from "../conformance/nest.js";
import { AUDIENCE, nowInSeconds } from "../support/fixtures.js";
import { fixtures, provideValidator, validator } from "../support/one-validator.js";

let app: INestApplication | undefined;

provideValidator();

afterEach(async () => {
    await app?.close();
    app = undefined;
});

const token = (claims: Record<string, unknown> = {}): string => fixtures.token(nowInSeconds(), claims);

/** A controller whose method answers who it is. */
function controllerOf(
    path: string,
    ofClass: readonly ClassDecorator[],
    ofMethod: readonly MethodDecorator[] = []
): Type {
    class Answering {
        who(auth: Granted | null) {
            return { sub: auth?.claims.sub ?? null };
        }
    }
    decorate(Answering, "who", [Get(), ...ofMethod], Auth());
    for (const decorator of [Controller(path), ...ofClass]) {
        decorator(Answering);
    }
    return Answering;
}

async function serve(
    module: DynamicModule,
    controllers: Type[],
    replaced?: (builder: ReturnType<typeof Test.createTestingModule>) => unknown
) {
    const builder = Test.createTestingModule({ imports: [module], controllers });
    replaced?.(builder);
    app = (await builder.compile()).createNestApplication({ logger: false });
    await app.listen(0, "127.0.0.1");
    const url = await app.getUrl();
    return async (path: string, accessToken?: string) => {
        const headers: Record<string, string> =
            accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` };
        const response = await fetch(`${url}/${path}`, { headers });
        return response.ok ? ((await response.json()) as { sub: string | null }).sub : response.status;
    };
}

const CONTROLLERS = () => [
    controllerOf("named", [UseGuards(AuthGuard)]),
    controllerOf("named-optional", [UseGuards(AuthGuard)], [OptionalAuth()]),
    controllerOf("named-public", [UseGuards(AuthGuard)], [Public()]),
    controllerOf("named-scope", [UseGuards(AuthGuard)], [RequireScopes("items:write")]),
    controllerOf("plain", []),
    controllerOf("scope", [], [RequireScopes("items:write")]),
    controllerOf("role", [RequireAnyRole(["owner", "auditor"], rolesOf.keycloakRealm)]),
    controllerOf("public", [], [Public()])
];

/** What each route answers to nobody and to a token. */
async function answers(send: (path: string, accessToken?: string) => Promise<unknown>) {
    const paths = [
        "named",
        "named-optional",
        "named-public",
        "named-scope",
        "plain",
        "scope",
        "role",
        "public"
    ];
    const entries = paths.map(async path => [path, [await send(path), await send(path, token())]] as const);
    return Object.fromEntries(await Promise.all(entries));
}

const SAID = {
    named: [401, "user-1"],
    "named-optional": [null, "user-1"],
    "named-public": [null, null],
    "named-scope": [401, 403],
    scope: [401, 403],
    role: [401, 403],
    public: [null, null]
};

test("a guard that a controller names asks for credentials, whatever the module's default", async () => {
    const send = await serve(AuthModule.forRoot(validator, { optional: true }), CONTROLLERS());
    expect(await answers(send)).toEqual({ ...SAID, plain: [null, "user-1"] });
    await app?.close();
    const strict = await serve(AuthModule.forRoot(validator), CONTROLLERS());
    expect(await answers(strict)).toEqual({ ...SAID, plain: [401, "user-1"] });
});

describe.each([
    ["forRoot", () => AuthModule.forRoot(validator, {}, { global: false })],
    ["forRootAsync", () => AuthModule.forRootAsync({ useFactory: async () => validator, global: false })],
    ["forRoot, optional", () => AuthModule.forRoot(validator, { optional: true }, { global: false })]
] as const)("a module that is not global, by %s", (_name, module) => {
    test("guards what names the guard and what says a rule; @Auth() of any other is an error", async () => {
        const send = await serve(module(), CONTROLLERS());
        expect(await answers(send)).toEqual({ ...SAID, plain: [500, 500] });
        expect(await send("scope", token({ scope: "items:write" }))).toBe("user-1");
    });
});

test("a rule holds whatever other decorators make of the method, and for no other method", async () => {
    const wrap: MethodDecorator = (_target, _key, descriptor: PropertyDescriptor) => {
        const inner = descriptor.value as (...given: unknown[]) => unknown;
        descriptor.value = function (this: unknown, ...given: unknown[]) {
            return inner.apply(this, given);
        };
    };
    class Base {
        list() {
            return { sub: "listed" };
        }
        open() {
            return { sub: "opened" };
        }
    }
    class Inherits extends Base {}
    class Overrides extends Base {
        override list() {
            return { sub: "overridden" };
        }
    }
    decorateAndDefine(Base, "list", [Get("list"), wrap, RequireScopes("items:write")]);
    decorateAndDefine(Base, "open", [Get("open"), wrap, Public()]);
    decorateAndDefine(Overrides, "list", [Get("list")]);
    Controller("inherits")(Inherits);
    Controller("overrides")(Overrides);
    const send = await serve(AuthModule.forRoot(validator), [Inherits, Overrides]);
    const write = token({ scope: "items:write" });
    expect(await send("inherits/list")).toBe(401);
    expect(await send("inherits/list", token())).toBe(403);
    expect(await send("inherits/list", write)).toBe("listed");
    expect(await send("inherits/open")).toBe("opened");
    expect(await send("overrides/list")).toBe(401);
    expect(await send("overrides/list", token())).toBe("overridden");
});

/** As the compiler does it: what the decorators made of the descriptor becomes the method. */
function decorateAndDefine(target: Type, method: string, decorators: readonly MethodDecorator[]): void {
    const descriptor = Object.getOwnPropertyDescriptor(target.prototype, method) as PropertyDescriptor;
    for (const decorator of decorators.toReversed()) {
        decorator(target.prototype as object, method, descriptor);
    }
    Object.defineProperty(target.prototype, method, descriptor);
}

test("guards that are made of the first request read no rule of a polluted prototype", async () => {
    const controllers = [
        ...CONTROLLERS(),
        controllerOf(
            "dpop",
            [AuthRules({ dpop: "required" })],
            [AuthRules({ dpop: undefined, optional: undefined })]
        )
    ];
    const send = await serve(AuthModule.forRoot(validator), controllers);
    const polluted = { public: true, optional: true, dpop: "disabled", guardPreflights: false };
    let seen: unknown;
    try {
        for (const [name, value] of Object.entries(polluted)) {
            Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
        }
        seen = { ...(await answers(send)), dpop: await send("dpop", token()) };
    } finally {
        for (const name of Object.keys(polluted)) {
            delete (Object.prototype as Record<string, unknown>)[name];
        }
    }
    expect(seen).toEqual({ ...SAID, plain: [401, "user-1"], dpop: 401 });
});

test("a module that is imported without a validator is an error, unless another one is global", async () => {
    const bare = Test.createTestingModule({ imports: [AuthModule], controllers: CONTROLLERS().slice(4) });
    await expect(bare.compile()).rejects.toThrow(/Write imports: \[AuthModule\.forRoot\(validator\)\]/);
    class Feature {}
    Module({ imports: [AuthModule], controllers: [controllerOf("feature", [UseGuards(AuthGuard)])] })(
        Feature
    );
    class Root {}
    Module({ imports: [Feature, AuthModule.forRoot(validator)] })(Root);
    const send = await serve({ module: Root }, []);
    expect([await send("feature"), await send("feature", token())]).toEqual([401, "user-1"]);
});

test("one of several roles is enough", async () => {
    const send = await serve(AuthModule.forRoot(validator), CONTROLLERS());
    const as = (roles: string[]) => send("role", token({ realm_access: { roles } }));
    expect([await as(["auditor"]), await as(["reader"]), await as(["owner", "auditor"])]).toEqual([
        "user-1",
        403,
        "user-1"
    ]);
});

test("what somebody else puts on a request is not who it is", async () => {
    class Forging {
        canActivate(context: ExecutionContext) {
            Object.assign(context.switchToHttp().getRequest(), { auth: { claims: { sub: "forged" } } });
            return true;
        }
    }
    const forged = [controllerOf("forged", [UseGuards(Forging)])];
    const send = await serve(AuthModule.forRoot(validator, {}, { global: false }), forged);
    expect(await send("forged")).toBe(500);
    await app?.close();
    const asked = await serve(AuthModule.forRoot(validator, { optional: true }), forged);
    expect([await asked("forged"), await asked("forged", token())]).toEqual([null, "user-1"]);
});

describe.each([
    ["forRoot", () => AuthModule.forRoot(validator)],
    [
        "forRootAsync",
        () =>
            AuthModule.forRootAsync({
                useFactory: async () => ({ issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE })
            })
    ]
] as const)("the validator of %s", (_name, module) => {
    test("is injected everywhere, and is the one that guards", async () => {
        class Health {
            constructor(readonly injected: Validator) {}
            health() {
                return {
                    sub: this.injected
                        .health()
                        .issuers.map(({ issuerUri }) => issuerUri)
                        .join()
                };
            }
        }
        decorate(Health, "health", [Get(), Public()]);
        Inject(VALIDATOR)(Health, undefined, 0);
        Controller("health")(Health);
        class Feature {}
        Module({ controllers: [Health] })(Feature);
        class Root {}
        Module({ imports: [module(), Feature] })(Root);
        const send = await serve({ module: Root }, []);
        expect(await send("health")).toBe(fixtures.issuer.issuerUri);
        expect(app?.get<Validator>(VALIDATOR).dpop).toBe("allowed");
    });

    test("is replaced by an application's tests", async () => {
        const alice = {
            isSuccess: true,
            claims: { sub: "alice" },
            rawClaims: {},
            scheme: "Bearer",
            headers: {}
        };
        const fake = {
            validateRequest: async () => alice,
            authorize: (verdict: unknown) => verdict,
            hasExpired: () => false,
            untilExpiry: () => new AbortController().signal
        };
        const send = await serve(module(), CONTROLLERS(), builder =>
            builder.overrideProvider(VALIDATOR).useValue(fake)
        );
        expect([await send("plain"), await send("named"), await send("scope")]).toEqual([
            "alice",
            "alice",
            "alice"
        ]);
    });
});
