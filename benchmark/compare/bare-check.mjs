// The bare signature check in Rust (`benchmark/bare_check.rs`), a process of its own that is asked in the same rounds.

import { spawn, spawnSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BUILD = ["bench", "--no-run", "--bench", "bare_check"];

/** Builds it. Takes minutes the first time. */
export async function buildBareCheck() {
    const { run } = await import("../../scripts/step.mjs");
    const { ok } = await run({
        title: "Building the bare signature check",
        usually: "3 minutes the first time on two cores, then seconds",
        command: "cargo",
        args: BUILD,
        cwd: ROOT,
        quiet: true
    });
    if (!ok) {
        throw new Error("the bare signature check could not be built, see above");
    }
}

export function startBareCheck() {
    const child = spawn(executable(), { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout });
    return {
        /** Processor time of the checks of one validation, in microseconds. */
        async measure({ algorithm, jwk, items }) {
            const groups = groupsOf({ algorithm, jwk, items });
            child.stdin.write(`${JSON.stringify({ groups })}\n`);
            const [line] = await once(lines, "line");
            const { cpuMicros, good } = JSON.parse(line);
            const signatures = groups.reduce((sum, { jws }) => sum + jws.length, 0);
            if (good !== signatures) {
                throw new Error(`the bare check found ${good} of ${signatures} signatures good`);
            }
            return cpuMicros / items.length;
        },
        close: () => child.stdin.end()
    };
}

/** The proof's signature, and the token's, unless that token was verified before: nobody must verify it again. */
function groupsOf({ algorithm, jwk, items }) {
    const proofs = new Map();
    const tokens = new Map(items.map(({ token }) => [token, token]));
    for (const { proof, clientJwk } of items) {
        if (proof !== undefined) {
            const group = proofs.get(clientJwk.x) ?? { algorithm: "ES256", spki: spki(clientJwk), jws: [] };
            group.jws.push(proof);
            proofs.set(clientJwk.x, group);
        }
    }
    const isSession = proofs.size > 0 && tokens.size < items.length;
    return [
        ...proofs.values(),
        ...(isSession ? [] : [{ algorithm, spki: spki(jwk), jws: items.map(({ token }) => token) }])
    ];
}

function spki(jwk) {
    return createPublicKey({ key: jwk, format: "jwk" })
        .export({ type: "spki", format: "der" })
        .toString("base64url");
}

function executable() {
    const { stdout } = spawnSync("cargo", [...BUILD, "--message-format=json"], {
        cwd: ROOT,
        encoding: "utf8",
        maxBuffer: 1e8
    });
    const built = stdout
        .split("\n")
        .filter(line => line.startsWith("{"))
        .map(line => JSON.parse(line))
        .find(({ executable, target }) => executable && target.name === "bare_check");
    return built.executable;
}
