// `npm run differential -- --count 100000 --seed 1`: mutated requests to four libraries. A disagreement without a reason is
// printed with its seed, and the program fails. `--page` writes docs/differential.md anew.

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { differentialPage } from "./page.mjs";
import { compare } from "./run.mjs";

const { values } = parseArgs({
    options: {
        count: { type: "string", default: "100000" },
        seed: { type: "string", default: "1" },
        first: { type: "string", default: "0" },
        page: { type: "boolean", default: false }
    }
});
const [count, seed, first] = [values.count, values.seed, values.first].map(Number);
if (![count, seed, first].every(number => Number.isSafeInteger(number) && number >= 0) || count === 0) {
    throw new TypeError("--count, --seed and --first are whole numbers, and --count is at least 1");
}

const summary = await compare({
    count,
    seed,
    first,
    onProgress: (done, { complaints }) =>
        done % 5000 === 0 && console.error(`${done} of ${count}, ${complaints.length} without a reason`)
});
for (const complaint of summary.complaints.slice(0, 100)) {
    console.error(complaint);
}
console.log(`${count} requests: ${summary.granted} granted, all four agree on ${summary.agreed}`);
for (const [id, counts] of summary.reasons) {
    const shares = [...counts].map(([engine, times]) => `${engine} ${times}`).join(", ");
    console.log(`${id}: ${shares || "never"}`);
}
console.log(`${summary.complaints.length} without a reason`);
if (values.page) {
    writeFileSync(
        fileURLToPath(new URL("../../docs/differential.md", import.meta.url)),
        differentialPage(summary)
    );
}
process.exitCode = summary.complaints.length === 0 ? 0 : 1;
