// Who judges vectors: the addon through `createValidator`, and the drop-in. An engine answers one vector after the other.

import { createValidator, type Requirements, type ValidatorOptions, type Verdict } from "oidc-spa-native";
import { allScopes, stepUp } from "oidc-spa-native/authorization";
import { extractRequestAuthContext, oidcSpa, type AnyRequest } from "oidc-spa-native/server";
import { vi } from "vitest";
import type { NetworkOptions } from "../../index.js";
import type { LocalIssuer } from "../support/local-issuer.js";
import { issuersOf, keySet, nodeRequest, type KeySet, type Step, type Vector } from "./vectors.js";

export interface Answer {
    readonly verdict: "granted" | "refused";
    readonly code?: string | undefined;
    readonly status?: number | undefined;
    /** `WWW-Authenticate`. */
    readonly challenge?: string | undefined;
    readonly hasNonce?: boolean;
    /** Why, for whoever reads a complaint. */
    readonly message?: string | undefined;
    /** The code that `explain` names, or `granted`. */
    readonly explained?: string;
}

export interface Engine {
    /** Whether it can be configured so at all. */
    runs(vector: Vector): boolean;
    answers(vector: Vector): Promise<readonly Answer[]>;
}

/** The issuer https://as.example on this machine, and how to reach it. */
export interface Reached {
    readonly issuer: LocalIssuer;
    readonly network: NetworkOptions;
}

export const rotates = ({ steps }: Vector): boolean => steps.some(({ keys }) => keys !== undefined);

function publish({ issuer }: Reached, keys: KeySet): void {
    issuer.jwks = keys;
}

export function addon(reached: Reached): Engine {
    return {
        runs: () => true,
        answers: async vector => {
            const clock = { now: 0 };
            const validator = createValidator(optionsOf(vector, clock, reached));
            const answers: Answer[] = [];
            for (const step of vector.steps) {
                clock.now = step.time * 1000;
                if (step.keys !== undefined) {
                    publish(reached, keySet(step.keys));
                }
                const request = nodeRequest(step.request);
                const require = requirementsOf(step);
                const { refusal } = await validator.explain(request, null, require && { require });
                const judge = async (): Promise<Answer> => {
                    const verdict = await validator.validateRequest(request);
                    return answerOf(require === undefined ? verdict : validator.authorize(verdict, require));
                };
                const answer = await answerTo(step, judge);
                answers.push({
                    ...answer,
                    ...(step.atOnce === undefined && { explained: refusal?.code ?? "granted" })
                });
            }
            return answers;
        }
    };
}

/** One answer; or, of many at once, that of all but the one which is granted. */
export async function answerTo({ atOnce = 1 }: Step, judge: () => Promise<Answer>): Promise<Answer> {
    const answers = await Promise.all(Array.from({ length: atOnce }, judge));
    const refused = answers.filter(({ verdict }) => verdict === "refused");
    const [other] = refused;
    const isAsSaid = refused.length === atOnce - 1 && new Set(refused.map(({ code }) => code)).size === 1;
    if (atOnce === 1) {
        return answers[0] as Answer;
    }
    return isAsSaid && other !== undefined
        ? other
        : { verdict: "granted", message: `${atOnce - refused.length} of ${atOnce} were granted` };
}

function optionsOf(vector: Vector, clock: { now: number }, reached: Reached): ValidatorOptions<unknown> {
    const { issuers, ...options } = writtenOptionsOf(vector);
    const isFetched = rotates(vector);
    if (isFetched) {
        for (const { keys } of issuersOf(vector)) {
            publish(reached, keySet(keys));
        }
    }
    return {
        ...options,
        ...(isFetched && { network: reached.network }),
        issuers: isFetched ? issuers.map(({ keys: _, ...issuer }) => issuer) : issuers,
        clock: () => clock.now
    } as unknown as ValidatorOptions<unknown>;
}

/** The options as JSON has them, with the keys in them. */
export function writtenOptionsOf(vector: Vector) {
    const { issuers: _, algorithms, ...options } = vector.configuration ?? {};
    const issuers = issuersOf(vector).map(({ issuer, audience, keys }) => ({
        issuerUri: issuer,
        expectedAudience: audience,
        ...(algorithms && { algorithms }),
        keys: { jwks: keySet(keys) }
    }));
    return { ...options, issuers };
}

function requirementsOf({ rules }: Step): Requirements | undefined {
    if (rules === undefined) {
        return undefined;
    }
    const { scopes, acr: acrValues, maxAgeSeconds } = rules;
    if (scopes !== undefined) {
        return allScopes(scopes);
    }
    return stepUp({ ...(acrValues && { acrValues }), ...(maxAgeSeconds !== undefined && { maxAgeSeconds }) });
}

function answerOf(verdict: Verdict<unknown>): Answer {
    if (verdict.isSuccess) {
        return { verdict: "granted" };
    }
    const { code, status, headers, debugErrorMessage: message } = verdict;
    const hasNonce = "DPoP-Nonce" in headers;
    return { verdict: "refused", code, status, challenge: headers["WWW-Authenticate"], hasNonce, message };
}

/** Options of the drop-in, by the names that configurations have. */
const OF_DROP_IN = ["issuers", "trustProxy", "dpop", "nonce", "nonceSecret"];

type Utils = ReturnType<typeof oidcSpa.createUtils>;

export function dropIn(reached: Reached): Engine {
    const known = new Map<string, Promise<Utils>>();
    /** The process has the keys of an issuer once, for all who reach it in the same way: each key set has a way of its own. */
    const ways = new Map<string, NetworkOptions>();
    const wayTo = (keys: string): NetworkOptions =>
        ways.get(keys) ?? remember(ways, keys, { ...reached.network, timeoutMs: 10_000 + ways.size });
    return {
        runs: vector => {
            const { configuration = {}, steps } = vector;
            const [issuer, ...others] = issuersOf(vector);
            return (
                Object.keys(configuration).every(name => OF_DROP_IN.includes(name)) &&
                typeof (configuration.trustProxy ?? false) === "boolean" &&
                configuration.dpop !== "disabled" &&
                others.length === 0 &&
                issuer?.issuer === "https://as.example" &&
                steps.every(
                    ({ rules, request }) => rules === undefined && request.clientCertificate === undefined
                )
            );
        },
        answers: async vector => {
            const [issuer] = issuersOf(vector);
            publish(reached, keySet(issuer?.keys ?? "default"));
            vi.setSystemTime((vector.steps[0]?.time ?? 0) * 1000);
            const of = JSON.stringify([vector.configuration, rotates(vector) && vector.id]);
            const network = wayTo(JSON.stringify([issuer?.keys, rotates(vector) && vector.id]));
            const utils = await (known.get(of) ?? remember(known, of, bootstrap(vector, network)));
            const answers: Answer[] = [];
            for (const step of vector.steps) {
                vi.setSystemTime(step.time * 1000);
                if (step.keys !== undefined) {
                    publish(reached, keySet(step.keys));
                }
                answers.push(await answerTo(step, () => answerOfDropIn(utils, vector, step)));
            }
            return answers;
        }
    };
}

function remember<Value>(known: Map<string, Value>, key: string, value: Value): Value {
    known.set(key, value);
    return value;
}

async function bootstrap(vector: Vector, network: NetworkOptions): Promise<Utils> {
    const { dpop, nonce, nonceSecret } = vector.configuration ?? {};
    const [issuer] = issuersOf(vector);
    const utils = oidcSpa.createUtils();
    await utils.bootstrapAuth({
        implementation: "real",
        issuerUri: issuer?.issuer ?? "",
        expectedAudience: issuer?.audience || undefined,
        native: {
            network,
            ...(dpop && { dpop: dpop as "allowed" | "required" }),
            ...(nonce && { nonce }),
            ...(nonceSecret && { nonceSecret })
        }
    });
    return utils;
}

async function answerOfDropIn(
    utils: Utils,
    { configuration }: Vector,
    { request, atOnce = 1 }: Step
): Promise<Answer> {
    const context = extractRequestAuthContext({
        request: nodeRequest(request) as unknown as AnyRequest,
        trustProxy: configuration?.trustProxy === true
    });
    if (!context?.isWellFormed) {
        return { verdict: "refused", message: context?.debugErrorMessage };
    }
    const explanation = await utils.native.explain(context.accessTokenAndMetadata);
    const result = await utils.validateAndDecodeAccessToken(context.accessTokenAndMetadata);
    // Of many at once, one uses the proof up.
    const explained = atOnce === 1 && { explained: explanation?.refusal?.code ?? "granted" };
    if (result.isSuccess) {
        return { verdict: "granted", ...explained };
    }
    const { code, response, debugErrorMessage: message } = result;
    return {
        ...explained,
        verdict: "refused",
        code,
        status: response?.status,
        challenge: response?.headers["WWW-Authenticate"],
        message
    };
}
