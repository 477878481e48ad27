// `oidc-spa-native/prometheus`: the text, and prom-client's registry.

import { createValidator } from "oidc-spa-native";
import { METRICS_CONTENT_TYPE, metricsText, registerMetrics } from "oidc-spa-native/prometheus";
import { createTestIssuer } from "oidc-spa-native/testing";
import { Counter, Registry, type OpenMetricsContentType } from "prom-client";
import { describe, expect, test } from "vitest";

const issuer = createTestIssuer();
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function busy() {
    const validator = createValidator(issuer.options);
    validator.metrics();
    await validator.validateRequest(bearer(issuer.sign()));
    await validator.validateRequest(bearer("nonsense"));
    await validator.validateRequest({});
    return validator;
}

/** The lines of a text that are no comments, by what stands before the value. */
const seriesOf = (text: string): Map<string, string> =>
    new Map(
        text
            .split("\n")
            .filter(line => line !== "" && !line.startsWith("#"))
            .map(line => [line.slice(0, line.lastIndexOf(" ")), line.slice(line.lastIndexOf(" ") + 1)])
    );

describe("the text", () => {
    test("each family has its type once, before its series", async () => {
        const text = metricsText({ a: await busy(), b: await busy() });
        const families = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
        expect(new Set(families.map(([, name]) => name)).size).toBe(families.length);
        for (const [, name = "", type] of families) {
            expect(name.endsWith("_total")).toBe(type === "counter");
            expect(text).toContain(`# HELP ${name} `);
        }
        expect(text.endsWith("\n")).toBe(true);
        for (const line of text.trimEnd().split("\n")) {
            expect(line).toMatch(
                /^(# (HELP|TYPE) .+|[a-z_]+(\{([a-z]+="([^"\\\n]|\\.)*",?)*\})? [0-9.e+-]+)$/
            );
        }
    });

    test("what was counted", async () => {
        const series = seriesOf(metricsText(await busy()));
        const uri = issuer.issuerUri;
        expect(series.get(`oidc_validations_total{outcome="granted",scheme="Bearer",issuer="${uri}"}`)).toBe(
            "1"
        );
        expect(
            series.get('oidc_validations_total{outcome="refused",scheme="Bearer",code="token_malformed"}')
        ).toBe("1");
        expect(
            series.get('oidc_validations_total{outcome="refused",scheme="none",code="credentials_missing"}')
        ).toBe("1");
        expect(series.get('oidc_verifications_total{place="inline"}')).toBe("3");
        expect(series.get(`oidc_keys{issuer="${uri}"}`)).toBe("1");
        const ofGrants = 'outcome="granted",scheme="Bearer"';
        expect(series.get(`oidc_validation_duration_seconds_count{${ofGrants}}`)).toBe("1");
        expect(series.get(`oidc_validation_duration_seconds_bucket{${ofGrants},le="+Inf"}`)).toBe("1");
        expect(Number(series.get(`oidc_validation_duration_seconds_sum{${ofGrants}}`))).toBeGreaterThan(0);
    });

    test("rules that are tried, by code and without the clients", async () => {
        const validator = createValidator({ ...issuer.options, shadow: { dpop: "required" } });
        expect(metricsText(await busy())).not.toContain("\noidc_shadow_");
        for (const client_id of ["web", "batch"]) {
            await validator.validateRequest(bearer(issuer.sign({ client_id })));
        }
        const text = metricsText(validator);
        expect(text).toContain('\noidc_shadow_refusals_total{code="token_unbound"} 2\n');
        expect(text).toContain("\noidc_shadow_passed_total 0\n");
        expect(text).not.toContain("batch");
    });

    test("buckets never fall", async () => {
        const buckets = [...seriesOf(metricsText(await busy()))].filter(([name]) =>
            name.includes("_bucket{")
        );
        let [before, kind] = [0, ""];
        for (const [name, value] of buckets) {
            const own = name.replace(/,le=.*/, "");
            expect(Number(value)).toBeGreaterThanOrEqual(own === kind ? before : 0);
            [before, kind] = [Number(value), own];
        }
        expect(buckets.length).toBeGreaterThan(10);
    });

    test("a name with every character that is escaped", async () => {
        const name = 'a"b\\c\nd';
        const text = metricsText({ [name]: await busy() });
        expect(text).toContain('{validator="a\\"b\\\\c\\nd",place="memory"} 0\n');
    });
});

describe("prom-client", () => {
    test("its registry shows the same text", async () => {
        const validator = await busy();
        const registry = new Registry();
        registerMetrics(registry, validator);
        const byAge = /^oidc_keys_age.*\n/gm;
        const shown = seriesOf((await registry.metrics()).replace(byAge, ""));
        expect(shown).toEqual(seriesOf(metricsText(validator).replace(byAge, "")));
        expect(registry.contentType).toBe(METRICS_CONTENT_TYPE);
    });

    test("beside other metrics, with default labels, in OpenMetrics, again and again", async () => {
        const validator = await busy();
        const registry: Registry<OpenMetricsContentType> = new Registry();
        registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
        registry.setDefaultLabels({ app: "x" });
        new Counter({ name: "mine", help: "mine", registers: [registry] }).inc();
        registerMetrics(registry, { items: validator });
        for (let i = 0; i < 2; i++) {
            const text = await registry.metrics();
            expect(text).toContain('oidc_verifications_total{validator="items",place="inline",app="x"} 3');
            expect(text).toContain("# TYPE oidc_verifications counter");
            expect(text).not.toContain("_total_total");
        }
        registry.resetMetrics();
        expect(await registry.metrics()).toContain('place="inline",app="x"} 3');
        expect((await registry.getMetricsAsJSON()).map(({ name }) => name)).toContain("oidc_keys");
    });

    test("twice in one registry is an error of the program", async () => {
        const [one, two] = [await busy(), await busy()];
        const registry = new Registry();
        registerMetrics(registry, one);
        expect(() => registerMetrics(registry, two)).toThrow("already been registered");
        registerMetrics(new Registry(), two);
    });
});

test("what is no validator or no registry is an error that says what to write", () => {
    const validator = createValidator(issuer.options);
    const registry = new Registry();
    const wrong = "expected a validator, or validators by their names; got";
    for (const [make, said] of [
        [() => metricsText(undefined as never), `${wrong} undefined. Write metricsText(validator)`],
        [() => metricsText({}), `${wrong} an object. Write`],
        [() => metricsText([validator] as never), `${wrong} a list. Write`],
        [
            () => metricsText({ items: validator, admin: undefined as never }),
            `${wrong} undefined as "admin". Write`
        ],
        [() => metricsText(issuer.options as never), `${wrong} a string as "issuerUri". Write`],
        [() => registerMetrics(validator as never, registry as never), "registry of prom-client first; got"],
        [
            () => registerMetrics(registry, undefined as never),
            `${wrong} undefined. Write registerMetrics(register, `
        ]
    ] as const) {
        expect(make).toThrow(TypeError);
        expect(make).toThrow(said);
    }
    registerMetrics(registry, { items: validator });
    expect(metricsText({ items: validator })).toContain('validator="items"');
});
