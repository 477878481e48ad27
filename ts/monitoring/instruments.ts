/**
 * What is passed on to monitors: one table, one row an instrument, with its names in OpenTelemetry and in Prometheus.
 *
 * In: `ValidatorMetrics`. Out: series: labels and a number. Never: a label that is not in `ValidatorMetrics`.
 */

import type { Validator, ValidatorMetrics } from "../../index.js";
import { invalid, kindOf } from "../validator/members.js";
import { shown } from "../validator/shown.js";

/** A value under its labels. */
export interface Series {
    readonly labels: Labels;
    readonly value: number;
}

export type Labels = Readonly<Partial<Record<LabelName, string>>>;

type LabelName = keyof typeof ATTRIBUTES;

/** What Prometheus calls a label, and what OpenTelemetry calls the same attribute. */
export const ATTRIBUTES = {
    validator: "oauth.resource_server.name",
    issuer: "oauth.issuer",
    scheme: "oauth.scheme",
    outcome: "outcome",
    code: "error.type",
    place: "oauth.resource_server.verification.place",
    le: "le"
} as const;

export interface Instrument {
    /** In Prometheus, without the ending `_total` of a counter. */
    readonly prometheus: string;
    readonly openTelemetry: string;
    readonly type: "counter" | "gauge";
    /** Of OpenTelemetry (UCUM). */
    readonly unit: string;
    readonly help: string;
    readonly series: (metrics: ValidatorMetrics) => Series[];
}

/** A source of numbers: a validator, or the drop-in's `native`, which has none before `bootstrapAuth` was called. */
export interface Counting {
    metrics(): ReturnType<Validator["metrics"]> | null;
}

/** One validator, or several under the names that tell them apart. */
export type Counted = Counting | Readonly<Record<string, Counting>>;

/** The validators, each under its name; one alone has none. `write` is the correct line, for the error message. */
export function namedOf(
    counted: Counted,
    write: string
): (readonly [name: string | undefined, validator: Counting])[] {
    if (isOne(counted)) {
        return [[undefined, counted]];
    }
    const isRecord = typeof counted === "object" && counted !== null && !Array.isArray(counted);
    const named = isRecord ? Object.entries(counted) : [];
    const [other, got] = named.find(([, validator]) => !isOne(validator)) ?? [];
    if (named.length === 0 || other !== undefined) {
        throw invalid(
            `expected a validator, or validators by their names; got ${other === undefined ? kindOf(counted) : `${kindOf(got)} as ${JSON.stringify(shown(other))}`}. ` +
                `Write ${write}, or { items: validator } in the place of one`
        );
    }
    return named;
}

const isOne = (counted: unknown): counted is Counting =>
    typeof (counted as Partial<Counting> | null | undefined)?.metrics === "function";

const byIssuer = (
    metrics: ValidatorMetrics,
    read: (keys: ValidatorMetrics["keys"][number]) => number | null
): Series[] =>
    metrics.keys.flatMap(keys => {
        const value = read(keys);
        return value === null ? [] : [{ labels: { issuer: keys.issuerUri }, value }];
    });

const refusals = (rows: ValidatorMetrics["refused"]): Series[] =>
    rows.map(({ code, scheme, count }) => ({ labels: { scheme: scheme ?? "none", code }, value: count }));

/** Without the clients: a token names them. */
function byCode(rows: readonly { readonly code: string; readonly count: number }[]): Series[] {
    const counts = new Map<string, number>();
    for (const { code, count } of rows) {
        counts.set(code, (counts.get(code) ?? 0) + count);
    }
    return Array.from(counts, ([code, value]) => ({ labels: { code }, value }));
}

const one = (value: number): Series[] => [{ labels: {}, value }];

export const INSTRUMENTS: readonly Instrument[] = [
    {
        prometheus: "oidc_validations",
        openTelemetry: "oauth.resource_server.validations",
        type: "counter",
        unit: "{request}",
        help: "Requests that were judged, by what came of them.",
        series: ({ granted, refused }) => [
            ...granted.map(({ issuerUri, scheme, count }) => ({
                labels: { outcome: "granted", scheme, issuer: issuerUri },
                value: count
            })),
            ...refusals(refused).map(({ labels, value }) => ({
                labels: { outcome: "refused", ...labels },
                value
            }))
        ]
    },
    {
        prometheus: "oidc_forbids",
        openTelemetry: "oauth.resource_server.forbids",
        type: "counter",
        unit: "{request}",
        help: "Good tokens that did not permit what a route does.",
        series: ({ forbidden }) => refusals(forbidden)
    },
    {
        prometheus: "oidc_verifications",
        openTelemetry: "oauth.resource_server.verifications",
        type: "counter",
        unit: "{request}",
        help: "Where requests were judged: from memory, on the thread that asked, on other threads.",
        series: ({ verifications: { memory, inline, threads } }) =>
            Object.entries({ memory, inline, threads }).map(([place, value]) => ({
                labels: { place },
                value
            }))
    },
    {
        prometheus: "oidc_token_memory_lookups",
        openTelemetry: "oauth.resource_server.token_memory.lookups",
        type: "counter",
        unit: "{request}",
        help: "Whether the token of a request had been verified before.",
        series: ({ verifications: { memory, inline, threads, recalledTokens } }) => [
            { labels: { outcome: "hit" }, value: memory + recalledTokens },
            { labels: { outcome: "miss" }, value: inline + threads - recalledTokens }
        ]
    },
    {
        prometheus: "oidc_keys_fetches",
        openTelemetry: "oauth.resource_server.keys.fetches",
        type: "counter",
        unit: "{fetch}",
        help: "Fetches of an issuer's keys that ended, well or badly.",
        series: metrics => byIssuer(metrics, ({ fetches }) => fetches)
    },
    {
        prometheus: "oidc_keys_fetch_failures",
        openTelemetry: "oauth.resource_server.keys.fetch_failures",
        type: "counter",
        unit: "{fetch}",
        help: "Fetches of an issuer's keys that failed.",
        series: metrics => byIssuer(metrics, ({ failures }) => failures)
    },
    {
        prometheus: "oidc_keys_fetch_seconds",
        openTelemetry: "oauth.resource_server.keys.fetch_time",
        type: "counter",
        unit: "s",
        help: "How long all fetches of an issuer's keys took together.",
        series: metrics => byIssuer(metrics, ({ fetchSeconds }) => fetchSeconds)
    },
    {
        prometheus: "oidc_keys_rotations",
        openTelemetry: "oauth.resource_server.keys.rotations",
        type: "counter",
        unit: "{rotation}",
        help: "Fetches that brought other keys than before.",
        series: metrics => byIssuer(metrics, ({ rotations }) => rotations)
    },
    {
        prometheus: "oidc_keys_age_seconds",
        openTelemetry: "oauth.resource_server.keys.age",
        type: "gauge",
        unit: "s",
        help: "How long ago an issuer last answered well.",
        series: metrics => byIssuer(metrics, ({ ageSeconds }) => ageSeconds)
    },
    {
        prometheus: "oidc_keys",
        openTelemetry: "oauth.resource_server.keys.count",
        type: "gauge",
        unit: "{key}",
        help: "Keys of an issuer that can verify signatures now.",
        series: metrics => byIssuer(metrics, ({ usableKeys }) => usableKeys)
    },
    {
        prometheus: "oidc_replay_memory_entries",
        openTelemetry: "oauth.resource_server.replay_memory.usage",
        type: "gauge",
        unit: "{proof}",
        help: "DPoP proofs that this process remembers.",
        series: ({ replayMemory }) => one(replayMemory.entries)
    },
    {
        prometheus: "oidc_replay_memory_capacity",
        openTelemetry: "oauth.resource_server.replay_memory.limit",
        type: "gauge",
        unit: "{proof}",
        help: "DPoP proofs that this process can remember.",
        series: ({ replayMemory }) => one(replayMemory.capacity)
    },
    {
        prometheus: "oidc_replay_store_questions",
        openTelemetry: "oauth.resource_server.replay_store.questions",
        type: "counter",
        unit: "{question}",
        help: "How often the shared replay store was asked.",
        series: ({ replayMemory }) => one(replayMemory.storeQuestions)
    },
    {
        prometheus: "oidc_replay_store_unanswered",
        openTelemetry: "oauth.resource_server.replay_store.unanswered",
        type: "counter",
        unit: "{question}",
        help: "How often the shared replay store gave no answer in time, or an error.",
        series: ({ replayMemory }) => one(replayMemory.storeUnanswered)
    },
    {
        prometheus: "oidc_shadow_passed",
        openTelemetry: "oauth.resource_server.shadow.passed",
        type: "counter",
        unit: "{request}",
        help: "Granted requests that the rules which are tried would grant too.",
        series: ({ shadow }) => (shadow === null ? [] : one(shadow.passed))
    },
    {
        prometheus: "oidc_shadow_refusals",
        openTelemetry: "oauth.resource_server.shadow.refusals",
        type: "counter",
        unit: "{request}",
        help: "Granted requests that the rules which are tried would refuse.",
        series: ({ shadow }) => (shadow === null ? [] : byCode(shadow.refused))
    }
];
