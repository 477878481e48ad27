// `npm run audit:servers`: audits each server of servers.mjs and writes docs/audits.md. With names: audits these, prints what
// was found, and writes nothing. AUDIT_FOLDER: where the servers are installed, and stay.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { install } from "./install.mjs";
import { auditsPage } from "./page.mjs";
import { SERVERS } from "./servers.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const wanted = process.argv.slice(2);
const chosen = SERVERS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const kept = process.env["AUDIT_FOLDER"];
const folder = kept ?? mkdtempSync(join(tmpdir(), "oidc-spa-native-audits-"));
try {
    install(folder);
    const audits = [];
    for (const server of chosen) {
        console.log(`▸ ${server.name}`);
        audits.push({ server, report: await auditOf(server) });
    }
    if (wanted.length === 0) {
        writeFileSync(join(ROOT, "docs/audits.md"), auditsPage(audits));
        console.log("docs/audits.md is written.");
    } else {
        console.log(auditsPage(audits));
    }
} finally {
    if (kept === undefined) {
        rmSync(folder, { recursive: true });
    }
}

async function auditOf({ name, command, environment, ofPort, ...server }) {
    const port = await freePort();
    const { options = [], env = {} } = ofPort?.(await freePort()) ?? server;
    const args = [
        ...[
            "dist/cli/main.js",
            "audit",
            `http://127.0.0.1:${port}/me`,
            "--json",
            "--rate",
            "50",
            "--wait",
            "60"
        ],
        ...[...options, "--", ...command(folder)]
    ];
    const program = spawn(process.execPath, args, {
        cwd: ROOT,
        env: { ...process.env, PORT: String(port), ...env, ...environment?.(folder) },
        // What servers write about requests that they refuse is not read.
        stdio: ["ignore", "pipe", "ignore"]
    });
    let text = "";
    program.stdout.setEncoding("utf8").on("data", chunk => (text += chunk));
    await once(program, "close");
    if (text === "") {
        throw new Error(`${name} could not be audited`);
    }
    const report = JSON.parse(text);
    // Counts of a part would stand beside counts of the whole.
    if (report.ended !== null) {
        throw new Error(`${name} was audited in part: ${report.ended}`);
    }
    return report;
}

async function freePort() {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    return port;
}
