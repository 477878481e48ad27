// Compiled by several versions of TypeScript, under several settings: what a route finds is typed by the schema, also
// beside a requirement, which takes any claims.

import { createValidator, type Granted, type Validator } from "oidc-spa-native";
import { allScopes, satisfies } from "oidc-spa-native/authorization";
import { protect as ofExpress } from "oidc-spa-native/express";
import { protect as ofFastify } from "oidc-spa-native/fastify";
import { protect as ofFetch } from "oidc-spa-native/fetch";
import { protect as ofHono } from "oidc-spa-native/hono";
import { protect as ofKoa } from "oidc-spa-native/koa";
import { protect as ofNodeHttp } from "oidc-spa-native/node-http";
import { observeMetrics, recordDurations } from "oidc-spa-native/opentelemetry";
import { metricsText, registerMetrics } from "oidc-spa-native/prometheus";
import {
    createTestClock,
    createTestIssuer,
    dpopClient,
    fakeValidator,
    mockValidator
} from "oidc-spa-native/testing";
import { protect as ofTrpc } from "oidc-spa-native/trpc";
import { protectNamespace } from "oidc-spa-native/websocket";

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function holds<_ extends true>(): void {}

interface Claims {
    sub: string;
    email: string;
}

const validator = createValidator({
    issuerUri: "https://auth.example.com",
    expectedAudience: "https://api.example.com",
    claims: { parse: (claims): Claims => ({ sub: claims.sub, email: String(claims["email"]) }) }
});
createValidator({
    issuerUri: "https://auth.example.com",
    expectedAudience: "https://api.example.com",
    claims: undefined,
    clock: undefined,
    trustProxy: undefined,
    network: { proxy: undefined },
    replayStore: undefined
});
const rules = { require: allScopes(["read"]) };

const onExpress = ofExpress(validator, { require: allScopes(["read"]), dpop: undefined });
holds<Equals<ReturnType<typeof onExpress.of>, Granted<Claims>>>();
const onFastify = ofFastify(validator, rules);
holds<Equals<ReturnType<typeof onFastify.of>, Granted<Claims>>>();
const onHono = ofHono(validator, rules);
holds<Equals<ReturnType<typeof onHono.of>, Granted<Claims>>>();
const onKoa = ofKoa(validator, rules);
holds<Equals<ReturnType<typeof onKoa.of>, Granted<Claims>>>();
const onNamespace = protectNamespace(validator, { ...rules, closeAtExpiry: undefined });
holds<Equals<ReturnType<typeof onNamespace.of>, Granted<Claims>>>();
const onTrpc = ofTrpc(validator, rules);
holds<Equals<typeof onTrpc extends (o: infer _) => unknown ? 1 : 0, 1>>();
ofFetch(validator, { require: allScopes(["read"]) }, (_request: Request, auth) => {
    holds<Equals<typeof auth, Granted<Claims>>>();
    return new Response(auth.claims.email);
});
ofNodeHttp(
    validator,
    { require: [allScopes(["read"]), satisfies((claims: Claims) => claims.email !== "")] },
    (_req, res, auth) => {
        holds<Equals<typeof auth, Granted<Claims>>>();
        res.end(auth.claims.email);
    }
);
const ofOptions = ofExpress(
    { issuerUri: "https://auth.example.com", expectedAudience: "https://api.example.com" },
    rules
);
holds<Equals<ReturnType<typeof ofOptions.of>, Granted>>();

const issuer = createTestIssuer({ shape: "keycloak", clock: createTestClock(), audience: undefined });
const kept = createValidator({ ...issuer.options, dpop: "required" });
holds<Equals<typeof kept, Validator>>();
const typed = createValidator({ ...issuer.options, claims: { parse: (claims): Claims => claims as never } });
holds<Equals<typeof typed, Validator<Claims>>>();
const client = dpopClient({ token: client => issuer.sign({ sub: "ann" }, { boundTo: client }) });
client.fetch("https://api.example.com/items", { method: "DELETE" }).then(({ status }) => status);
const anyone = fakeValidator({ claims: { sub: "ann", scope: "read" } });
holds<Equals<typeof anyone, Validator>>();
const ann: Validator<Claims> = fakeValidator({ claims: { email: "a@example.com" } });
ofExpress(ann, rules);
const mocked = mockValidator(
    { ...issuer.options, claims: { parse: (claims): Claims => claims as never } },
    { behavior: "use static identity", claims: { email: "a@example.com" } }
);
holds<Equals<typeof mocked, Validator<Claims>>>();

// @ts-expect-error: claims of another type
fakeValidator<Claims>({ claims: { email: 5 } });
// @ts-expect-error: either claims or a refusal
fakeValidator({ claims: {}, refusal: "token_expired" });
// @ts-expect-error: no such shape
createTestIssuer({ shape: "keyclaok" });
// @ts-expect-error: nobody would be asked for anything
ofExpress(validator, { require: [] });
// @ts-expect-error: a handler is no rules
ofFetch(validator, () => new Response());

holds<Equals<ReturnType<typeof metricsText>, string>>();
metricsText({ items: validator });
observeMetrics(validator)();
recordDurations()();
registerMetrics({ registerMetric: (_metric: object) => undefined }, validator);
