// Makes and drops validators by the hundred thousand: what they leave behind must not grow with their number.
//
//     node --expose-gc __test__/soak/validators.mjs [count]
//
// Each tenth names an issuer of its own, each hundredth judges a request, each thousandth is dropped while its answer is
// under way on another thread. The run fails if the second half needs more memory than the first, and a little.

import { createValidator } from "oidc-spa-native";
import { createTestIssuer } from "oidc-spa-native/testing";

const COUNT = Number(process.argv[2] ?? 100_000);
const LITTLE_MIB = 24;

const issuer = await createTestIssuer();
const authorization = `Bearer ${await issuer.sign({})}`;
const MIB = 1024 * 1024;
const rows = [];

async function measure(made) {
    for (let i = 0; i < 3; i++) {
        globalThis.gc();
        await new Promise(resolve => setTimeout(resolve, 20));
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    rows.push({
        made,
        "resident MiB": Math.round(rss / MIB),
        "heap MiB": Math.round(heapUsed / MIB),
        "external MiB": Math.round(external / MIB)
    });
}

let granted = 0;
for (let i = 1; i <= COUNT; i++) {
    const issuerUri = i % 10 === 0 ? `https://issuer-${i}.example` : issuer.options.issuerUri;
    const verification = i % 1000 === 0 ? "threads" : "inline";
    const validator = createValidator({ ...issuer.options, issuerUri, verification });
    if (i % 1000 === 0) {
        void validator.validateRequest({ authorization });
    } else if (i % 100 === 1) {
        granted += (await validator.validateRequest({ authorization })).isSuccess ? 1 : 0;
    }
    if (i % Math.ceil(COUNT / 10) === 0) {
        await measure(i);
    }
}

console.table(rows);
const [half, end] = [rows[Math.floor(rows.length / 2) - 1], rows.at(-1)];
const grown = end["resident MiB"] - half["resident MiB"];
const expected = Math.ceil(COUNT / 100);
console.log(
    `${granted} of ${expected} requests granted; ${grown} MiB more after the second half than after the first.`
);
process.exitCode = granted === expected && grown <= LITTLE_MIB ? 0 : 1;
