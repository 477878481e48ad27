// Rules of NestJS that would vanish: of methods that their instance replaces, and in places where no guard asks for them.

import { ApolloDriver, type ApolloDriverConfig } from "@nestjs/apollo";
import { Controller, Get, Module, type INestApplication, type Type } from "@nestjs/common";
import { Field, GraphQLModule, ObjectType, Query, ResolveField, Resolver } from "@nestjs/graphql";
import { Test } from "@nestjs/testing";
import { SubscribeMessage, WebSocketGateway } from "@nestjs/websockets";
import { createValidator, type Validator } from "oidc-spa-native";
import { AuthModule, AuthRules, Public, RequireScopes } from "oidc-spa-native/nestjs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { decorate } from "../conformance/nest.js";
import { AUDIENCE, createFixtures, nowInSeconds, type Fixtures } from "../support/fixtures.js";

let fixtures: Fixtures;
let validator: Validator;
let app: INestApplication | undefined;

beforeAll(async () => {
    fixtures = await createFixtures();
    validator = createValidator({ issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE });
});

afterAll(() => fixtures.issuer.close());

afterEach(async () => {
    await app?.close();
    app = undefined;
});

type Parts = { controllers?: Type[]; providers?: Type[]; imports?: unknown[] };

async function start(module: unknown, { imports = [], ...parts }: Parts): Promise<string> {
    const builder = Test.createTestingModule({ imports: [module, ...imports] as Type[], ...parts });
    app = (await builder.compile()).createNestApplication({ logger: false });
    await app.listen(0, "127.0.0.1");
    return app.getUrl();
}

const status = async (url: string, claims?: Record<string, unknown>): Promise<number> => {
    const headers: Record<string, string> = {};
    if (claims !== undefined) {
        headers["authorization"] = `Bearer ${fixtures.token(nowInSeconds(), claims)}`;
    }
    return (await fetch(url, { headers })).status;
};

const named = (controller: Type): Type => {
    Controller("items")(controller);
    return controller;
};

class Bound {
    constructor() {
        this.remove = this.remove.bind(this);
    }
    remove() {
        return "removed";
    }
}
decorate(Bound, "remove", [Get(), RequireScopes("admin")]);

class Parent {
    remove() {
        return "removed";
    }
}
decorate(Parent, "remove", [Get(), RequireScopes("admin")]);
class Arrow extends Parent {
    override remove = () => "removed";
}

/** As libraries do that trace or cache: a function of any name, with the metadata of the method. */
class Wrapped {
    constructor() {
        const method = this.remove;
        const wrapper = function (this: Wrapped) {
            return method.apply(this);
        };
        for (const key of Reflect.getMetadataKeys(method)) {
            Reflect.defineMetadata(key, Reflect.getMetadata(key, method), wrapper);
        }
        this.remove = wrapper;
    }
    remove() {
        return "removed";
    }
}
decorate(Wrapped, "remove", [Get(), RequireScopes("admin")]);

class Plain {
    remove() {
        return "removed";
    }
}
decorate(Plain, "remove", [Get(), RequireScopes("admin")]);

class Unknown {
    constructor() {
        const method = this.remove;
        this.remove = function another(this: Unknown) {
            return method.apply(this);
        };
    }
    remove() {
        return "removed";
    }
}
decorate(Unknown, "remove", [Get(), RequireScopes("admin")]);

describe("a method that its instance replaces keeps its rules", () => {
    for (const [name, controller] of Object.entries({ Plain, Bound, Arrow, Wrapped })) {
        test(name, async () => {
            const url = `${await start(AuthModule.forRoot(validator), { controllers: [named(controller)] })}/items`;
            expect([await status(url), await status(url, {}), await status(url, { scope: "admin" })]).toEqual(
                [401, 403, 200]
            );
        });

        test(`${name}, where only ruled routes are guarded`, async () => {
            const module = AuthModule.forRoot(validator, {}, { global: false });
            const url = `${await start(module, { controllers: [named(controller)] })}/items`;
            expect([await status(url), await status(url, { scope: "admin" })]).toEqual([401, 200]);
        });
    }

    test("where nothing says which method it replaces, nobody passes", async () => {
        const module = AuthModule.forRoot(validator, {}, { global: false });
        const url = `${await start(module, { controllers: [named(Unknown)] })}/items`;
        expect([await status(url), await status(url, { scope: "admin" })]).toEqual([500, 500]);
    });
});

class Cat {}
decorateField(Cat);

function decorateField(type: Type): void {
    Field(() => String)(type.prototype as object, "name");
    ObjectType("Cat")(type);
}

function resolverOf(ofField: readonly MethodDecorator[]): Type {
    class Cats {
        cat() {
            return { name: "Tom" };
        }
        secret() {
            return "told";
        }
    }
    decorate(Cats, "cat", [Query(() => Cat)]);
    decorate(Cats, "secret", [ResolveField(() => String), ...ofField]);
    Resolver(() => Cat)(Cats);
    return Cats;
}

const graphql = (fieldResolverEnhancers?: ["guards"]) =>
    GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        autoSchemaFile: true,
        ...(fieldResolverEnhancers && { fieldResolverEnhancers })
    });

test("a rule of a field resolver whose guards Nest does not ask is an error at the start", async () => {
    const providers = [resolverOf([RequireScopes("admin")])];
    await expect(start(AuthModule.forRoot(validator), { imports: [graphql()], providers })).rejects.toThrow(
        /says a rule of Cats\.secret.*fieldResolverEnhancers/
    );
    await start(AuthModule.forRoot(validator), { imports: [graphql(["guards"])], providers });
    await app?.close();
    await start(AuthModule.forRoot(validator), { imports: [graphql()], providers: [resolverOf([])] });
});

test("an answer that no response will hold is an error at the start", async () => {
    const [respond, rejection] = [AuthRules({ respond: () => "x" }), AuthRules({ rejection: "throw" })];
    const gatewayOf = (ofClass: readonly ClassDecorator[], ofMethod: readonly MethodDecorator[]) => {
        class Chat {
            say() {
                return "said";
            }
        }
        decorate(Chat, "say", [SubscribeMessage("say"), ...ofMethod]);
        for (const decorator of [WebSocketGateway(), ...ofClass]) {
            decorator(Chat);
        }
        return Chat;
    };
    const operationOf = (ofClass: readonly ClassDecorator[], ofMethod: readonly MethodDecorator[]) => {
        class Cats {
            cat() {
                return "cat";
            }
        }
        decorate(Cats, "cat", [Query(() => String), ...ofMethod]);
        for (const decorator of [Resolver(), ...ofClass]) {
            decorator(Cats);
        }
        return Cats;
    };
    const starting = (provider: Type, imports: unknown[] = []) =>
        start(AuthModule.forRoot(validator), { imports, providers: [provider] });
    for (const provider of [gatewayOf([respond], []), gatewayOf([], [rejection]), gatewayOf([], [respond])]) {
        await expect(starting(provider)).rejects.toThrow(
            /says the rule "re.*" of Chat, where it has no effect/
        );
    }
    for (const provider of [operationOf([respond], []), operationOf([], [respond])]) {
        await expect(starting(provider, [graphql()])).rejects.toThrow(/says the rule "respond" of Cats/);
    }
    await starting(operationOf([], [rejection]), [graphql()]);
    await app?.close();
    await starting(gatewayOf([RequireScopes("x")], []));
});

test("a rule of a module's class is an error at the start", async () => {
    const moduleWith = (...decorators: ClassDecorator[]) => {
        class Items {}
        for (const decorator of [Module({ controllers: [named(Plain)] }), ...decorators]) {
            decorator(Items);
        }
        return Items;
    };
    for (const decorator of [RequireScopes("admin"), Public()]) {
        await expect(
            start(AuthModule.forRoot(validator), { imports: [moduleWith(decorator)] })
        ).rejects.toThrow(/a rule of the module Items/);
    }
    await start(AuthModule.forRoot(validator), { imports: [moduleWith()] });
});

test("a certificate that nobody shows is an error at the start, in whatever place it is asked for", async () => {
    const options = { issuerUri: fixtures.issuer.issuerUri, expectedAudience: AUDIENCE };
    const blind = createValidator({ ...options, clientCertificate: false });
    class Items {
        list() {
            return "listed";
        }
    }
    decorate(Items, "list", [Get(), AuthRules({ certificate: "required" })]);
    const controllers = [named(Items)];
    await expect(start(AuthModule.forRoot(blind), { controllers })).rejects.toThrow(/looks at none/);
    await expect(
        start(AuthModule.forRoot(blind, { certificate: "required" }), { controllers: [named(Plain)] })
    ).rejects.toThrow(/looks at none/);
    await start(AuthModule.forRoot(blind), { controllers: [named(Plain)] });
    await app?.close();
    await start(AuthModule.forRoot(createValidator(options)), { controllers });
});
