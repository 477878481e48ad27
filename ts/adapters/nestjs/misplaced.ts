/**
 * Finds, at the start of the application, decorators at places where no guard reads them.
 *
 * In: the modules of an application. Out: an error that names the place. Never: a request.
 */

import type { ModulesContainer } from "@nestjs/core" with { "resolution-mode": "import" };
import { invalid } from "../../validator/members.js";
import { checkCertificates } from "../../guard/guard.js";
import type { Settings } from "./guard.js";
import { isRuledClass, ruledMethodsOf, rulesFor, saysRule } from "./rules.js";

/** The metadata key with which `@nestjs/graphql` marks a method that resolves a field, and the name of its options. */
const FIELD = "graphql:resolve_property";
const GRAPHQL_OPTIONS = "GqlModuleOptions";

/** The metadata key of a gateway's class, and that of a query, mutation or subscription. */
const GATEWAY = "websockets:is_gateway";
const OPERATION = "graphql:resolver_type";

/**
 * Throws if a rule has no effect (on a module, or on a field of GraphQL whose guards are switched off), or if it
 * contradicts the validator's options.
 */
export function checkPlaces(modules: ModulesContainer, { validator, rules }: Settings): void {
    checkCertificates(validator, rules);
    let guardsFields = false;
    const fields: string[] = [];
    for (const { metatype, providers, controllers } of modules.values()) {
        if (isRuledClass(metatype)) {
            throw invalid(
                `a decorator says a rule of the module ${metatype.name}, where none is asked for. Write it on controllers, ` +
                    "resolvers and gateways, or as a rule of AuthModule.forRoot"
            );
        }
        for (const { metatype: provider, instance, token } of [
            ...providers.values(),
            ...controllers.values()
        ]) {
            guardsFields ||= token === GRAPHQL_OPTIONS && hasGuardsOfFields(instance);
            if (typeof provider === "function" && typeof provider.prototype === "object") {
                fields.push(...fieldsOf(provider));
                checkAnswers(provider);
                for (const method of ruledMethodsOf(provider)) {
                    const ofRoute = rulesFor(provider, method, rules);
                    ofRoute && checkCertificates(validator, ofRoute);
                }
            }
        }
    }
    const [field] = fields;
    if (field !== undefined && !guardsFields) {
        throw invalid(
            `a decorator says a rule of ${field}, which resolves a field, and Nest asks no guard there. Write ` +
                'GraphQLModule.forRoot({ …, fieldResolverEnhancers: ["guards"] }), or say the rule of the queries'
        );
    }
}

/** Messages of gateways and operations of GraphQL are answered in forms of their own. */
function checkAnswers(provider: Function): void {
    const isGateway = Reflect.getMetadata(GATEWAY, provider) === true;
    const isResolver = membersOf(provider).some(member => Reflect.hasMetadata(OPERATION, member));
    const vain = (["respond", "rejection"] as const).find(
        rule => (isGateway || (isResolver && rule === "respond")) && saysRule(provider, rule)
    );
    if (vain !== undefined) {
        throw invalid(
            `a decorator says the rule "${vain}" of ${provider.name}, where it has no effect: ` +
                (isGateway
                    ? "a message of a gateway is refused by a WsException"
                    : "a refusal of GraphQL is an error in its answer") +
                ". Say it of controllers"
        );
    }
}

/** The functions in the class and its base classes. */
function membersOf(provider: Function): Function[] {
    const members: Function[] = [];
    for (
        let of = provider.prototype as object | null;
        of !== null;
        of = Object.getPrototypeOf(of) as object | null
    ) {
        for (const name of Reflect.ownKeys(of)) {
            const value: unknown = Object.getOwnPropertyDescriptor(of, name)?.value;
            typeof value === "function" && members.push(value);
        }
    }
    return members;
}

const fieldsOf = (resolver: Function): readonly string[] =>
    ruledMethodsOf(resolver)
        .filter(method => Reflect.getMetadata(FIELD, method) !== undefined)
        .map(method => `${resolver.name}.${method.name}`);

function hasGuardsOfFields(options: unknown): boolean {
    const { fieldResolverEnhancers } = Object(options) as { fieldResolverEnhancers?: unknown };
    return Array.isArray(fieldResolverEnhancers) && fieldResolverEnhancers.includes("guards");
}
