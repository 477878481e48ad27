// `npm run demo`: a real issuer, a guarded API, a client, and what comes of it. `-- --serve` keeps the servers up.

import { parseArgs } from "node:util";
import { startApi } from "./api.mjs";
import { API, startIssuer } from "./issuer.mjs";
import { sendEverything } from "./rows.mjs";
import { printCurlLines } from "./serve.mjs";
import { printRow, printTableHead } from "./table.mjs";

const { serve } = parseArgs({ options: { serve: { type: "boolean", default: false } } }).values;

const issuer = await startIssuer();
const api = await startApi({ issuerUri: issuer.issuerUri, expectedAudience: API });
const itemsUrl = `${api.url}/items`;

if (serve) {
    await printCurlLines(issuer, itemsUrl);
    process.once("SIGINT", close);
    process.once("SIGTERM", close);
} else {
    try {
        await run();
    } finally {
        await close();
    }
}

async function run() {
    console.log(`\nAuthorization server  ${issuer.issuerUri} (oidc-provider)`);
    console.log(`Resource server       ${itemsUrl} (Express, guarded by oidc-spa-native)\n`);

    printTableHead();
    let rows = 0;
    let failed = 0;
    for await (const row of sendEverything(issuer, itemsUrl)) {
        printRow(row);
        rows += 1;
        failed += row.isAsExpected ? 0 : 1;
    }

    console.log(`\n${rows - failed} of ${rows} rows are as they should be.`);
    if (failed > 0) {
        process.exitCode = 1;
    }
}

async function close() {
    await Promise.all([api.close(), issuer.close()]);
}
