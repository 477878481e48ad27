// Runs one long command so that a person sees it move: in a terminal, in a pipe, and in a log.

import { spawn } from "node:child_process";

const HEARTBEAT_MS = 15_000;
const PROGRESS_LINE =
    /^\s*(Compiling|Checking|Downloading|Downloaded|Fresh|Finished|Locking|Adding|Updating|Blocking)\b/;

/**
 * @typedef {object} Step
 * @property {string} title - what is being done
 * @property {string} [usually] - how long it usually takes
 * @property {string} command
 * @property {string[]} args
 * @property {string} [cwd]
 * @property {Record<string, string>} [env]
 * @property {boolean} [quiet] - shows progress in the place of the command's own, and of its output what else it says
 */

/**
 * @param {Step} step
 * @returns {Promise<{ ok: boolean, seconds: number, output: string }>}
 */
export async function run({ title, usually, command, args, cwd, env, quiet = false }) {
    console.log(`▸ ${title}${usually ? ` (usually ${usually})` : ""}`);
    const started = Date.now();
    const seconds = () => Math.round((Date.now() - started) / 1000);
    const child = spawn(command, args, {
        cwd,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ...colours(), ...(quiet && cargoProgress()), ...env }
    });

    let output = "";
    let latest = "";
    let lastShown = started;
    for (const [from, to] of [
        [child.stdout, process.stdout],
        [child.stderr, process.stderr]
    ]) {
        from.setEncoding("utf8");
        from.on("data", text => {
            output += text;
            latest = progressIn(text) ?? latest;
            if (!quiet) {
                to.write(text);
                lastShown = Date.now();
            }
        });
    }

    const heartbeat = setInterval(() => {
        if (Date.now() - lastShown >= HEARTBEAT_MS - 500) {
            console.log(`  … ${seconds()} s${latest && `, ${latest}`}`);
            lastShown = Date.now();
        }
    }, 1_000);

    const ok = await new Promise(resolve => {
        child.once("error", error => {
            output += `${command}: ${error.message}\n`;
            resolve(false);
        });
        child.once("close", code => resolve(code === 0));
    });
    clearInterval(heartbeat);

    if (quiet) {
        // A compiler's warnings are shown also when all is well.
        process.stderr.write(withoutProgress(output));
        console.log(`  ${ok ? "done" : "FAILED"} in ${seconds()} s`);
    }
    return { ok, seconds: (Date.now() - started) / 1000, output };
}
/** Runs a step, and ends the process with a message if it fails. */
export async function must(step) {
    const { ok } = await run(step);
    if (!ok) {
        stop(`${step.title}: failed, see above. The command was: ${[step.command, ...step.args].join(" ")}`);
    }
}

/** Ends the process with a message. */
export function stop(message) {
    console.error(`\n${message}`);
    process.exit(1);
}

function colours() {
    return process.stdout.isTTY ? { FORCE_COLOR: "1", CARGO_TERM_COLOR: "always" } : { NO_COLOR: "1" };
}

/** Cargo counts crates in its progress bar, which it draws for a terminal alone unless it is told to. */
function cargoProgress() {
    return {
        CARGO_TERM_PROGRESS_WHEN: "always",
        CARGO_TERM_PROGRESS_WIDTH: "100",
        CARGO_TERM_COLOR: "never"
    };
}

function progressIn(text) {
    const bar = text.match(/Building \[[^\]]*\] \d+\/\d+[^\r\n]*/g)?.at(-1);
    const counted = /(\d+)\/(\d+)(?:: (.*))?/.exec(bar ?? "");
    return counted?.[2] === undefined
        ? undefined
        : `${counted[1]} of ${counted[2]} crates${counted[3] ? `, now ${counted[3].trim()}` : ""}`;
}

function withoutProgress(output) {
    return output
        .split(/[\r\n]+/)
        .filter(line => line.trim() !== "" && !PROGRESS_LINE.test(line) && !line.includes("Building ["))
        .map(line => `  ${line}\n`)
        .join("");
}
