// Checked by the compiler alone: `tsc -p __test__`. A line that does not hold does not compile.

import { type } from "arktype";
import type { FastifyRequest } from "fastify";
import type { HonoRequest } from "hono";
import type { Context } from "koa";
import type { Request as ExpressRequest } from "express";
import type { JSONWebKeySet } from "jose";
import type { KeyObject } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import * as theirs from "oidc-spa/server";
import type * as contract from "oidc-spa-native";
import { createValidator, type AccessTokenClaims, type ErrorCause, type ErrorCode } from "oidc-spa-native";
import * as ours from "oidc-spa-native/server";
import { Agent, fetch as undiciFetch } from "undici";
import * as v from "valibot";
import { z } from "zod";
import type * as emitted from "../../dist/index.js";

/** Exact: also where one is `any`, or where a member differs only in being optional. */
type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function holds<_ extends true>(): void {}
const not = <_ extends false>(): void => {};

holds<Equals<string, string>>();
not<Equals<string, any>>();
not<Equals<{ a?: 1 }, { a?: 1 | undefined; b?: 1 }>>();

// --- What is emitted is what index.d.ts promises.

holds<Equals<typeof emitted.createValidator, typeof contract.createValidator>>();
holds<Equals<typeof emitted.RefusedError, typeof contract.RefusedError>>();
holds<Equals<keyof typeof emitted, "createValidator" | "RefusedError">>();
holds<Equals<keyof typeof contract, "createValidator" | "RefusedError">>();

// --- The drop-in's types are those of oidc-spa/server, `code` aside.

type Claims = { sub: string; groups: string[] };

holds<Equals<keyof typeof ours, keyof typeof theirs>>();

holds<Equals<ours.DecodedAccessToken_RFC9068, theirs.DecodedAccessToken_RFC9068>>();
holds<Equals<ours.AnyRequest, theirs.AnyRequest>>();
holds<Equals<ours.AnyRequest.Unified, theirs.AnyRequest.Unified>>();
holds<Equals<ours.AnyRequest.RequestLike, theirs.AnyRequest.RequestLike>>();
holds<Equals<ours.AnyRequest.IncomingMessageLike, theirs.AnyRequest.IncomingMessageLike>>();
holds<Equals<ours.AnyRequest.HonoRequestLike, theirs.AnyRequest.HonoRequestLike>>();
holds<Equals<ours.AnyRequest.FastifyRequestLike, theirs.AnyRequest.FastifyRequestLike>>();
holds<Equals<ours.ParseAnyRequestResult, theirs.ParseAnyRequestResult>>();
holds<Equals<ours.ParseAnyRequestResult.Success, theirs.ParseAnyRequestResult.Success>>();
holds<Equals<ours.ParseAnyRequestResult.Errored, theirs.ParseAnyRequestResult.Errored>>();

type WithoutNative<T> = T extends unknown
    ? { [Member in keyof T as Exclude<Member, "native">]: T[Member] }
    : never;

type OursBootstrap = ours.ParamsOfBootstrap<Claims>;
type TheirsBootstrap = theirs.ParamsOfBootstrap<Claims>;
holds<Equals<WithoutNative<OursBootstrap>, WithoutNative<TheirsBootstrap>>>();
holds<Equals<WithoutNative<ours.ParamsOfBootstrap.Real>, WithoutNative<theirs.ParamsOfBootstrap.Real>>>();
holds<
    Equals<
        WithoutNative<ours.ParamsOfBootstrap.Mock<Claims>>,
        WithoutNative<theirs.ParamsOfBootstrap.Mock<Claims>>
    >
>();
holds<
    Equals<
        WithoutNative<ours.ParamsOfBootstrap.Mock.DecodeOnly>,
        WithoutNative<theirs.ParamsOfBootstrap.Mock.DecodeOnly>
    >
>();
holds<
    Equals<
        WithoutNative<ours.ParamsOfBootstrap.Mock.UseStaticIdentity<Claims>>,
        WithoutNative<theirs.ParamsOfBootstrap.Mock.UseStaticIdentity<Claims>>
    >
>();
// Each takes the parameters of the other: `native` is optional, and theirs does not look at it.
holds<TheirsBootstrap extends OursBootstrap ? true : false>();
holds<OursBootstrap extends TheirsBootstrap ? true : false>();
holds<Equals<ours.ValidateAndDecodeAccessToken.Params, theirs.ValidateAndDecodeAccessToken.Params>>();
holds<
    Equals<ours.ValidateAndDecodeAccessToken.Params.Bearer, theirs.ValidateAndDecodeAccessToken.Params.Bearer>
>();
holds<
    Equals<ours.ValidateAndDecodeAccessToken.Params.DPoP, theirs.ValidateAndDecodeAccessToken.Params.DPoP>
>();
holds<Equals<typeof ours.extractRequestAuthContext, typeof theirs.extractRequestAuthContext>>();

type WithoutCode<T> = T extends unknown
    ? { [Member in keyof T as Exclude<Member, "code" | "response">]: T[Member] }
    : never;

type OursSuccess = ours.ValidateAndDecodeAccessToken.ReturnType.Success<Claims>;
type TheirsSuccess = theirs.ValidateAndDecodeAccessToken.ReturnType.Success<Claims>;
holds<Equals<WithoutCode<OursSuccess>, TheirsSuccess>>();
holds<Equals<Exclude<keyof OursSuccess, keyof TheirsSuccess>, "response">>();
// Each does where the other is expected: `response` is optional.
holds<OursSuccess extends TheirsSuccess ? true : false>();
holds<TheirsSuccess extends OursSuccess ? true : false>();

type OursErrored = ours.ValidateAndDecodeAccessToken.ReturnType.Errored;
type TheirsErrored = theirs.ValidateAndDecodeAccessToken.ReturnType.Errored;
holds<Equals<WithoutCode<OursErrored>, WithoutCode<TheirsErrored>>>();
holds<Equals<OursErrored["code"], ErrorCode | undefined>>();
holds<Equals<Exclude<keyof OursErrored, keyof TheirsErrored>, "code" | "response">>();

type OursReturn = ours.ValidateAndDecodeAccessToken.ReturnType<Claims>;
type TheirsReturn = theirs.ValidateAndDecodeAccessToken.ReturnType<Claims>;
holds<Equals<WithoutCode<OursReturn>, WithoutCode<TheirsReturn>>>();
holds<Equals<keyof ours.OidcSpaUtils<Claims>, keyof theirs.OidcSpaUtils<Claims>>>();
// A member more; a program that names the type of oidc-spa/server takes it.
type OursMade = ReturnType<typeof ours.oidcSpa.createUtils>;
type TheirsMade = ReturnType<typeof theirs.oidcSpa.createUtils>;
holds<Equals<Exclude<keyof OursMade, keyof TheirsMade>, "native">>();
holds<
    Equals<
        ReturnType<ours.OidcSpaUtils<Claims>["bootstrapAuth"]>,
        ReturnType<theirs.OidcSpaUtils<Claims>["bootstrapAuth"]>
    >
>();
holds<Equals<ours.OidcSpaUtils<Claims>["ofTypeDecodedAccessToken"], Claims>>();
holds<
    Equals<
        Parameters<ours.ValidateAndDecodeAccessToken<Claims>>,
        Parameters<theirs.ValidateAndDecodeAccessToken<Claims>>
    >
>();

// Ours can stand wherever a program names the type of theirs.
holds<typeof ours.oidcSpa extends typeof theirs.oidcSpa ? true : false>();
holds<ours.OidcSpaUtils<Claims> extends theirs.OidcSpaUtils<Claims> ? true : false>();
holds<OursReturn extends TheirsReturn ? true : false>();

// --- A program written on oidc-spa/server, with either import.

const zClaims = z.object({
    sub: z.string(),
    realm_access: z.object({ roles: z.array(z.string()) }).optional(),
    level: z.string().transform(Number)
});

async function program(
    oidcSpa: typeof theirs.oidcSpa,
    extract: typeof theirs.extractRequestAuthContext,
    request: Request
) {
    const { bootstrapAuth, validateAndDecodeAccessToken, ofTypeDecodedAccessToken } = oidcSpa
        .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: zClaims })
        .createUtils();
    await bootstrapAuth({
        implementation: "real",
        issuerUri: "https://auth.example.com",
        expectedAudience: undefined
    });
    const context = extract({ request, trustProxy: true });
    if (context === undefined || !context.isWellFormed) {
        return undefined;
    }
    const result = await validateAndDecodeAccessToken(context.accessTokenAndMetadata);
    holds<Equals<typeof ofTypeDecodedAccessToken, z.output<typeof zClaims>>>();
    if (!result.isSuccess) {
        result.errorCause satisfies ErrorCause;
        result.debugErrorMessage satisfies string;
        result.decodedAccessToken satisfies undefined;
        return undefined;
    }
    const { decodedAccessToken, decodedAccessToken_original } = result;
    holds<Equals<typeof decodedAccessToken, z.output<typeof zClaims>>>();
    holds<Equals<typeof decodedAccessToken_original, theirs.DecodedAccessToken_RFC9068>>();
    return decodedAccessToken.level.toFixed();
}
void program(theirs.oidcSpa, theirs.extractRequestAuthContext, new Request("https://api.example.com"));
void program(ours.oidcSpa, ours.extractRequestAuthContext, new Request("https://api.example.com"));

async function ourProgram() {
    const { validateAndDecodeAccessToken, ofTypeDecodedAccessToken } = ours.oidcSpa
        .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: zClaims })
        .createUtils();
    holds<Equals<typeof ofTypeDecodedAccessToken, z.output<typeof zClaims>>>();
    const result = await validateAndDecodeAccessToken({
        scheme: "Bearer",
        accessToken: "",
        rejectIfAccessTokenDPoPBound: true
    });
    if (result.isSuccess) {
        holds<Equals<typeof result.decodedAccessToken, z.output<typeof zClaims>>>();
    } else {
        result.code satisfies ErrorCode | undefined;
    }
}
void ourProgram;

const plainUtils = ours.oidcSpa.createUtils();
holds<Equals<(typeof plainUtils)["ofTypeDecodedAccessToken"], ours.DecodedAccessToken_RFC9068>>();

ours.oidcSpa
    .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: zClaims })
    // @ts-expect-error: the shape is said once
    .withExpectedDecodedAccessTokenShape({ decodedAccessTokenSchema: zClaims });

// Requests of the frameworks are accepted as they are.
declare const requests: {
    node: IncomingMessage;
    http2: Http2ServerRequest;
    express: ExpressRequest;
    fastify: FastifyRequest;
    hono: HonoRequest;
    koa: Context;
    fetch: Request;
};
function frameworks(validator: contract.Validator) {
    const { node, http2, express, fastify, hono, koa, fetch } = requests;
    for (const request of [node, express, fastify, hono, fetch]) {
        ours.extractRequestAuthContext({ request, trustProxy: false });
    }
    void validator.validateRequest(node);
    void validator.validateRequest(http2);
    void validator.validateRequest(express);
    void validator.validateRequest(fastify);
    void validator.validateRequest(hono);
    void validator.validateRequest(koa);
    void validator.validateRequest(fetch);
    void validator.validateRequest(fetch.headers, { method: "GET", url: fetch.url });
    void validator.validateRequest(node.headers);
    void validator.validateRequest(node.rawHeaders);
    // @ts-expect-error: a token alone is not a request
    void validator.validateRequest("eyJ");
}
void frameworks;

// --- createValidator

const issuer = {
    issuerUri: "https://auth.example.com",
    expectedAudience: "https://api.example.com"
} as const;

const plain = createValidator(issuer);
holds<Equals<typeof plain, contract.Validator<AccessTokenClaims>>>();

const withZod = createValidator({ ...issuer, claims: zClaims });
holds<Equals<typeof withZod, contract.Validator<z.output<typeof zClaims>>>>();

const vClaims = v.object({ sub: v.string(), level: v.pipe(v.string(), v.transform(Number)) });
const withValibot = createValidator({ ...issuer, claims: vClaims });
holds<Equals<typeof withValibot, contract.Validator<{ sub: string; level: number }>>>();

const aClaims = type({ sub: "string", level: "string.numeric.parse" });
const withArktype = createValidator({ ...issuer, claims: aClaims });
holds<Equals<typeof withArktype, contract.Validator<{ sub: string; level: number }>>>();

const withParse = createValidator({ ...issuer, claims: { parse: claims => ({ user: claims.sub }) } });
holds<Equals<typeof withParse, contract.Validator<{ user: string }>>>();

createValidator({ issuers: [issuer, { issuerUri: "https://b.example.com", expectedAudience: false }] });
createValidator({ ...issuer, algorithms: ["ES256", "Ed25519"], proofAlgorithms: ["ES256"] });

// @ts-expect-error: no audience is not "any audience"
createValidator({ issuerUri: "https://auth.example.com" });
// @ts-expect-error: nor is undefined
createValidator({ issuerUri: "https://auth.example.com", expectedAudience: undefined });
// @ts-expect-error: E20, an audience is text
createValidator({ issuerUri: "https://auth.example.com", expectedAudience: /api/ });
// @ts-expect-error: A15, symmetric algorithms are not in the type
createValidator({ ...issuer, algorithms: ["HS256"] });
// @ts-expect-error: A16, nor is none
createValidator({ ...issuer, algorithms: ["none"] });
// @ts-expect-error: one issuer, or several
createValidator({ ...issuer, issuers: [issuer] });
// @ts-expect-error: of a written name
createValidator({ ...issuer, leeway: 3 });

// --- Whom a token is for, and whose it is: one of the two is written.

const { issuerUri } = issuer;

createValidator({ issuerUri, expectedClients: "web" });
createValidator({ issuerUri, expectedClients: ["web", "mobile"] as const });
createValidator({ ...issuer, expectedClients: ["web"], audienceMode: "only" });
createValidator({ issuerUri, expectedAudience: false, expectedClients: ["web"] });
createValidator({ issuerUri, expectedAudience: process.env.AUDIENCE ?? false });
createValidator({ issuers: [issuer, { issuerUri: "https://b.example.com", expectedClients: ["web"] }] });
const recipients: contract.IssuerOptions = { issuerUri, expectedClients: ["web"] };
createValidator(recipients);

// @ts-expect-error: undefined is nobody
createValidator({ issuerUri, expectedClients: undefined });
// @ts-expect-error: a client is a text
createValidator({ issuerUri, expectedClients: [1] });
// @ts-expect-error: there is no "any client" to write
createValidator({ issuerUri, expectedClients: false });
// @ts-expect-error: nor for one of several issuers
createValidator({ issuers: [{ issuerUri }] });
// @ts-expect-error: a mode has an audience
createValidator({ issuerUri, expectedClients: ["web"], audienceMode: "only" });
// @ts-expect-error: of two words
createValidator({ ...issuer, audienceMode: "all" });
// @ts-expect-error: for each issuer, not beside them
createValidator({ issuers: [issuer], expectedClients: ["web"] });

// --- Claims that may be lacking.

const machines = createValidator({ ...issuer, optionalClaims: ["sub"] });
holds<Equals<typeof machines, contract.Validator<contract.AccessTokenClaimsLacking<"sub">>>>();
const neither = createValidator({ issuers: [issuer], optionalClaims: ["sub", "iat"] });
holds<Equals<typeof neither, contract.Validator<contract.AccessTokenClaimsLacking<"sub" | "iat">>>>();
const none = createValidator({ ...issuer, optionalClaims: [] });
holds<Equals<typeof none, contract.Validator<AccessTokenClaims>>>();
const machinesWithZod = createValidator({ ...issuer, optionalClaims: ["sub"], claims: zClaims });
holds<Equals<typeof machinesWithZod, contract.Validator<z.output<typeof zClaims>>>>();
const machinesWithParse = createValidator({
    ...issuer,
    optionalClaims: ["sub"],
    claims: { parse: claims => ({ user: claims.sub, at: claims.iat }) }
});
holds<Equals<typeof machinesWithParse, contract.Validator<{ user: string | undefined; at: number }>>>();

async function lacking() {
    const { claims } = await machines.validateRequest({});
    const { claims: others } = await neither.validateRequest({});
    const { claims: whole } = await plain.validateRequest({});
    if (claims !== undefined && others !== undefined && whole !== undefined) {
        holds<Equals<typeof claims.sub, string | undefined>>();
        holds<Equals<typeof claims.iat, number>>();
        holds<Equals<typeof claims.exp, number>>();
        holds<Equals<typeof others.iat, number | undefined>>();
        holds<Equals<typeof whole.sub, string>>();
        holds<Equals<typeof whole.iat, number>>();
        holds<Equals<typeof whole.aud, string | string[] | undefined>>();
        holds<Equals<typeof whole.scope, string | string[] | undefined>>();
        holds<Equals<typeof whole.auth_time, unknown>>();
    }
}
void lacking;

// @ts-expect-error: no token is without an end
createValidator({ ...issuer, optionalClaims: ["exp"] });
// @ts-expect-error: of a written name
createValidator({ ...issuer, optionalClaims: ["sub", "subject"] });
// @ts-expect-error: a list
createValidator({ ...issuer, optionalClaims: "sub" });
// @ts-expect-error: for all issuers, not for one
createValidator({ issuers: [{ ...issuer, optionalClaims: ["sub"] }] });

createValidator({ ...issuer, maxTokenAgeSeconds: 600, leewaySeconds: 5 });

// --- Keys and the network.

declare const joseSet: JSONWebKeySet;
declare const nodeKey: KeyObject;

createValidator({ ...issuer, keys: { jwks: joseSet } });
createValidator({ ...issuer, keys: { jwks: { keys: [nodeKey.export({ format: "jwk" })] } } });
createValidator({
    ...issuer,
    keys: { pem: nodeKey.export({ format: "pem", type: "spki" }).toString() },
    keysOutageSeconds: "forever"
});
createValidator({ ...issuer, jwksUri: ["https://a.example.com/jwks"] as const, network: { proxy: false } });
createValidator({
    issuers: [{ ...issuer, keys: { file: "keys.json" } }],
    keysAgeSeconds: 60,
    network: { allowHttp: true }
});

// @ts-expect-error: PEM is text
createValidator({ ...issuer, keys: { pem: Buffer.from("") } });
// @ts-expect-error: keys come from somewhere
createValidator({ ...issuer, keys: {} });
// @ts-expect-error: a URL is not static
createValidator({ ...issuer, keys: { url: "https://a.example.com/jwks" } });
// @ts-expect-error: no other word
createValidator({ ...issuer, keysOutageSeconds: "always" });
// @ts-expect-error: a certificate has its key
createValidator({ ...issuer, network: { clientCertificate: { cert: "" } } });

// --- Which thread verifies, and what is remembered.

for (const verification of ["auto", "inline", "threads", undefined] as const) {
    createValidator({ ...issuer, ...(verification && { verification }), verifiedTokenMemory: 1 << 20 });
}
createValidator({ issuers: [issuer], verification: "threads", verifiedTokenMemory: false });
holds<Equals<contract.CommonOptions<unknown>["verification"], "auto" | "inline" | "threads" | undefined>>();
holds<Equals<contract.CommonOptions<unknown>["verifiedTokenMemory"], number | false | undefined>>();

// @ts-expect-error: no other word
createValidator({ ...issuer, verification: "thread" });
// @ts-expect-error: a memory has a size
createValidator({ ...issuer, verifiedTokenMemory: true });
// @ts-expect-error: for all issuers, not for one
createValidator({ issuers: [{ ...issuer, verifiedTokenMemory: false }] });

holds<Equals<ReturnType<typeof withZod.health>, contract.ValidatorHealth>>();

function health({ issuers }: contract.ValidatorHealth, event: contract.KeysEvent) {
    for (const { state } of issuers) {
        switch (state) {
            case "none":
            case "fresh":
            case "stale":
            case "expired":
            case "static":
                break;
            default:
                state satisfies never;
        }
    }
    event.error satisfies string | undefined;
}
void health;

async function verdicts() {
    const verdict = await withZod.validateRequest({ authorization: "Bearer eyJ" });
    if (verdict.isSuccess) {
        holds<Equals<typeof verdict.claims, z.output<typeof zClaims>>>();
        holds<Equals<typeof verdict.rawClaims, AccessTokenClaims>>();
        holds<Equals<typeof verdict.code, undefined>>();
    } else {
        holds<Equals<typeof verdict.code, ErrorCode>>();
        holds<Equals<typeof verdict.errorCause, ErrorCause>>();
        holds<Equals<typeof verdict.claims, undefined>>();
    }
}
void verdicts;

// --- `network.fetch` is fetch, that of undici, or a function around one of them.

const agent = new Agent();
export const fetches: contract.FetchFunction[] = [
    fetch,
    undiciFetch,
    (url, init) => undiciFetch(url, { ...init, dispatcher: agent }),
    async (url, init) => fetch(url, init),
    async () => new Response("{}")
];
// @ts-expect-error: no Response
fetches.push(async () => "{}");
// @ts-expect-error: a URL is a text
fetches.push(async (url: URL) => fetch(url));
