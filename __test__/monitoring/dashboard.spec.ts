// The dashboard of examples/monitoring/, its queries answered by a real Prometheus that scrapes a real API.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startMonitoredApi, type MonitoredApi } from "../support/monitored-api.mjs";
import { describeWith } from "../support/programs.js";

const DASHBOARD = fileURLToPath(new URL("../../examples/monitoring/dashboard.json", import.meta.url));

interface Panel {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
}

const { panels } = JSON.parse(readFileSync(DASHBOARD, "utf8")) as { panels: Panel[] };

/** As Grafana sends it: with the values of its variables. */
const filledIn = (expr: string): string =>
    expr.replaceAll("$__rate_interval", "10s").replaceAll("$job", "api");

describeWith(["prometheus"], "the dashboard", () => {
    let api: MonitoredApi;
    let listening: { close(): Promise<void> } | undefined;

    beforeAll(async () => {
        const issuer = await createTestIssuer({ issuerUri: "https://issuer.test" }).listen({ port: 0 });
        listening = issuer;
        const audience = String(issuer.options.expectedAudience);
        api = await startMonitoredApi({ issuerUri: issuer.issuerUri, audience });
        const items = `${api.url}/items`;
        const bearer = issuer.sign();
        const client = dpopClient({ token: client => issuer.sign({}, { boundTo: client }) });
        const round = async () => {
            await fetch(items, { headers: { authorization: `Bearer ${bearer}` } });
            await fetch(items, { headers: client.headers("GET", items) });
            await fetch(items, { headers: { authorization: "Bearer nonsense" } });
        };
        // Between two scrapes of each series something must have happened.
        await vi.waitFor(
            async () => {
                await round();
                expect(await api.query("rate(oidc_validations_total[10s]) > 0")).toHaveLength(3);
            },
            { timeout: 30_000, interval: 300 }
        );
    }, 90_000);

    afterAll(async () => {
        await api?.close();
        await listening?.close();
    });

    test.each(panels)("$title: each query has an answer", async ({ targets }) => {
        expect(targets.length).toBeGreaterThan(0);
        for (const { expr } of targets) {
            expect(expr).toMatch(/job=~"\$job"/);
            const series = await api.query(filledIn(expr));
            expect(series.length, expr).toBeGreaterThan(0);
            for (const { value } of series) {
                expect(Number(value?.[1]), expr).not.toBeNaN();
            }
        }
    });

    test("Prometheus knows the types, and what was scraped is what was asked", async () => {
        const granted = await api.query('oidc_validations_total{outcome="granted"}');
        expect(granted.map(({ metric }) => metric["scheme"]).sort()).toEqual(["Bearer", "DPoP"]);
        expect(await api.query("up")).toMatchObject([{ value: [expect.any(Number), "1"] }]);
        const shadow = await api.query("oidc_shadow_refusals_total");
        expect(shadow).toMatchObject([{ metric: { code: "token_unbound" } }]);
    });
});
