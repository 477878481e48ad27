/**
 * `oidc-spa-native/prometheus`: what validators count, as the text that Prometheus scrapes, or in a registry of prom-client.
 *
 * In: validators. Out: the text exposition format 0.0.4; metrics of prom-client. Never: a server, a registry of its own.
 */

import type { ValidatorMetrics } from "../../index.js";
import { invalid, kindOf } from "../validator/members.js";
import {
    INSTRUMENTS,
    namedOf,
    type Counted,
    type Counting,
    type Labels,
    type Series
} from "./instruments.js";

export type { Counted, Counting };

/** The media type of `metricsText`. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** What is used of a `Registry` of prom-client. */
export interface PromClientRegistry {
    registerMetric(metric: never): void;
}

/** A series; of a histogram, with the name of the part that it is. */
interface Sample extends Series {
    readonly metricName?: string;
}

interface Family {
    readonly name: string;
    readonly help: string;
    readonly type: "counter" | "gauge" | "histogram";
    readonly samples: (metrics: ValidatorMetrics) => Sample[];
}

const DURATION = "oidc_validation_duration_seconds";

const FAMILIES: readonly Family[] = [
    ...INSTRUMENTS.map(({ prometheus, type, help, series }) => ({
        name: type === "counter" ? `${prometheus}_total` : prometheus,
        help,
        type,
        samples: series
    })),
    {
        name: DURATION,
        help: "How long validations took, waiting included.",
        type: "histogram",
        samples: ({ durations }) => durations.flatMap(histogramOf)
    }
];

function histogramOf({
    outcome,
    scheme,
    count,
    seconds,
    buckets
}: ValidatorMetrics["durations"][number]): Sample[] {
    const labels: Labels = { outcome, scheme: scheme ?? "none" };
    const classes = [
        ...buckets.map(bucket => [String(bucket.upToSeconds), bucket.count] as const),
        ["+Inf", count] as const
    ];
    return [
        ...classes.map(([le, value]) => ({
            metricName: `${DURATION}_bucket`,
            labels: { ...labels, le },
            value
        })),
        { metricName: `${DURATION}_sum`, labels, value: seconds },
        { metricName: `${DURATION}_count`, labels, value: count }
    ];
}

/**
 * What validators have counted, as the text that Prometheus scrapes: serve it with `METRICS_CONTENT_TYPE`. Of several
 * validators, an object with a name for each, which becomes the label `validator`.
 *
 * @example
 * ```ts
 * import express from "express";
 * import { createValidator } from "oidc-spa-native";
 * import { METRICS_CONTENT_TYPE, metricsText } from "oidc-spa-native/prometheus";
 *
 * const validator = createValidator({
 *     issuerUri: "https://auth.example.com",
 *     expectedAudience: "https://api.example.com"
 * });
 * const app = express();
 * app.get("/metrics", (_req, res) => {
 *     res.type(METRICS_CONTENT_TYPE).send(metricsText(validator));
 * });
 * ```
 */
export function metricsText(counted: Counted): string {
    const read = namedOf(counted, "metricsText(validator)").map(
        ([name, validator]) => [name, validator.metrics()] as const
    );
    let text = "";
    for (const { name, help, type, samples } of FAMILIES) {
        text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
        for (const { metricName = name, labels, value } of read.flatMap(each => samplesOf(samples, each))) {
            text += `${metricName}${labelsText(labels)} ${value}\n`;
        }
    }
    return text;
}

/**
 * Has a registry of prom-client show what validators have counted: they are read when the registry is. Of several validators,
 * an object with a name for each, which becomes the label `validator`.
 *
 * @throws Error where the registry has metrics of these names already
 * @throws TypeError where an argument is no registry or no validator
 * @example
 * ```ts
 * import { createValidator } from "oidc-spa-native";
 * import { registerMetrics } from "oidc-spa-native/prometheus";
 * import { register } from "prom-client";
 *
 * const validator = createValidator({
 *     issuerUri: "https://auth.example.com",
 *     expectedAudience: "https://api.example.com"
 * });
 * registerMetrics(register, validator);
 * ```
 */
export function registerMetrics(registry: PromClientRegistry, counted: Counted): void {
    const write = "registerMetrics(register, validator)";
    if (typeof (registry as Partial<PromClientRegistry> | undefined)?.registerMetric !== "function") {
        throw invalid(`expected a registry of prom-client first; got ${kindOf(registry)}. Write ${write}`);
    }
    // An object may get further validators later.
    namedOf(counted, write);
    for (const { name, help, type, samples } of FAMILIES) {
        const metric = {
            name,
            help,
            type,
            aggregator: "sum",
            // A registry of OpenMetrics takes the ending from the name of a counter, and adds it to each series.
            get: async () => ({
                name: metric.name,
                help,
                type,
                aggregator: "sum",
                values: namedOf(counted, write).flatMap(([label, validator]) =>
                    samplesOf(samples, [label, validator.metrics()])
                )
            }),
            // The counters belong to the validator: a reset of the registry does not change them.
            reset: () => undefined
        };
        registry.registerMetric(metric as never);
    }
}

function samplesOf(
    samples: Family["samples"],
    [name, metrics]: readonly [name: string | undefined, metrics: ValidatorMetrics | null]
): Sample[] {
    const all = metrics === null ? [] : samples(metrics);
    return name === undefined
        ? all
        : all.map(sample => ({ ...sample, labels: { validator: name, ...sample.labels } }));
}

function labelsText(labels: Labels): string {
    const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
    return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
    return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
