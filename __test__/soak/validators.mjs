// Makes and drops validators by the hundred thousand: what they leave behind must not grow with their number.
//
//     node --expose-gc __test__/soak/validators.mjs [count]
//
// Each tenth names an issuer of its own, each hundredth judges a request, each thousandth is dropped while its answer is
// under way on another thread. The run fails if the least memory of the second half is more than
// that of the first, and a little.

import { createValidator } from "oidc-spa-native";
import { createTestIssuer } from "oidc-spa-native/testing";

const COUNT = Number(process.argv[2] ?? 100_000);
const LITTLE_MIB = 24;

const issuer = await createTestIssuer();
/** A run takes longer than a token lives. */
const bearer = async () => ({ authorization: `Bearer ${await issuer.sign({})}` });
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
        void validator.validateRequest(await bearer());
    } else if (i % 100 === 1) {
        granted += (await validator.validateRequest(await bearer())).isSuccess ? 1 : 0;
    }
    if (i % Math.ceil(COUNT / 10) === 0) {
        await measure(i);
    }
}

console.table(rows);
const least = some => Math.min(...some.map(row => row["resident MiB"]));
const middle = Math.floor(rows.length / 2);
const grown = least(rows.slice(middle)) - least(rows.slice(0, middle));
const expected = Math.ceil(COUNT / 100);
console.log(
    `${granted} of ${expected} requests granted; ${grown} MiB more in the second half than in the first.`
);
process.exitCode = granted === expected && grown <= LITTLE_MIB ? 0 : 1;
