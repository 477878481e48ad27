// The programs that tests start and that npm cannot install: what each is called, how to get it, which tests need it.
// It runs before anything is installed, so it uses nothing but Node.js itself.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { run } from "./step.mjs";

/**
 * @typedef {object} Program
 * @property {readonly string[]} commands - where it may be, the first that answers is used
 * @property {string} probe - the argument with which it names its version and ends
 * @property {string} debian - the package of Debian and Ubuntu
 * @property {string} elsewhere - how to get it on other systems
 * @property {string} tests - what is tested with it
 */

/** @satisfies {Readonly<Record<string, Program>>} */
export const PROGRAMS = {
    nginx: {
        commands: ["nginx", "/usr/sbin/nginx"],
        probe: "-v",
        debian: "nginx",
        elsewhere: "Fedora: dnf install nginx. macOS: brew install nginx",
        tests: "proxies that end TLS"
    },
    haproxy: {
        commands: ["haproxy", "/usr/sbin/haproxy"],
        probe: "-v",
        debian: "haproxy",
        elsewhere: "Fedora: dnf install haproxy. macOS: brew install haproxy",
        tests: "proxies that end TLS"
    },
    apache2: {
        commands: ["apache2", "/usr/sbin/apache2"],
        probe: "-v",
        debian: "apache2",
        elsewhere: "the tests know Debian's folders",
        tests: "proxies that end TLS"
    },
    caddy: {
        commands: ["caddy"],
        probe: "version",
        debian: "caddy",
        elsewhere: "Fedora: dnf install caddy. macOS: brew install caddy",
        tests: "proxies that end TLS"
    },
    chromium: {
        commands: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        probe: "--version",
        debian: "chromium",
        elsewhere: "Fedora: dnf install chromium. Others: Google Chrome as google-chrome",
        tests: "the sign-in of a real browser"
    },
    "redis-server": {
        commands: ["redis-server", "valkey-server"],
        probe: "--version",
        debian: "redis-server",
        elsewhere: "Fedora: dnf install valkey. macOS: brew install redis",
        tests: "replay memories that a fleet shares"
    },
    "redis-cli": {
        commands: ["redis-cli", "valkey-cli"],
        probe: "--version",
        debian: "redis-tools",
        elsewhere: "it comes with redis-server",
        tests: "replay memories that a fleet shares"
    },
    prometheus: {
        commands: ["prometheus"],
        probe: "--version",
        debian: "prometheus",
        elsewhere: "Fedora: dnf install golang-github-prometheus. macOS: brew install prometheus",
        tests: "the dashboard and the metrics that it shows"
    },
    openssl: {
        commands: ["openssl"],
        probe: "version",
        debian: "openssl",
        elsewhere: "Fedora: dnf install openssl. macOS: brew install openssl",
        tests: "certificates"
    }
};

/**
 * The command of a program on this machine, if it has one.
 *
 * @param {keyof typeof PROGRAMS} name
 * @returns {string | undefined}
 */
export function commandOf(name) {
    const { commands, probe } = PROGRAMS[name];
    // A command that only says how to install the real one ends with an error.
    const command = commands.find(command => spawnSync(command, [probe]).status === 0);
    return command === undefined || isAbsolute(command) ? command : onPath(command);
}

/** @returns {(keyof typeof PROGRAMS)[]} */
export function missingPrograms() {
    return /** @type {(keyof typeof PROGRAMS)[]} */ (Object.keys(PROGRAMS)).filter(
        name => commandOf(name) === undefined
    );
}

/**
 * Installs what is missing where that needs no question: Debian and Ubuntu, as root or with sudo that asks nothing.
 * No service is started: tests start what they need. Returns what is missing afterwards.
 */
export async function installPrograms() {
    const missing = missingPrograms();
    const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
    if (missing.length === 0 || !runs("apt-get", "--version") || !runs(...asRoot, "true")) {
        return missing;
    }
    const packages = [...new Set(missing.map(name => PROGRAMS[name].debian))];
    const apt = (title, ...args) => {
        const [command, ...before] = [
            ...asRoot,
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "RUNLEVEL=1",
            "apt-get"
        ];
        return run({ title, command, args: [...before, "-qq", "-y", ...args], quiet: true });
    };
    await apt("Asking for the list of Debian's packages", "update");
    await apt(
        `Installing what tests start: ${packages.join(", ")}`,
        "install",
        "--no-install-recommends",
        ...packages
    );
    return missingPrograms();
}

/** What to tell a person of a program that is not there. */
export function howToGet(name) {
    const { debian, elsewhere, tests } = PROGRAMS[name];
    return `${name} (${tests}). Debian, Ubuntu: apt-get install ${debian}. ${elsewhere}`;
}

/** The file of a command: what starts programs for a test does not look at PATH. */
function onPath(command) {
    const files = (process.env.PATH ?? "").split(delimiter).map(folder => join(folder, command));
    return files.find(file => existsSync(file)) ?? command;
}

function runs(command, ...args) {
    return spawnSync(command, args).status === 0;
}
