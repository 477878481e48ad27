// `oidc-spa-native/opentelemetry`, with the SDK that applications use.

import { metrics } from "@opentelemetry/api";
import {
    AggregationTemporality,
    InMemoryMetricExporter,
    MeterProvider,
    PeriodicExportingMetricReader,
    type MetricData
} from "@opentelemetry/sdk-metrics";
import { createValidator } from "oidc-spa-native";
import { observeMetrics, recordDurations } from "oidc-spa-native/opentelemetry";
import { createTestIssuer } from "oidc-spa-native/testing";
import { expect, test } from "vitest";

const issuer = createTestIssuer();
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

function sdk() {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const provider = new MeterProvider({ readers: [reader] });
    const collect = async (): Promise<Map<string, MetricData>> => {
        exporter.reset();
        await provider.forceFlush();
        const data = exporter.getMetrics().flatMap(each => each.scopeMetrics.flatMap(scope => scope.metrics));
        return new Map(data.map(metric => [metric.descriptor.name, metric]));
    };
    return { provider, collect };
}

const pointsOf = (data: MetricData | undefined) =>
    data?.dataPoints.map(({ attributes, value }) => ({ attributes, value })) ?? [];

test("what was counted is observed, until it ends", async () => {
    const { provider, collect } = sdk();
    const validator = createValidator(issuer.options);
    const stop = observeMetrics(validator, { meter: provider.getMeter("test") });
    await validator.validateRequest(bearer(issuer.sign()));
    await validator.validateRequest(bearer("nonsense"));
    const collected = await collect();
    expect(pointsOf(collected.get("oauth.resource_server.validations"))).toEqual([
        {
            attributes: { outcome: "granted", "oauth.scheme": "Bearer", "oauth.issuer": issuer.issuerUri },
            value: 1
        },
        {
            attributes: { outcome: "refused", "oauth.scheme": "Bearer", "error.type": "token_malformed" },
            value: 1
        }
    ]);
    expect(pointsOf(collected.get("oauth.resource_server.keys.count"))).toEqual([
        { attributes: { "oauth.issuer": issuer.issuerUri }, value: 1 }
    ]);
    expect(collected.get("oauth.resource_server.keys.fetch_time")?.descriptor.unit).toBe("s");
    for (const name of collected.keys()) {
        expect(name).toMatch(/^oauth\.resource_server\.[a-z_.]+$/);
        expect(name).not.toContain("total");
    }
    stop();
    await validator.validateRequest(bearer("nonsense"));
    const later = pointsOf((await collect()).get("oauth.resource_server.validations"));
    expect(later.map(({ value }) => value)).toEqual([1, 1]);
    await provider.shutdown();
});

test("several validators have names, on the global provider too", async () => {
    const { provider, collect } = sdk();
    metrics.setGlobalMeterProvider(provider);
    try {
        const [items, admin] = [createValidator(issuer.options), createValidator(issuer.options)];
        observeMetrics({ items, admin });
        await admin.validateRequest({});
        const { "oauth.resource_server.name": name } =
            pointsOf((await collect()).get("oauth.resource_server.validations"))[0]?.attributes ?? {};
        expect(name).toBe("admin");
    } finally {
        metrics.disable();
        await provider.shutdown();
    }
});

test("durations are recorded, and no longer once that is ended", async () => {
    const { provider, collect } = sdk();
    const stop = recordDurations({ meter: provider.getMeter("test") });
    const validator = createValidator(issuer.options);
    await validator.validateRequest(bearer(issuer.sign()));
    await validator.validateRequest(bearer("nonsense"));
    stop();
    await validator.validateRequest(bearer("nonsense"));
    const points = pointsOf((await collect()).get("oauth.resource_server.validation.duration"));
    expect(points).toEqual([
        {
            attributes: { "oauth.scheme": "Bearer", "oauth.issuer": issuer.issuerUri },
            value: expect.objectContaining({ count: 1 })
        },
        {
            attributes: { "oauth.scheme": "Bearer", "error.type": "token_malformed" },
            value: expect.objectContaining({ count: 1 })
        }
    ]);
    await provider.shutdown();
});

test("what is no validator or no option is an error that says what to write", () => {
    const validator = createValidator(createTestIssuer().options);
    for (const [make, said] of [
        [() => observeMetrics(undefined as never), "got undefined. Write observeMetrics(validator)"],
        [() => observeMetrics({ items: {} as never }), 'got an object as "items". Write'],
        [() => observeMetrics(validator, { metre: 1 } as never), 'did you mean "meter"'],
        [() => recordDurations(validator as never), "of recordDurations()"]
    ] as const) {
        expect(make).toThrow(TypeError);
        expect(make).toThrow(said);
    }
    observeMetrics({ items: validator })();
    recordDurations({})();
});
