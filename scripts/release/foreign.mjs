// `npm run release:foreign`: tries packages on platforms that this machine is not: Linux with musl in a root folder of
// its own, arm64 under qemu-user, Windows under wine, and a minimal Debian. `docs/releasing.md` says what it needs and what it covers.
//
//   npm run release:foreign -- --addons target/addons                   all of SYSTEMS, with these addons
//   npm run release:foreign -- --packages FOLDER linux-x64-musl         one of them, with these tarballs
//
// A platform whose addon was not packed is tried with WebAssembly alone, which the package must choose by itself.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../prepare.mjs";
import { onStage, report } from "./stage.mjs";
import { arm64 } from "./systems/arm64.mjs";
import { debian } from "./systems/debian.mjs";
import { musl } from "./systems/musl.mjs";
import { wine } from "./systems/wine.mjs";

/**
 * @typedef {object} System - a platform as this machine can run it
 * @property {string} projects - the folder, on this machine, in which projects can be made
 * @property {(args: string[], cwd: string, options?: { user?: number }) => { command: string, args: string[] }} node - the
 *   command of its Node.js
 * @property {string} npm - the file of npm, as its Node.js sees it
 *
 * @type {Record<string, (scratch: string) => Promise<System>>}
 */
const SYSTEMS = {
    "linux-x64-gnu": debian,
    "linux-arm64-gnu": arm64,
    "linux-x64-musl": scratch => musl("x86_64", scratch),
    "linux-arm64-musl": scratch => musl("aarch64", scratch),
    "win32-x64-msvc": wine
};

/** What `npx oidc-spa-native` runs. */
const PROGRAM = "node_modules/oidc-spa-native/dist/cli/main.js";

const { values, positionals } = parseArgs({
    options: { addons: { type: "string" }, packages: { type: "string" } },
    allowPositionals: true
});
const chosen = positionals.length > 0 ? positionals : Object.keys(SYSTEMS);
const unknown = chosen.filter(name => !Object.hasOwn(SYSTEMS, name));
if (unknown.length > 0) {
    throw new Error(`${unknown.join(", ")} cannot be tried here; ${Object.keys(SYSTEMS).join(", ")} can`);
}

const results = [];
const faults = await onStage(values, async ({ packages, scratch, projectsIn }) => {
    const hasAddon = name => packages.platforms.some(({ manifest }) => manifest.name.endsWith(`-${name}`));
    for (const name of chosen) {
        const engines = hasAddon(name) ? ["native", "wasm"] : ["wasm"];
        const fault = await attempt(name, engines, scratch, projectsIn).catch(error => error.message);
        results.push({ name: `${name}, ${engines.join(" and ")}`, fault });
        if (fault !== undefined) {
            console.error(`  ${name}: ${fault}`);
        }
    }
    console.log(`\nTried ${packages.main.manifest.version} on other platforms`);
});
report(results, faults);

async function attempt(name, engines, scratch, projectsIn) {
    const folder = join(scratch, name);
    mkdirSync(folder);
    const system = await SYSTEMS[name](folder);
    const { project, must } = projectsIn(system.projects);
    const made = project("app");
    writeCertificates(made);
    copyFileSync(join(ROOT, "scripts", "consumers", "platform.mjs"), join(made, "platform.mjs"));
    const node = args => system.node(args, made);

    // The lines of the Dockerfiles in docs/deploying.md: a lock file, `npm ci`, and a user without rights.
    await must(`${name}: npm install`, node([system.npm, "install", "--loglevel=error"]), made);
    await must(
        `${name}: npm ci --omit=dev`,
        node([system.npm, "ci", "--omit=dev", "--loglevel=error"]),
        made
    );
    for (const engine of engines) {
        // Without an addon nothing forces WebAssembly: the package must find it by itself, and say why.
        const isForced = engines.length > 1;
        const variables = { EXPECTED_ENGINE: engine, ...(isForced && { OIDC_SPA_NATIVE_ENGINE: engine }) };
        const trust = engine === "wasm" ? { NODE_EXTRA_CA_CERTS: "ca.pem" } : {};
        const says = async (words, args, { env = {}, user } = {}) => {
            const title = `${name}: ${args[0]}, ${engine}`;
            const output = await must(title, system.node(args, made, { user }), made, {
                ...variables,
                ...env
            });
            const missing = words.find(text => !output.includes(text));
            if (missing !== undefined) {
                throw new Error(`${title}: it ended well and did not say "${missing}"`);
            }
        };
        const why = isForced ? [] : ["There is no build for it yet. There is one for: "];
        for (const file of ["consumer.mjs", "consumer.cjs"]) {
            await says(["a tampered one refused", ...why], [file], { user: 1000 });
        }
        await says(["every check of the platform passed", ...why], ["platform.mjs"], { env: trust });
        await says(["oidc-spa-native doctor ISSUER"], [PROGRAM, "--help"]);
    }
}

/** An authority, and a server's certificate by it, for this machine. */
function writeCertificates(folder) {
    const lines = [
        "[req]",
        "distinguished_name = name",
        "[name]",
        "[authority]",
        "basicConstraints = critical, CA:TRUE",
        "keyUsage = critical, keyCertSign",
        "[server]",
        "basicConstraints = critical, CA:FALSE",
        "extendedKeyUsage = serverAuth",
        "subjectAltName = DNS:localhost, IP:127.0.0.1"
    ];
    writeFileSync(join(folder, "openssl.cnf"), `${lines.join("\n")}\n`);
    const openssl = (subject, name, more) => {
        const key = [
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            `${name}.key`
        ];
        const certificate = ["-x509", "-days", "2", "-subj", `/CN=${subject}`, "-out", `${name}.pem`];
        execFileSync("openssl", ["req", "-config", "openssl.cnf", ...key, ...certificate, ...more], {
            cwd: folder,
            stdio: "pipe"
        });
    };
    openssl("authority", "ca", ["-extensions", "authority"]);
    openssl("server", "server", ["-extensions", "server", "-CA", "ca.pem", "-CAkey", "ca.key"]);
}
