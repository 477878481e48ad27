// Whole requests: for each framework, its servers side by side, each a process of its own, asked in rounds of random order
// by a load generator in another process.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { AUDIENCE } from "../cases.mjs";
import { shuffled, spread } from "../statistics.mjs";
import { BEARER_REQUESTS, CONNECTIONS, DPOP_REQUESTS, PATH, PROTECTIONS } from "./plan.mjs";

const ISSUER = "rs256";
const FIGURES = ["cpu", "main", "perSecond", "p50", "p99", "loopDelay", "rss"];
const WARM_UP_ROUNDS = 1;

/** @returns {Promise<object[]>} one entry a framework, protection and scheme */
export async function measureRequests({ options, ask, issuers, show }) {
    const { issuerUri, jwk, algorithm } = issuers.find(({ name }) => name === ISSUER);
    const load = startProcess("load.mjs");
    const measured = [];
    for (const framework of options.frameworks) {
        for (const dpop of [false, true]) {
            const protections = PROTECTIONS.filter(
                ({ only }) => only === undefined || only === framework
            ).filter(({ role, ...protection }) => !dpop || role === "harness" || protection.dpop);
            const context = { issuerUri, jwk, audience: AUDIENCE, algorithm, dpop };
            const servers = [];
            for (const protection of protections) {
                const server = startProcess("server.mjs");
                const { port } = await server.ask("start", { framework, protection: protection.id, context });
                servers.push({ protection, server, port, slices: [] });
            }
            const run = { framework, dpop, servers, load, options, ask };
            await mustRefuse(run);
            measured.push(...(await measureServers(run)));
            servers.forEach(({ server }) => server.close());
            show(summary(measured, framework, dpop));
        }
    }
    load.close();
    return measured;
}

async function measureServers({ framework, dpop, servers, load, options, ask }) {
    const count = Math.round((dpop ? DPOP_REQUESTS : BEARER_REQUESTS) * options.share);
    for (let round = -WARM_UP_ROUNDS; round < options.rounds; round++) {
        // Each server is a process of its own: none has seen the tokens of this round.
        const tokens = dpop ? undefined : await ask("tokens", { issuer: ISSUER, count });
        for (const one of shuffled(servers)) {
            const target = { method: "GET", url: `http://127.0.0.1:${one.port}${PATH}` };
            const items = tokens ?? (await ask("proofs", { issuer: ISSUER, count, target }));
            await one.server.ask("begin");
            const client = await load.ask("load", {
                port: one.port,
                path: PATH,
                headers: items.map(headersOf),
                connections: CONNECTIONS
            });
            const { cpu, main, loopDelay, rss } = await one.server.ask("end");
            if (client.statuses[200] !== count) {
                throw new Error(
                    `${framework}, ${one.protection.title}: ${JSON.stringify(client.statuses)} of ${count}`
                );
            }
            if (round >= 0) {
                one.slices.push({ ...client, cpu: cpu / count, main: main && main / count, loopDelay, rss });
            }
        }
    }
    return servers.map(({ protection: { id, title, role }, slices }) => ({
        framework,
        scheme: dpop ? "DPoP" : "Bearer",
        protection: id,
        title,
        role,
        connections: CONNECTIONS,
        requests: count,
        ...Object.fromEntries(FIGURES.map(name => [name, spread(slices.map(slice => slice[name]))]))
    }));
}

/** A server that lets bad requests in is not worth measuring. */
async function mustRefuse({ framework, dpop, servers, load, ask }) {
    const bad = await ask("bad", { issuer: ISSUER, dpop });
    for (const { protection, port } of servers.filter(({ protection }) => protection.role !== "harness")) {
        const { statuses } = await load.ask("load", {
            port,
            path: PATH,
            headers: bad.map(headersOf),
            connections: 1
        });
        const refused = (statuses[401] ?? 0) + (statuses[400] ?? 0);
        if (refused !== bad.length) {
            throw new Error(
                `${framework}, ${protection.title} must refuse ${bad.length}: ${JSON.stringify(statuses)}`
            );
        }
    }
}

function headersOf({ token, proof }) {
    return proof === undefined
        ? { Authorization: `Bearer ${token}` }
        : { Authorization: `DPoP ${token}`, DPoP: proof };
}

function startProcess(file) {
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), { stdio: "inherit" });
    return {
        ask: (what, params = {}) =>
            new Promise((resolve, reject) => {
                const ended = code => reject(new Error(`${file} ended with ${code}`));
                child.once("exit", ended);
                child.once("message", ({ answer, error }) => {
                    child.off("exit", ended);
                    if (error === undefined) {
                        resolve(answer);
                    } else {
                        reject(new Error(`${file}: ${error}`));
                    }
                });
                child.send({ what, params });
            }),
        close: () => child.disconnect()
    };
}

function summary(measured, framework, dpop) {
    const scheme = dpop ? "DPoP" : "Bearer";
    const here = measured.filter(entry => entry.framework === framework && entry.scheme === scheme);
    const short = here
        .sort((a, b) => a.cpu.median - b.cpu.median)
        .map(
            ({ title, cpu, perSecond }) =>
                `${title} ${cpu.median.toFixed(0)} (${Math.round(perSecond.median)}/s)`
        );
    return `${framework}, ${scheme}, µs of CPU a request: ${short.join(" · ")}`;
}
