/**
 * `createValidator`: the addon's validator with the application's schema, its clock and its types.
 *
 * In: the options of `index.d.ts`; header fields or a request. Out: a `Validator`; verdicts. May use: native,
 * claims, fleet, keys-channel, replay-store, request, verifier, authorization. Never: a rule about tokens, a challenge, an
 * exception for what a client sent.
 */

import type {
    AccessTokenClaims,
    ClaimsSchema,
    DpopMode,
    Granted,
    Refused,
    RequestRules,
    ResourceMetadata,
    Validator,
    ValidatorHealth,
    ValidatorOptions,
    Verdict
} from "../index.js";
import { scopesToAskFor, shortfallOf } from "./authorization.js";
import { copyOf } from "./claims.js";
import { watchFleet } from "./fleet.js";
import { publishKeysEvents } from "./keys-channel.js";
import {
    NativeValidator,
    readRefusal,
    type NativeGrant,
    type NativeRefusal,
    type NativeVerdict
} from "./native.js";
import { replayAccess, type ReplayAccess } from "./replay-store.js";
import { readHeadersOrRequest } from "./request.js";
import { Verifier } from "./verifier.js";

export function createValidator<Claims = AccessTokenClaims>(options: ValidatorOptions<Claims>): Validator<Claims> {
    if (typeof options !== "object" || options === null || Array.isArray(options)) {
        throw new TypeError(
            "oidc-spa-native: createValidator takes an object of options, for example " +
                '{ issuerUri: "https://auth.example.com", expectedAudience: "https://api.example.com" }.'
        );
    }
    const lost = inheritedGetter(options);
    if (lost !== undefined) {
        throw new TypeError(
            `oidc-spa-native: option "${lost}" is a getter of a class, which would be lost. Write the options out: ` +
                "{ issuerUri: config.issuerUri, expectedAudience: config.audience }."
        );
    }
    const { claims, clock, ...policy } = options;
    for (const internal of ["dropIn", "ownClock"]) {
        if (internal in policy) {
            throw new TypeError(`oidc-spa-native: unknown option "${internal}".`);
        }
    }
    const applySchema = claims === undefined ? undefined : schemaReader(claims);
    const now = clock === undefined ? () => Date.now() : clockReader(clock);
    const { native, conclude, health } = newNativeValidator(clock === undefined ? policy : { ...policy, ownClock: true });
    const verifier = new Verifier(native, conclude, policy);

    // The addon has checked the value. A proxy's own certificate must not pass for its client's.
    const sources = { peerCertificate: (policy.clientCertificate ?? "socket") === "socket", pseudoScheme: false };

    for (const warning of native.warnings()) {
        process.emitWarning(warning, { type: "oidc-spa-native", code: "OIDC_SPA_NATIVE_OPTIONS" });
    }
    const metadata = native.resourceMetadata();

    const refuse = (mode: DpopMode | null, scheme: string, debugErrorMessage: string): Refused =>
        toRefused(readRefusal(native.refuse(now(), mode, "claims_rejected", scheme, debugErrorMessage, [], [], null)));

    /** Who came without credentials is told what to get. A token that is bad for itself may have the scopes. */
    const nameScopes = (verdict: Refused, mode: DpopMode | null, scopes: readonly string[]): Refused => {
        const { code, debugErrorMessage } = verdict;
        const isAnonymous = code === "credentials_missing" || code === "scheme_unsupported";
        return isAnonymous && scopes.length > 0
            ? toRefused(readRefusal(native.refuse(now(), mode, code, null, debugErrorMessage, scopes, [], null)))
            : verdict;
    };

    const toVerdict = (
        verdict: NativeVerdict,
        mode: DpopMode | null
    ): Verdict<Claims> | Promise<Verdict<Claims>> => {
        if (!verdict.isGranted) {
            return toRefused(verdict);
        }
        const rawClaims = verdict.claims as AccessTokenClaims;
        if (applySchema === undefined) {
            // Without a schema, `Claims` is its default.
            return toGranted(verdict, rawClaims as Claims, rawClaims);
        }
        // A schema may change what it is given: it gets claims of its own.
        return applySchema(copyOf(rawClaims)).then(outcome =>
            "report" in outcome
                ? refuse(mode, verdict.scheme, shapeMismatch(outcome.report))
                : toGranted(verdict, outcome.claims, rawClaims)
        );
    };

    return {
        validateRequest: async (headers, target, rules) => {
            const mode = dpopModeOf(rules);
            const answer = verifier.request(now(), mode, readHeadersOrRequest(headers, target, sources));
            return toVerdict(answer instanceof Promise ? await answer : answer, mode);
        },
        authorize: (verdict, requirement, rules) => {
            const mode = dpopModeOf(rules);
            if (!verdict.isSuccess) {
                return nameScopes(verdict, mode, scopesToAskFor(requirement));
            }
            const at = now();
            const lack = shortfallOf(verdict, requirement, Math.floor(at / 1000));
            if (lack === null) {
                return verdict;
            }
            const { code, debugErrorMessage, scopes = [], acrValues = [], maxAgeSeconds = null } = lack;
            const told = native.refuse(
                at,
                mode,
                code,
                verdict.scheme,
                debugErrorMessage,
                scopes,
                acrValues,
                maxAgeSeconds
            );
            return toRefused(readRefusal(told));
        },
        dpop: options.dpop ?? "allowed",
        resourceMetadata: metadata === null ? null : (JSON.parse(metadata) as ResourceMetadata),
        ready: async ({ timeoutMs = 10_000, ...others } = {}) => {
            const [unknown] = Object.keys(others);
            if (unknown !== undefined) {
                throw new TypeError(`oidc-spa-native: unknown option "${unknown}" of ready(); there is timeoutMs.`);
            }
            if (typeof timeoutMs !== "number" || !(timeoutMs >= 0 && timeoutMs <= 3_600_000)) {
                throw new TypeError(
                    `oidc-spa-native: timeoutMs must be a number from 0 to 3600000, but ${String(timeoutMs)} was given.`
                );
            }
            await native.ready(timeoutMs, false);
        },
        health
    };
}

const DPOP_MODES: readonly unknown[] = ["allowed", "required", "disabled"] satisfies DpopMode[];

/** A rule that is misspelt must not vanish: the request would be judged by less than what was written. */
export function dpopModeOf(rules: RequestRules | undefined): DpopMode | null {
    if (rules === undefined) {
        return null;
    }
    const { dpop, ...others } = Object(rules) as RequestRules;
    const [unknown] = Object.keys(others);
    if (typeof rules !== "object" || rules === null || unknown !== undefined || !(dpop === undefined || DPOP_MODES.includes(dpop))) {
        throw new TypeError(
            'oidc-spa-native: the rules for a request are an object such as { dpop: "required" }, with "allowed", ' +
                `"required" or "disabled"; got ${unknown === undefined ? kindOf(dpop ?? rules) : `the member "${unknown}"`}.`
        );
    }
    return dpop ?? null;
}

/**
 * The message of a `claims_rejected`, in the words that applications of `oidc-spa/server` know. A schema may quote a
 * claim: the report is one line, and escaped as `Shown` escapes what the addon quotes.
 */
export function shapeMismatch(report: string): string {
    const line = report
        .replace(/\s*[\r\n]\s*/g, " ")
        .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, c => `\\u{${(c.codePointAt(0) as number).toString(16)}}`);
    return `The decoded access token does not satisfies the shape that the application expects: ${line}`;
}

/** What a thrown value says. Throwing itself is not an option: a schema may throw anything. */
export function messageOf(thrown: unknown): string {
    if (thrown instanceof Error) {
        return thrown.message;
    }
    return typeof thrown === "string" ? thrown : "the schema threw something that is not an Error";
}

/** The addon's validator, what brings its answers to their end, and how it stands. */
export interface Native {
    readonly native: NativeValidator;
    readonly conclude: ReplayAccess["conclude"];
    readonly health: () => ValidatorHealth;
}

/** Makes the addon's validator. Its complaints about options are the program's error: a TypeError. */
export function newNativeValidator(policy: { readonly [option: string]: unknown }): Native {
    const { option: replayStore, conclude } = replayAccess(policy.replayStore);
    const text = JSON.stringify(plainCopy({ ...policy, replayStore }, ""));
    let native: NativeValidator;
    try {
        native = new NativeValidator(text);
    } catch (error) {
        throw new TypeError(messageOf(error), { cause: error });
    }
    // Before the first fetch, so that no event of this validator's issuers is missed.
    publishKeysEvents();
    const isShared = replayStore !== undefined;
    return { native, conclude, health: watchFleet(native, { isShared, acceptsDpop: policy.dpop !== "disabled" }) };
}

function toGranted<Claims>(grant: NativeGrant, claims: Claims, rawClaims: AccessTokenClaims): Granted<Claims> {
    return {
        isSuccess: true,
        claims,
        rawClaims,
        accessToken: grant.accessToken,
        scheme: grant.scheme,
        issuerUri: grant.issuerUri,
        headers: nonceHeaders(grant)
    };
}

function toRefused(verdict: NativeRefusal): Refused {
    return {
        isSuccess: false,
        code: verdict.code as Refused["code"],
        errorCause: verdict.errorCause as Refused["errorCause"],
        debugErrorMessage: verdict.debugErrorMessage,
        status: verdict.status as Refused["status"],
        headers: refusalHeaders(verdict)
    };
}

/** The fields of the response that a refusal speaks of. */
function refusalHeaders(verdict: NativeRefusal): Record<string, string> {
    const headers: Record<string, string> = {};
    if (verdict.wwwAuthenticate !== null) {
        headers["WWW-Authenticate"] = verdict.wwwAuthenticate;
    }
    if (verdict.retryAfter !== null) {
        headers["Retry-After"] = verdict.retryAfter;
    }
    return Object.assign(headers, nonceHeaders(verdict));
}

/** The nonce for the client's next proof. In a cache it would reach another client, and later (RFC 9449 section 8.2). */
function nonceHeaders({ dpopNonce }: NativeVerdict): Record<string, string> {
    return dpopNonce === null ? {} : { "DPoP-Nonce": dpopNonce, "Cache-Control": "no-store" };
}

type SchemaOutcome<Claims> = { readonly claims: Claims } | { readonly report: string };

/** The application's schema as one function that never throws. */
function schemaReader<Claims>(
    schema: ClaimsSchema<Claims>
): (claims: AccessTokenClaims) => Promise<SchemaOutcome<Claims>> {
    // A schema of arktype is a function; a hand-written one may be anything that has the members.
    const isHolder = (typeof schema === "object" && schema !== null) || typeof schema === "function";
    const standard = isHolder && "~standard" in schema ? schema["~standard"] : undefined;

    if (typeof standard === "object" && standard !== null && typeof standard.validate === "function") {
        return async claims => {
            try {
                const result = await standard.validate(claims);
                return result.issues === undefined
                    ? { claims: result.value }
                    : { report: result.issues.map(describeIssue).join("; ") };
            } catch (error) {
                return { report: messageOf(error) };
            }
        };
    }
    if (isHolder && "parse" in schema && typeof schema.parse === "function") {
        return async claims => {
            try {
                // Awaited: a Promise that rejects must not pass for claims. A claim named "then" is no function.
                return { claims: await schema.parse(claims) };
            } catch (error) {
                return { report: messageOf(error) };
            }
        };
    }
    throw new TypeError(
        "oidc-spa-native: claims must be a Standard Schema (zod, valibot, arktype) or an object with a parse function, " +
            `but ${kindOf(schema)} was given. For example: claims: z.object({ sub: z.string() }).`
    );
}

function describeIssue(issue: { readonly message: string; readonly path?: unknown }): string {
    if (!Array.isArray(issue.path) || issue.path.length === 0) {
        return issue.message;
    }
    const path = (issue.path as readonly unknown[])
        .map(step => (typeof step === "object" && step !== null && "key" in step ? step.key : step))
        .map(String)
        .join(".");
    return `${path}: ${issue.message}`;
}

function clockReader(clock: () => number): () => number {
    if (typeof clock !== "function") {
        throw new TypeError(
            `oidc-spa-native: clock must be a function that returns milliseconds, but ${kindOf(clock)} was given. ` +
                "For example: clock: () => Date.now()."
        );
    }
    return () => {
        const now = clock();
        if (typeof now !== "number" || !Number.isFinite(now)) {
            throw new TypeError(`oidc-spa-native: clock returned ${kindOf(now)} where milliseconds are expected.`);
        }
        return now;
    };
}

/**
 * A copy of the options that JSON carries without loss, each member read once. What JSON would drop or change in
 * silence (a RegExp becomes `{}`, a function nothing, NaN null) is refused here: an option must not vanish.
 */
function plainCopy(value: unknown, path: string): unknown {
    switch (typeof value) {
        case "string":
        case "boolean":
            return value;
        case "number":
            if (Number.isFinite(value)) {
                return value;
            }
            break;
        case "object":
            if (value === null) {
                return null;
            }
            if (path.length > MAX_OPTION_PATH) {
                break; // deeper than any option: a cycle, most likely
            }
            if (Array.isArray(value)) {
                // Unlike `map`, this sees a hole: JSON would make it null.
                return Array.from(value, (item: unknown, i) => plainCopy(item, `${path}[${i}]`));
            }
            if (isPlain(value)) {
                const copy: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
                for (const name of Object.keys(value)) {
                    const member = (value as Record<string, unknown>)[name];
                    if (member !== undefined) {
                        copy[name] = plainCopy(member, path === "" ? name : `${path}.${name}`);
                    }
                }
                return copy;
            }
    }
    throw new TypeError(
        `oidc-spa-native: option "${path}" is ${kindOf(value)}. Options are strings, finite numbers, booleans, lists ` +
            'and plain objects, for example expectedAudience: "https://api.example.com".'
    );
}

const MAX_OPTION_PATH = 200;

/** The name of a getter that is not the object's own, and so no option: whoever wrote it meant it as one. */
function inheritedGetter(options: object): string | undefined {
    for (let holder: unknown = options; typeof holder === "object" && holder !== null; ) {
        holder = Object.getPrototypeOf(holder);
        if (holder === null || Object.getPrototypeOf(holder) === null) {
            return undefined;
        }
        const members = Object.entries(Object.getOwnPropertyDescriptors(holder));
        const getter = members.find(([, { get }]) => get !== undefined);
        if (getter !== undefined) {
            return getter[0];
        }
    }
    return undefined;
}

function isPlain(value: object): boolean {
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What a value is, as a message says it. */
export function kindOf(value: unknown): string {
    if (value === null || value === undefined || typeof value === "number") {
        return String(value);
    }
    if (typeof value !== "object") {
        return `a ${typeof value}`;
    }
    const name: unknown = Array.isArray(value) ? "list" : (value as { constructor?: { name?: unknown } }).constructor?.name;
    return typeof name === "string" && name !== "" && name !== "Object" ? `a ${name}` : "an object";
}
