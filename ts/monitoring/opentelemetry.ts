/**
 * `oidc-spa-native/opentelemetry`: what validators count, as observable instruments of OpenTelemetry.
 *
 * In: validators, a meter. Out: observations, whenever the application's SDK collects. Never: an SDK, an exporter.
 */

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
    metrics,
    type BatchObservableResult,
    type Histogram,
    type Meter,
    type Observable
} from "@opentelemetry/api";
import type { FetchContext, ValidateContext } from "../../index.js";
import { readMembers } from "../validator/members.js";
import { BOUNDS } from "../validator/durations.js";
import { ATTRIBUTES, INSTRUMENTS, namedOf, type Counted, type Counting, type Labels } from "./instruments.js";

export type { Counted, Counting };

/** What may be said beside the validators. */
export interface OpenTelemetryOptions {
    /** Default: the meter `oidc-spa-native` of the global provider. */
    meter?: Meter | undefined;
}

/**
 * Registers observable instruments for what validators count: they are read when the SDK collects, and cost nothing else. Of
 * several validators, an object with a name for each, which becomes the attribute `oauth.resource_server.name`.
 *
 * @returns a function that ends it
 * @throws TypeError where an argument is no validator, or an option is unknown
 * @example
 * ```ts
 * import { createValidator } from "oidc-spa-native";
 * import { observeMetrics } from "oidc-spa-native/opentelemetry";
 *
 * const validator = createValidator({
 *     issuerUri: "https://auth.example.com",
 *     expectedAudience: "https://api.example.com"
 * });
 * const stop = observeMetrics(validator);
 * ```
 */
export function observeMetrics(counted: Counted, options: OpenTelemetryOptions = {}): () => void {
    const write = "observeMetrics(validator)";
    const meter = meterOf(options, write);
    namedOf(counted, write);
    const made = INSTRUMENTS.map(instrument => {
        const { openTelemetry, type, unit, help } = instrument;
        const options = { unit, description: help };
        const observable: Observable =
            type === "counter"
                ? meter.createObservableCounter(openTelemetry, options)
                : meter.createObservableGauge(openTelemetry, options);
        return { instrument, observable };
    });
    const observe = (result: BatchObservableResult): void => {
        for (const [name, validator] of namedOf(counted, write)) {
            const read = validator.metrics();
            for (const { instrument, observable } of made) {
                for (const { labels, value } of read === null ? [] : instrument.series(read)) {
                    result.observe(observable, value, attributesOf(labels, name));
                }
            }
        }
    };
    const observables = made.map(({ observable }) => observable);
    meter.addBatchObservableCallback(observe, observables);
    return () => meter.removeBatchObservableCallback(observe, observables);
}

/** An option that is none, such as a validator in the place of the options, is an error. */
function meterOf(options: OpenTelemetryOptions, example: string): Meter {
    const members = { of: example.replace(/\(.*/, "()"), noun: "option", names: ["meter"], example } as const;
    const { meter } = readMembers(options, members) as OpenTelemetryOptions;
    return meter ?? metrics.getMeter("oidc-spa-native");
}

function attributesOf(labels: Labels, name: string | undefined): Record<string, string> {
    const named = name === undefined ? labels : { validator: name, ...labels };
    const entries = Object.entries(named) as [keyof typeof ATTRIBUTES, string][];
    return Object.fromEntries(entries.map(([label, value]) => [ATTRIBUTES[label], value]));
}

/**
 * Records how long things take, in histograms: `oauth.resource_server.validation.duration` for calls of `validateRequest`, and
 * `oauth.resource_server.keys.fetch.duration` for questions to issuers. It listens to the tracing channels of this library, and so
 * hears of all validators of the JavaScript thread. 100 issuers at most are named; those beyond have no attribute.
 *
 * @returns a function that ends it
 * @example
 * ```ts
 * import { recordDurations } from "oidc-spa-native/opentelemetry";
 *
 * const stop = recordDurations();
 * ```
 */
export function recordDurations(options: OpenTelemetryOptions = {}): () => void {
    const meter = meterOf(options, "recordDurations()");
    const issuers = new Set<string>();
    const nameOf = (issuerUri: string | undefined) => {
        if (issuerUri !== undefined && issuers.size < MAX_ISSUERS) {
            issuers.add(issuerUri);
        }
        return issuerUri !== undefined && issuers.has(issuerUri) ? { "oauth.issuer": issuerUri } : {};
    };
    const ends = [
        listen<ValidateContext>(
            "validate",
            histogram(meter, "validation.duration", BOUNDS, "How long validations took, waiting included."),
            ({ scheme, issuerUri, code, error }) => ({
                "oauth.scheme": scheme ?? "none",
                ...nameOf(issuerUri),
                ...(code !== undefined && { "error.type": code }),
                ...(error !== undefined && { "error.type": "_OTHER" })
            })
        ),
        listen<FetchContext>(
            "fetch",
            histogram(meter, "keys.fetch.duration", SLOW, "How long questions to issuers took."),
            ({ kind, issuerUri, status, error }) => ({
                "oauth.resource_server.fetch.kind": kind,
                ...nameOf(issuerUri),
                ...(error !== undefined && { "error.type": status === undefined ? "_OTHER" : String(status) })
            })
        )
    ];
    return () => {
        for (const end of ends) {
            end();
        }
    };
}

const MAX_ISSUERS = 100;

/** Upper bounds of the classes of a question over the network, in seconds. */
const SLOW = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const histogram = (meter: Meter, name: string, bounds: readonly number[], description: string): Histogram =>
    meter.createHistogram(`oauth.resource_server.${name}`, {
        unit: "s",
        description,
        advice: { explicitBucketBoundaries: [...bounds] }
    });

function listen<Context extends object>(
    name: string,
    histogram: Histogram,
    attributes: (context: Context) => Record<string, string>
): () => void {
    const begun = new WeakMap<object, number>();
    const onStart = (context: unknown): void => {
        begun.set(context as Context, performance.now());
    };
    const onEnd = (context: unknown): void => {
        const at = begun.get(context as Context);
        if (at !== undefined) {
            histogram.record((performance.now() - at) / 1000, attributes(context as Context));
        }
    };
    subscribe(`tracing:oidc-spa-native:${name}:start`, onStart);
    subscribe(`tracing:oidc-spa-native:${name}:asyncEnd`, onEnd);
    return () => {
        unsubscribe(`tracing:oidc-spa-native:${name}:start`, onStart);
        unsubscribe(`tracing:oidc-spa-native:${name}:asyncEnd`, onEnd);
    };
}
