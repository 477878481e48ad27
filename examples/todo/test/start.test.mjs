// `npm run todo` as a process: however it is ended, and at whatever moment, nothing of it stays behind.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { HERE } from "../run/build.mjs";

/** Ends it by this signal once a line matches `moment`, and sees that the API ends too. */
async function endedAt(moment, signal, env = {}) {
    const child = spawn(process.execPath, [join(HERE, "run/start.mjs"), "--log"], {
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "ignore"]
    });
    const exited = once(child, "exit");
    let apiUrl;
    createInterface({ input: child.stdout }).on("line", line => {
        apiUrl ??= /"message":"listening","url":"([^"]+)"/.exec(line)?.[1];
        moment.test(line) && child.kill(signal);
    });
    const [code] = await exited;
    let isGone = false;
    for (let tries = 0; !isGone && tries < 100; tries++) {
        isGone = await fetch(`${apiUrl}/health`).then(
            () => false,
            () => true
        );
        await new Promise(resolve => setTimeout(resolve, 50));
    }
    assert.ok(apiUrl !== undefined && isGone, "the API ends too");
    return code;
}

for (const signal of ["SIGINT", "SIGHUP"]) {
    test(`${signal} as it runs`, async () => {
        assert.equal(await endedAt(/^Open http/, signal), 0);
    });

    test(`${signal} as it starts, and the issuer has no keys yet`, async t => {
        const issuer = createServer((_req, res) => res.writeHead(503).end()).listen(0, "127.0.0.1");
        await once(issuer, "listening");
        t.after(() => issuer.close());
        const env = { OIDC_ISSUER_URI: `http://127.0.0.1:${issuer.address().port}` };
        assert.equal(await endedAt(/keys are not there yet/, signal, env), 1);
    });
}
