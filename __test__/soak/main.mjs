// `npm run test:soak -- [--minutes 10]`: steady load, while the issuer rotates its keys, fails in many ways and
// returns, and attackers send what they can. Fails if one good request is refused, one bad one granted, or if the
// issuer is asked more often than the policy allows.

import { subscribe } from "node:diagnostics_channel";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { createValidator } from "oidc-spa-native";
import { AUDIENCE, startIssuer } from "./issuer.mjs";
import { attackers, clients } from "./load.mjs";
import { plot } from "./plot.mjs";
import { rotationsOf } from "./rotation.mjs";
import { scriptFor } from "./script.mjs";
import { findings, phaseTable, summary } from "./verdict.mjs";

const RESULTS = new URL("./results/", import.meta.url);
const PROGRESS_MS = 15_000;
const SCRIPT_TICK_MS = 20;

const options = readOptions();
const runMs = options.minutes * 60_000;
const policy = { ageMs: options.ageSeconds * 1000, cooldownMs: options.cooldownSeconds * 1000 };
const heldMs = Math.min(10_000, runMs / 60);
const script = scriptFor(runMs);

const begun = performance.now();
const now = () => Math.round((performance.now() - begun) * 10) / 10;
const events = [];
subscribe("oidc-spa-native:keys", ({ type, error }) => events.push({ at: now(), type, error }));

const issuer = await startIssuer(now);
const validator = createValidator({
    issuerUri: issuer.issuerUri,
    expectedAudience: AUDIENCE,
    keysAgeSeconds: options.ageSeconds,
    keysCooldownSeconds: options.cooldownSeconds
});
const rotations = rotationsOf({ ...script, issuer, cooldownMs: policy.cooldownMs, heldMs, now });
const good = clients({ issuer, validator, perSecond: options.rate, heldMs, now });
const bad = attackers({
    issuer,
    validator,
    perSecond: options.attackRate,
    withdrawn: rotations.withdrawn,
    isQuiet: at => script.quiet[0] <= at && at < script.quiet[1],
    now
});

console.log(
    `${options.minutes} min: ${options.rate} good and ${options.attackRate} bad requests/s; ` +
        `keys age ${options.ageSeconds} s, cool-down ${options.cooldownSeconds} s`
);
good.start();
bad.start();
const progress = setInterval(() => console.log(progressLine()), PROGRESS_MS);
const keysStates = [];
const watch = setInterval(watchKeys, 250);
const states = await playScript();
clearInterval(progress);
clearInterval(watch);
// Those who wait get their answers while the issuer is still there.
await Promise.all([good.stop(), bad.stop()]);
await issuer.close();

const results = collect();
const failed = results.findings.filter(({ ok }) => !ok);
// The committed picture is one of a full run.
const name = options.minutes < 10 ? "short" : "latest";
write(`${name}.json`, toJson(results));
write(`${name}.svg`, plot(results));
console.log(`\n${phaseTable(results)}\n\n${summary(results)}\n`);
console.log(`Plot and figures: __test__/soak/results/${name}.svg and ${name}.json`);
process.exitCode = failed.length === 0 ? 0 : 1;

/** Puts the issuer into one state after the other, and rotates its keys meanwhile. Returns when each state began. */
async function playScript() {
    const entered = [];
    for (const phase of script.phases) {
        await issuer.enter(phase);
        entered.push(now());
        while (now() < phase.to) {
            rotations.advance();
            await new Promise(resolve => setTimeout(resolve, SCRIPT_TICK_MS));
        }
    }
    // Measured, not planned: on a busy machine a state begins late.
    return script.phases.map((phase, i) => ({ ...phase, from: entered[i], to: entered[i + 1] ?? now() }));
}

/** Notes when the keys get into another state. */
function watchKeys() {
    const [{ state }] = validator.health().issuers;
    if (keysStates.at(-1)?.state !== state) {
        keysStates.push({ at: now(), state });
    }
}

function progressLine() {
    const at = now();
    const { title } = script.phases.findLast(({ from }) => from <= at);
    const [clientsNow, attackersNow] = [good.totals(), bad.totals()];
    const part = (name, { asked, granted }) => `${name} ${asked} asked, ${asked - granted} refused`;
    return (
        `${String(Math.round(at / 1000)).padStart(4)} s  issuer: ${title.padEnd(16)}  ` +
        `${part("good:", clientsNow)}  ${part("bad:", attackersNow)}  issuer asked ${issuer.requests.length} times`
    );
}

function collect() {
    const latencies = good.latencies.sort((a, b) => a - b);
    const percentile = share => Number(latencies[Math.floor((latencies.length - 1) * share)].toFixed(2));
    const run = {
        measuredAt: new Date().toISOString(),
        node: process.version,
        processor: `${cpus()[0].model}, ${cpus().length} threads`,
        options,
        seconds: Math.round(now()) / 1000,
        states,
        quiet: script.quiet,
        rotations: rotations.marks,
        rotationsSkipped: rotations.skipped(),
        clients: {
            ...good.totals(),
            notSent: good.notSent(),
            latencyMs: { median: percentile(0.5), p99: percentile(0.99), most: percentile(1) },
            refusals: good.failures
        },
        attackers: { ...bad.totals(), notSent: bad.notSent() },
        issuerRequests: issuer.requests,
        events,
        keysStates,
        perSecond: { clients: good.seconds, attackers: bad.seconds }
    };
    return { findings: findings(run, policy), ...run };
}

/** JSON that a person can read: what is listed by the hundred stands one a line. */
function toJson(value, indent = "") {
    const inner = `${indent} `;
    const isShort = typeof value !== "object" || value === null || JSON.stringify(value).length <= 160;
    if (isShort) {
        return JSON.stringify(value);
    }
    const [open, close] = Array.isArray(value) ? "[]" : "{}";
    const members = Array.isArray(value)
        ? value.map(item => toJson(item, inner))
        : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${toJson(item, inner)}`);
    return `${open}\n${members.map(member => inner + member).join(",\n")}\n${indent}${close}`;
}

function write(name, text) {
    mkdirSync(RESULTS, { recursive: true });
    writeFileSync(new URL(name, RESULTS), `${text.trimEnd()}\n`);
}

function readOptions() {
    const { values } = parseArgs({
        options: {
            minutes: { type: "string", default: "10" },
            rate: { type: "string", default: "200" },
            "attack-rate": { type: "string", default: "50" },
            age: { type: "string", default: "60" },
            cooldown: { type: "string" }
        }
    });
    const number = (name, text, least, most) => {
        const value = Number(text);
        if (!(value >= least && value <= most)) {
            console.error(`--${name} is a number from ${least} to ${most}, not ${text}`);
            process.exit(2);
        }
        return value;
    };
    const minutes = number("minutes", values.minutes, 0.5, 24 * 60);
    return {
        minutes,
        rate: number("rate", values.rate, 2, 2_000),
        attackRate: number("attack-rate", values["attack-rate"], 1, 2_000),
        ageSeconds: number("age", values.age, 60, 86_400),
        // A run that is too short for the usual cool-down has a short one.
        cooldownSeconds: number("cooldown", values.cooldown ?? (minutes < 5 ? "1" : "5"), 1, 3_600)
    };
}
