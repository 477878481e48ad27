// The example of an API that is monitored, with a real Prometheus that scrapes it. Both listen on loopback.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandOf } from "../../scripts/programs.mjs";

const EXAMPLE = fileURLToPath(new URL("../../examples/monitoring/server.mjs", import.meta.url));

/**
 * A series of the answer to a query: its labels, and its last value or its values by time.
 *
 * @typedef {object} Series
 * @property {Readonly<Record<string, string>>} metric
 * @property {readonly [time: number, value: string]} [value]
 * @property {readonly (readonly [time: number, value: string])[]} [values]
 */

/**
 * @typedef {object} MonitoredApi
 * @property {string} url
 * @property {(expr: string) => Promise<Series[]>} query
 * @property {(expr: string, start: number, end: number) => Promise<Series[]>} queryRange - by the second, between two times in
 *   seconds since 1970
 * @property {() => Promise<void>} close
 */

/**
 * @param {{ issuerUri: string, audience: string }} issuer
 * @returns {Promise<MonitoredApi>}
 */
export async function startMonitoredApi(issuer) {
    const folder = mkdtempSync(join(tmpdir(), "oidc-spa-native-prometheus-"));
    const [api, monitor] = [await freePort(), await freePort()];
    const config = [
        "global: { scrape_interval: 1s }",
        `scrape_configs: [{ job_name: api, static_configs: [{ targets: ["127.0.0.1:${api}"] }] }]`
    ];
    writeFileSync(join(folder, "prometheus.yml"), `${config.join("\n")}\n`);
    const env = {
        ...process.env,
        OIDC_ISSUER_URI: issuer.issuerUri,
        OIDC_AUDIENCE: issuer.audience,
        PORT: String(api)
    };
    const children = [
        spawn(process.execPath, [EXAMPLE], { env, stdio: "ignore" }),
        spawn(
            commandOf("prometheus") ?? "prometheus",
            [
                `--config.file=${join(folder, "prometheus.yml")}`,
                `--storage.tsdb.path=${join(folder, "data")}`,
                `--web.listen-address=127.0.0.1:${monitor}`
            ],
            { stdio: "ignore" }
        )
    ];
    const url = `http://127.0.0.1:${api}`;
    /** @returns {Promise<Series[]>} */
    const ask = async (path, parameters) => {
        const answer = await fetch(
            `http://127.0.0.1:${monitor}/api/v1/${path}?${new URLSearchParams(parameters)}`
        );
        const { status, error, data } = await answer.json();
        if (status !== "success" || data === undefined) {
            throw new Error(`${parameters.query}: ${error}`);
        }
        return data.result;
    };
    await Promise.all([reachable(`${url}/metrics`), reachable(`http://127.0.0.1:${monitor}/-/ready`)]);
    return {
        url,
        query: query => ask("query", { query }),
        queryRange: (query, start, end) =>
            ask("query_range", { query, start: String(start), end: String(end), step: "1" }),
        close: async () => {
            await Promise.all(children.map(end));
            rmSync(folder, { recursive: true, force: true });
        }
    };
}

async function end(child) {
    if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
    }
}

async function freePort() {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    await once(server, "close");
    return port;
}

async function reachable(url) {
    const until = Date.now() + 30_000;
    for (;;) {
        const answer = await fetch(url).catch(() => undefined);
        if (answer?.ok === true) {
            return;
        }
        if (Date.now() > until) {
            throw new Error(`${url} does not answer`);
        }
        await new Promise(resolve => setTimeout(resolve, 100));
    }
}
