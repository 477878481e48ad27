// Draws the pictures of docs/monitoring.md: `npm run build && node __test__/monitoring/draw.mjs`, about a minute and a half.
// An API with traffic of its own, a client that goes wrong, a key that is replaced; a Prometheus; the queries of the dashboard.

import { readFileSync, writeFileSync } from "node:fs";
import { createTestIssuer, dpopClient } from "oidc-spa-native/testing";
import { lineChart } from "../../benchmark/compare/report/line-chart.mjs";
import { startMonitoredApi } from "../support/monitored-api.mjs";

const SECONDS = 75;
const EXPIRED = { from: 25, to: 45 };
const FOLDER = new URL("../../examples/monitoring/", import.meta.url);
const { panels } = JSON.parse(readFileSync(new URL("dashboard.json", FOLDER), "utf8"));
const ROLES = ["ours", "peer", "reference", "whisker"];

const issuer = await createTestIssuer({ issuerUri: "https://issuer.test" }).listen({ port: 0 });
const api = await startMonitoredApi({
    issuerUri: issuer.issuerUri,
    audience: String(issuer.options.expectedAudience)
});
try {
    const begun = Date.now() / 1000;
    await traffic(begun);
    const read = title => rangeOf(title, begun + 8, begun + SECONDS);
    draw("refusals", {
        title: "Refusals by code",
        subtitle: "A client sends expired tokens for 20 seconds; another one garbage all the time",
        unit: "per s",
        along: "seconds",
        spans: [{ ...EXPIRED, label: "expired tokens" }],
        lines: linesOf(await read("Refusals by code"))
    });
    draw("requests", {
        title: "Requests",
        subtitle: "Bearer tokens that come again, DPoP proofs, and what is refused",
        unit: "per s",
        along: "seconds",
        spans: [{ ...EXPIRED, label: "expired tokens" }],
        lines: linesOf(await read("Requests"))
    });
} finally {
    await api.close();
    await issuer.close();
}

async function traffic(begun) {
    const items = `${api.url}/items`;
    const bearer = issuer.sign({ client_id: "web" });
    const expired = issuer.sign({}, { expiresInSeconds: -60 });
    const client = dpopClient({ token: client => issuer.sign({}, { boundTo: client }) });
    const send = headers => fetch(items, { headers }).then(answer => answer.arrayBuffer());
    for (let now = 0; now < SECONDS; now = Date.now() / 1000 - begun) {
        await send({ authorization: `Bearer ${bearer}` });
        await send(client.headers("GET", items));
        if (Math.random() < 0.2) {
            await send({ authorization: "Bearer nonsense" });
        }
        if (now > EXPIRED.from && now < EXPIRED.to) {
            await send({ authorization: `Bearer ${expired}` });
        }
        await new Promise(resolve => setTimeout(resolve, 25));
    }
}

/** The answers to a panel's queries, by the seconds since the beginning. */
async function rangeOf(title, start, end) {
    const { targets } = panels.find(panel => panel.title === title);
    const answers = targets.map(async ({ expr, legendFormat }) => {
        const query = expr.replaceAll("$__rate_interval", "5s").replaceAll("$job", "api");
        const series = await api.queryRange(query, start, end);
        return series.map(({ metric, values }) => ({
            label: legendFormat.replace(/\{\{(\w+)\}\}/g, (_, name) => metric[name]),
            points: values.map(([time, value]) => [time - start + 8, Number(value)])
        }));
    });
    return (await Promise.all(answers)).flat();
}

function linesOf(series) {
    return series.map(({ label, points }, i) => ({
        label,
        role: ROLES[i],
        points: points.filter(([, value]) => Number.isFinite(value))
    }));
}

function draw(name, chart) {
    writeFileSync(new URL(`${name}.svg`, FOLDER), lineChart(chart));
}
