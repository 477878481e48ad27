// One run: all measurements, then the files that tell of it.

import { loadavg } from "node:os";
import { startBareCheck } from "./bare-check.mjs";
import { startIssuers } from "./issuer-process.mjs";
import { machine, node } from "./machine.mjs";
import { measureMemory } from "./memory.mjs";
import { versions } from "./peers/index.mjs";
import { writeResults } from "./report/files.mjs";
import { measureRequests } from "./requests/measure.mjs";
import { measureValidations } from "./validations.mjs";

export async function runAll(options) {
    const begun = performance.now();
    const seconds = () => (performance.now() - begun) / 1000;
    const show = text => console.log(`${seconds().toFixed(0).padStart(4)} s  ${text}`);
    const loadBefore = loadavg()[0];

    const issuers = await startIssuers();
    const bareCheck = startBareCheck();
    const tools = { options, ask: issuers.ask, issuers: issuers.issuers, bareCheck, show };
    const { measured: validations, refused } = options.validations
        ? await measureValidations(tools)
        : { measured: [], refused: [] };
    const requests = await measureRequests(tools);
    const memory = options.memory ? await measureMemory(tools) : [];
    issuers.close();
    bareCheck.close();

    const { given, rounds } = options;
    const results = {
        measuredAt: new Date().toISOString(),
        seconds: Math.round(seconds()),
        loadBefore,
        machine: machine(),
        node: node(),
        versions: versions(),
        options: { given, rounds },
        validations,
        requests,
        memory,
        refused
    };
    writeResults(results, options.isFull);
    console.log(`\nIt took ${Math.round(seconds())} s.`);
}
