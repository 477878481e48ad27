// `npm run bench:soak`: millions of requests of every kind through one validator, and what the process holds meanwhile.
// Fails if memory grows, if one good request is refused or one bad one granted.

import { setImmediate as turn } from "node:timers/promises";
import { parseArgs } from "node:util";
import { AUDIENCE } from "../compare/cases.mjs";
import { collectGarbage } from "../compare/garbage.mjs";
import { startIssuers } from "../compare/issuer-process.mjs";
import { machine, node } from "../compare/machine.mjs";
import { installOurs, loadOurs, versionOfOurs } from "../compare/ours.mjs";
import { put, toJson } from "../compare/report/put.mjs";
import { plot } from "./plot.mjs";
import { trafficOf } from "./traffic.mjs";
import { findings } from "./verdict.mjs";

const FULL = 10_000_000;
const MOST_SAMPLES = 200;
/** A collection takes as long as some hundred requests. */
const LEAST_BETWEEN_SAMPLES = 5_000;
const LEAST_BATCH = 1_000;
const MOST_BATCH = 5_000;
const PROGRESS_MS = 15_000;
/** How many requests are under way at once, by turns: alone, some, many. */
const TOGETHER = [1, 64, 1, 500];

const { requests, isInstalled } = readOptions();
if (!isInstalled) {
    await installOurs();
}
const { createValidator } = loadOurs("oidc-spa-native");
const issuers = await startIssuers();
const validator = createValidator({
    issuers: issuers.issuers.map(({ issuerUri, algorithm }) => ({
        issuerUri,
        expectedAudience: AUDIENCE,
        algorithms: [algorithm]
    }))
});
await validator.ready();
const traffic = await trafficOf(issuers.ask);

const begun = performance.now();
const seconds = () => (performance.now() - begun) / 1000;
const cpuBegun = process.cpuUsage();
const samples = [];
const codes = new Map();
const wrong = [];
let [granted, refused] = [0, 0];

console.log(`${requests.toLocaleString("en-GB")} requests:`);
await play();
issuers.close();
const { user, system } = process.cpuUsage(cpuBegun);
report();

/** The next batch is made, in the other process, while this one is sent. */
async function play() {
    const every = Math.max(requests / MOST_SAMPLES, LEAST_BETWEEN_SAMPLES);
    const batch = Math.min(Math.max(every / 4, LEAST_BATCH), MOST_BATCH);
    let [sent, nextSample, nextProgress] = [0, every, PROGRESS_MS / 1000];
    let coming = traffic.next(batch);
    for (let i = 0; sent < requests; i++) {
        const items = (await coming).slice(0, requests - sent);
        coming = sent + items.length < requests ? traffic.next(batch) : undefined;
        await send(items, TOGETHER[i % TOGETHER.length]);
        sent += items.length;
        if (sent >= nextSample) {
            nextSample += every;
            samples.push(sample(sent));
        }
        if (seconds() >= nextProgress) {
            nextProgress += PROGRESS_MS / 1000;
            showProgress(sent);
        }
    }
}

async function send(items, together) {
    for (let from = 0; from < items.length; from += together) {
        const now = items.slice(from, from + together);
        const verdicts = await Promise.all(
            now.map(({ headers, target }) => validator.validateRequest(headers, target))
        );
        verdicts.forEach((verdict, i) => note(now[i], verdict));
        await turn();
    }
}

function note({ kind, jti }, verdict) {
    const outcome = `${kind}: ${verdict.isSuccess ? "granted" : verdict.code}`;
    codes.set(outcome, (codes.get(outcome) ?? 0) + 1);
    if (verdict.isSuccess) {
        granted++;
    } else {
        refused++;
    }
    const isRight = verdict.isSuccess ? jti !== undefined && verdict.claims.jti === jti : jti === undefined;
    if (!isRight && wrong.push({ kind, code: verdict.code, message: verdict.debugErrorMessage }) > 20) {
        throw new Error(`more than 20 answers were wrong: ${JSON.stringify(wrong.slice(0, 3))}`);
    }
}

/** Twice: what the first collection finds to be free may hold more. */
function sample(at) {
    collectGarbage();
    collectGarbage();
    const { rss, heapUsed, external } = process.memoryUsage();
    return { at, second: Math.round(seconds()), rss, heap: heapUsed, external };
}

function showProgress(sent) {
    const { rss } = process.memoryUsage();
    const rate = sent / seconds();
    console.log(
        `${seconds().toFixed(0).padStart(5)} s  ${((100 * sent) / requests).toFixed(1).padStart(5)} %  ` +
            `${Math.round(rate)} requests/s, ${Math.round((requests - sent) / rate)} s to go  ` +
            `resident ${(rss / 2 ** 20).toFixed(0)} MiB  ${granted} granted, ${refused} refused, ${wrong.length} wrong`
    );
}

function report() {
    const about = {
        measuredAt: new Date().toISOString(),
        version: versionOfOurs(),
        machine: machine(),
        node: node(),
        requests,
        seconds: Math.round(seconds()),
        cpuMicrosEach: Math.round((user + system) / requests),
        granted,
        refused
    };
    const found = findings({ ...about, samples, wrong });
    const outcomes = [...codes]
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([outcome, times]) => ({ outcome, times }));
    const results = { ...about, findings: found, outcomes, wrong, samples };
    const name = requests >= FULL ? "latest" : "short";
    put(`soak/results/${name}.json`, toJson(results));
    put(`soak/results/${name}.svg`, plot(results));
    console.log(`\n${found.map(({ ok, what, found }) => `${ok ? "✓" : "✗"} ${what}: ${found}`).join("\n")}`);
    console.log(`It took ${about.seconds} s.`);
    process.exitCode = found.every(({ ok }) => ok) ? 0 : 1;
}

function readOptions() {
    const { values } = parseArgs({
        options: {
            requests: { type: "string", default: String(FULL) },
            installed: { type: "boolean", default: false }
        }
    });
    const requests = Number(values.requests);
    if (!(Number.isInteger(requests) && requests >= 200_000 && requests <= 1e9)) {
        console.error(`--requests is a whole number from 200000 to 1000000000, not ${values.requests}`);
        process.exit(2);
    }
    return { requests, isInstalled: values.installed };
}
