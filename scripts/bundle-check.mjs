// What `npm run pack:check` bundles: the installed package in the output of each bundler, and in Next.js. docs/deploying.md
// has the same lines for users.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { clientCredentials, randomDPoPKeyPair } from "../examples/demo/client.mjs";
import { API } from "../examples/demo/issuer.mjs";
import { createProof } from "../examples/demo/proof.mjs";
import { ROOT } from "./prepare.mjs";

const PACKAGES = ["esbuild", "webpack", "webpack-cli", "rollup", "rolldown", "vite", "@vercel/ncc"];

/** esbuild's command is no JavaScript where its install script ran: its function is called instead. */
const esbuild = options => ({
    command: "../esbuild.cjs",
    args: [],
    files: {
        "esbuild.cjs": `require("esbuild").buildSync(${JSON.stringify({ bundle: true, platform: "node", ...options })});`
    }
});

/** The command of each bundler, and the file that comes out. This package is left outside of it, so the addon runs. */
const BUNDLERS = {
    "esbuild, CommonJS": {
        ...esbuild({
            entryPoints: ["consumer.cjs"],
            external: ["oidc-spa-native"],
            outfile: "out/esbuild.cjs"
        }),
        output: "out/esbuild.cjs"
    },
    "esbuild, ECMAScript module": {
        ...esbuild({
            entryPoints: ["consumer.mjs"],
            external: ["oidc-spa-native"],
            format: "esm",
            outfile: "out/esbuild.mjs"
        }),
        output: "out/esbuild.mjs"
    },
    webpack: {
        command: "webpack-cli/bin/cli.js",
        args: ["--config", "webpack.config.cjs"],
        output: "out/webpack.cjs",
        files: {
            "webpack.config.cjs": `module.exports = {
                mode: "production", target: "node20", entry: "./consumer.cjs",
                output: { path: require("node:path").join(__dirname, "out"), filename: "webpack.cjs" },
                externalsType: "commonjs", externals: [/^oidc-spa-native/]
            };`
        }
    },
    rollup: {
        command: "rollup/dist/bin/rollup",
        args: [
            "consumer.mjs",
            "--external",
            "oidc-spa-native,oidc-spa-native/server",
            "--file",
            "out/rollup.mjs"
        ],
        output: "out/rollup.mjs"
    },
    rolldown: {
        command: "rolldown/bin/cli.mjs",
        args: ["--config", "rolldown.config.mjs"],
        output: "out/rolldown.mjs",
        files: {
            "rolldown.config.mjs": `export default {
                input: "consumer.mjs", platform: "node", external: [/^oidc-spa-native/], output: { file: "out/rolldown.mjs" }
            };`
        }
    },
    "Vite, for a server": {
        command: "vite/bin/vite.js",
        args: ["build", "--ssr", "consumer.mjs", "--outDir", "out/vite", "--logLevel", "error"],
        output: "out/vite/consumer.mjs"
    },
    ncc: {
        command: "@vercel/ncc/dist/ncc/cli.js",
        args: [
            ...["build", "consumer.cjs", "--out", "out/ncc"],
            // It takes whole names alone.
            ...["", "/server", "/prometheus", "/testing"].flatMap(entry => [
                "--external",
                `oidc-spa-native${entry}`
            ])
        ],
        output: "out/ncc/index.cjs"
    }
};

/**
 * @typedef {object} Checks - what `pack-check.mjs` lends
 * @property {(name: string, manifest: object, packages?: string[], options?: { isOurs?: boolean }) => Promise<string>} freshProject
 * @property {(name: string, project: string) => void} copyConsumer
 * @property {(title: string, script: string, args: string[], env?: Record<string, string>, cwd?: string) => Promise<boolean>} check
 * @property {(what: string, project: string, script: string, args?: string[], env?: Record<string, string>) => Promise<void>} use
 * @property {{ issuerUri: string }} issuer
 */

/** @param {Checks} checks */
export async function useInBundles({ freshProject, copyConsumer, check, use }) {
    const project = await freshProject("bundlers", { type: "commonjs" }, PACKAGES);
    copyConsumer("consumer.cjs", project);
    copyConsumer("consumer.mjs", project);
    for (const [name, { command, args, output, files = {} }] of Object.entries(BUNDLERS)) {
        for (const [file, text] of Object.entries(files)) {
            writeFileSync(join(project, file), text);
        }
        const bundler = join(project, "node_modules", command);
        if (await check(`Bundling with ${name}`, bundler, args, {}, project)) {
            await use(`the bundle of ${name}`, project, output, [], { EXPECTED_ENGINE: "native" });
        }
    }
}

/**
 * Next.js: `next build` with a standalone server, and `next dev`; a route handler and `proxy.js`, asked for a bound token too.
 *
 * @param {Checks} checks
 */
export async function useInNext({ freshProject, check, issuer }) {
    const project = await freshProject("next", { type: "module" }, ["next@16", "react@19", "react-dom@19"]);
    cpSync(join(ROOT, "scripts", "consumers", "next"), project, { recursive: true });
    const next = join(project, "node_modules/next/dist/bin/next");
    const env = await addressOfServer(issuer);
    if (!(await check("Building with Next.js, standalone", next, ["build"], env, project))) {
        return [];
    }
    return [
        ...(await answers(
            "the standalone server of Next.js",
            [join(project, ".next/standalone/server.js")],
            env,
            project,
            issuer,
            { hasProxy: true }
        )),
        ...(await answers("next dev", [next, "dev", "--port", env.PORT], env, project, issuer, {
            hasProxy: true
        }))
    ];
}

/** The environment of a server on a free port: where it listens, and what its validator is made of. */
export async function addressOfServer(issuer) {
    const port = String(await freePort());
    return {
        ISSUER_URI: issuer.issuerUri,
        AUDIENCE: API,
        PUBLIC_URL: `http://127.0.0.1:${port}`,
        PORT: port,
        HOST: "127.0.0.1",
        HOSTNAME: "127.0.0.1",
        NEXT_TELEMETRY_DISABLED: "1"
    };
}

/**
 * What is wrong with the answers of a server that was started for them.
 *
 * @param {string} title
 * @param {string[]} args
 * @param {Record<string, string>} env
 * @param {string} cwd
 * @param {{ issuerUri: string, clientSecret: string }} issuer
 * @param {{ hasProxy?: boolean }} [has] - `hasProxy`: the `proxy.js` of Next.js guards a path too
 */
export async function answers(title, args, env, cwd, issuer, { hasProxy = false } = {}) {
    console.log(`▸ Asking ${title}`);
    const server = spawn(process.execPath, args, {
        cwd,
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true
    });
    let output = "";
    for (const stream of [server.stdout, server.stderr]) {
        stream.setEncoding("utf8").on("data", text => (output += text));
    }
    const ended = once(server, "close");
    try {
        const faults = [];
        const complain = async (url, [what, expected, headers]) => {
            const answer = await answerOf(url, headers, server);
            if (!answer.startsWith(expected)) {
                faults.push(`${title}: ${url}: ${what} got ${answer}, expected ${expected}`);
            }
        };
        for (const path of ["/api/me", ...(hasProxy ? ["/api/behind"] : [])]) {
            const url = `${env.PUBLIC_URL}${path}`;
            // `next dev` compiles at the first request, which may take longer than a proof is good.
            await complain(url, ["no credentials", "401", {}]);
            for (const request of await requests(url, issuer)) {
                await complain(url, request);
            }
        }
        for (const [path, request] of hasProxy ? await forgeries(issuer) : []) {
            await complain(`${env.PUBLIC_URL}${path}`, request);
        }
        if (faults.length > 0) {
            process.stderr.write(output);
        }
        return faults;
    } finally {
        // `next dev` is two processes: the group ends both.
        process.kill(-server.pid, "SIGKILL");
        await ended;
    }
}

async function requests(url, issuer) {
    const dpopKeyPair = await randomDPoPKeyPair();
    const bearer = await clientCredentials(issuer, { clientId: "service-rs256", resource: API });
    const bound = await clientCredentials(issuer, { clientId: "service-es256", resource: API, dpopKeyPair });
    const proof = await createProof(dpopKeyPair, { method: "GET", url, accessToken: bound });
    const withProof = { authorization: `DPoP ${bound}`, dpop: proof };
    return [
        ["a good token", `200 {"sub":"service-rs256"}`, { authorization: `Bearer ${bearer}` }],
        ["a bound token without proof", "401", { authorization: `Bearer ${bound}` }],
        ["a bound token with its proof", `200 {"sub":"service-es256"}`, withProof],
        ["the same proof again", `401 {"code":"proof_replayed"}`, withProof]
    ];
}

/** Requests with the field by which the proxy tells who passed it, and one that says to come from Next.js itself. */
async function forgeries(issuer) {
    const bearer = await clientCredentials(issuer, { clientId: "service-rs256", resource: API });
    const forged = { "x-verified-subject": "admin" };
    const authorization = `Bearer ${bearer}`;
    const inner = { "x-middleware-subrequest": Array(5).fill("proxy").join(":") };
    return [
        ["/api/behind", ["a forged subject", "401", forged]],
        [
            "/api/behind",
            ["a token and a forged subject", `200 {"sub":"service-rs256"}`, { ...forged, authorization }]
        ],
        ["/api/open", ["a forged subject on an open path", `200 {"sub":null}`, forged]],
        ["/api/behind", ["the mark of an inner request", "401", { ...forged, ...inner }]]
    ];
}

const MOST_SHOWN = 200;

/** The status and the body. */
async function answerOf(url, headers, server) {
    for (let attempt = 0; ; attempt++) {
        try {
            const response = await fetch(url, { headers });
            return `${response.status} ${(await response.text()).slice(0, MOST_SHOWN)}`;
        } catch (error) {
            if (attempt === 300 || server.exitCode !== null) {
                return `no answer (${error.cause?.code ?? error.message})`;
            }
            await sleep(100);
        }
    }
}

async function freePort() {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    return port;
}
