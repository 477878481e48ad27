// Fresh projects of a rehearsal, and what a program in one of them must answer.

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../prepare.mjs";
import { run } from "../step.mjs";
import { NO_NPM_SETTINGS, npmCommand } from "./npm.mjs";

const GOOD = "a real token accepted, a tampered one refused";

/**
 * @param {object} options
 * @param {string} options.folder - where projects are made
 * @param {string} options.tools - the folder whose `node_modules` has the package managers
 * @param {string} options.registry - the URL from which they install
 * @param {string} options.version - the version that they install
 * @param {{ issuerUri: string, audience: string, token: string }} options.request - what their programs ask about
 */
export function createProjects({ folder, tools, registry, version, request }) {
    const env = {
        ...NO_NPM_SETTINGS,
        NODE_OPTIONS: undefined,
        ISSUER_URI: request.issuerUri,
        AUDIENCE: request.audience,
        TOKEN: request.token,
        TAMPERED_TOKEN: tampered(request.token)
    };

    /** A folder with a `package.json` that depends on the package, and with the consumers. */
    function project(name, { manifest = {}, files = {}, consumers = ["consumer.mjs", "consumer.cjs"] } = {}) {
        const made = join(folder, name);
        mkdirSync(made);
        const written = {
            "package.json": JSON.stringify({
                name,
                version: "1.0.0",
                private: true,
                dependencies: { "oidc-spa-native": version },
                ...manifest
            }),
            ".npmrc": `registry=${registry}\naudit=false\nfund=false\n`,
            ...files
        };
        for (const [file, text] of Object.entries(written)) {
            writeFileSync(join(made, file), text);
        }
        for (const consumer of consumers) {
            copyFileSync(join(ROOT, "scripts", "consumers", consumer), join(made, consumer));
        }
        return made;
    }

    /** Runs a step and returns its output; throws if it failed. */
    async function must(title, { command, args }, cwd, more = {}) {
        const { ok, output } = await run({
            title,
            command,
            args,
            cwd,
            env: { ...env, ...more },
            quiet: true
        });
        if (!ok) {
            throw new Error(`${title}: failed: ${output.trim().slice(-1_000)}`);
        }
        return output;
    }

    /** A command of the tools' `node_modules`, which is JavaScript. */
    function tool(file, args) {
        return { command: process.execPath, args: [join(tools, "node_modules", file), ...args] };
    }

    /** The program answers, by the addon. */
    async function answers(title, call, cwd, more = {}) {
        return answersBy("native", title, call, cwd, more);
    }

    /** The program answers by WebAssembly, and the warning says why. */
    async function answersWithoutAddon(title, call, cwd, reason) {
        const output = await answersBy("wasm", title, call, cwd);
        if (!reason.test(output)) {
            throw new Error(`${title}: it answers, and no warning says ${reason}`);
        }
    }

    async function answersBy(engine, title, call, cwd, more = {}) {
        const output = await must(title, call, cwd, { EXPECTED_ENGINE: engine, ...more });
        if (!output.includes(GOOD)) {
            throw new Error(`${title}: it ended well and did not say "${GOOD}"`);
        }
        return output;
    }

    async function install(cwd, args = [], more = {}) {
        await must(
            `npm ${args.join(" ") || "install"}`,
            npmCommand(args.length > 0 ? args : ["install"]),
            cwd,
            more
        );
    }

    return { registry, tools, project, must, tool, answers, answersWithoutAddon, install };
}

/** @param {string} file @param {string[]} [flags] */
export function node(file, flags = [], command = process.execPath) {
    return { command, args: [...flags, file] };
}

function tampered(accessToken) {
    const [header, payload, signature] = accessToken.split(".");
    const claims = { ...JSON.parse(Buffer.from(payload, "base64url").toString()), sub: "somebody-else" };
    return [header, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
}
