// `npm run bench:scaling`: what a request costs however much there is, and what more threads and processes bring.

import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { startIssuers } from "../compare/issuer-process.mjs";
import { machine, node } from "../compare/machine.mjs";
import { installOurs, versionOfOurs } from "../compare/ours.mjs";
import { put, toJson } from "../compare/report/put.mjs";
import { charts } from "./charts.mjs";
import { measureSizes } from "./flat.mjs";
import { ISSUERS, issuersOf, KEYS, keysOf, LIVE_PROOFS, proofsOf } from "./sizes.mjs";
import { measureThroughput } from "./throughput.mjs";

const FOLDER = "scaling/results/";
const PARTS = [LIVE_PROOFS.id, KEYS.id, ISSUERS.id, "throughput"];

const { values } = parseArgs({
    options: {
        quick: { type: "boolean", default: false },
        part: { type: "string" },
        installed: { type: "boolean", default: false },
        render: { type: "boolean", default: false }
    }
});
if (values.render) {
    draw(JSON.parse(readFileSync(new URL("results/latest.json", import.meta.url), "utf8")), FOLDER);
    process.exit();
}
const parts = values.part?.split(",") ?? PARTS;
const unknown = parts.find(part => !PARTS.includes(part));
if (unknown !== undefined) {
    console.error(`--part takes ${PARTS.join(", ")}, not ${unknown}`);
    process.exit(2);
}
const plan = values.quick
    ? { rounds: 1, count: 200, throughput: { rounds: 1, count: 1_000 } }
    : { rounds: 5, count: 500, throughput: { rounds: 3, count: 12_000 } };

if (!values.installed) {
    await installOurs();
}
const loadBefore = loadavg()[0];
const begun = performance.now();
const seconds = () => Math.round((performance.now() - begun) / 1000);
const show = text => console.log(`${String(seconds()).padStart(4)} s  ${text}`);
const { ask, issuers, close } = await startIssuers();
const tools = { ask, issuers, plan, show };
const few = ({ sizes }) => (values.quick ? sizes.filter(size => size <= 10_000) : sizes);

const sizes = [];
for (const [dimension, make] of [
    [KEYS, keysOf],
    [ISSUERS, issuersOf],
    [LIVE_PROOFS, proofsOf]
]) {
    if (parts.includes(dimension.id)) {
        const subjects = await make(few(dimension), tools);
        sizes.push(...(await measureSizes(dimension, subjects, { ...plan, show })));
    }
}
const throughput = parts.includes("throughput") ? await measureThroughput(tools) : [];
close();

const results = {
    measuredAt: new Date().toISOString(),
    seconds: seconds(),
    version: versionOfOurs(),
    loadBefore,
    loadAfter: loadavg()[0],
    machine: machine(),
    node: node(),
    plan,
    sizes,
    throughput
};
// The committed files are those of a full run.
const folder = `${FOLDER}${values.quick || values.part !== undefined ? "partial/" : ""}`;
put(`${folder}latest.json`, toJson(results));
draw(results, folder);

function draw(results, folder) {
    for (const [name, svg] of Object.entries(charts(results))) {
        put(`${folder}${name}`, svg);
    }
}
