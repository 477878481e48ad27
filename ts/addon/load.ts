/**
 * Loads the addon, or else WebAssembly, and says why.
 *
 * In: the loader that napi-rs generates, `binding/binding.js`; the targets in package.json; the variable `OIDC_SPA_NATIVE_ENGINE`.
 * Out: an engine. Never: WebAssembly in the place of the addon without a warning, the name of a package that does not
 * exist.
 */

import type { Addon } from "../boundary/interface.js";

const { createRequire } = require("node:module") as typeof import("node:module");

const VARIABLE = "OIDC_SPA_NATIVE_ENGINE";

/** The engine of this process: the addon where it loads, else WebAssembly; or the one that the variable forces. */
export function loadAddon(): Addon {
    const forced = process.env[VARIABLE];
    switch (forced) {
        case "wasm":
            return wasm();
        case "native":
        case undefined:
            break;
        default:
            throw new Error(
                `oidc-spa-native: ${VARIABLE}: expected native or wasm, or no such variable; got ${JSON.stringify(forced.slice(0, MAX_WORDS))}.`
            );
    }
    try {
        return native();
    } catch (cause) {
        const said = saidBy(cause);
        const why = [
            `the native addon for ${platformOfProcess()} could not be loaded.`,
            ...reasonAndRemedy(said)
        ];
        if (said.some(message => NO_LIBRARY.test(message))) {
            // A package that is not as it was published is no base for the decision who may come in.
            throw failure(
                [
                    ...why,
                    "The file is damaged, or is not the published one: install the package again.",
                    `${VARIABLE}=wasm runs WebAssembly without it.`
                ],
                cause
            );
        }
        if (forced === "native") {
            throw failure([...why, `${VARIABLE}=native allows no other engine.`], cause);
        }
        const addon = wasm(why, cause);
        process.emitWarning(
            [...why, "WebAssembly is used in its place. The verdicts are the same; they take longer."].join(
                "\n"
            ),
            {
                type: "oidc-spa-native",
                code: "OIDC_SPA_NATIVE_ENGINE"
            }
        );
        return addon;
    }
}

/** What the loaders of Linux, macOS and Windows say of a file that holds no library at all. */
const NO_LIBRARY = /invalid ELF header|file too short|not a mach-o file|not a valid Win32 application/i;

const failure = (lines: readonly string[], cause: unknown): Error =>
    new Error(`oidc-spa-native: ${lines.join("\n")}`, { cause });

function native(): Addon {
    // In this shape, word for word, tracers of files find the addon, and bundlers, which have no place for it, leave it
    // alone. In a bundle that is an ECMAScript module there is no `__filename`.
    const load = createRequire(__filename);
    const addon = load("../../binding/binding.js") as Omit<Addon, "engine" | "keepsAlive">;
    return { ...addon, engine: "native", keepsAlive: false };
}

/** WebAssembly; an error if it is not there either, or cannot be compiled. */
function wasm(why: readonly string[] = ["WebAssembly is asked for."], cause?: unknown): Addon {
    // Read only where it is needed.
    const { createWasmAddon } = require("../wasm/addon.js") as typeof import("../wasm/addon.js");
    const { Signatures } = require("../wasm/signatures.js") as typeof import("../wasm/signatures.js");
    let compiled: object;
    try {
        const { inlineModule } = require("../wasm/inline.js") as typeof import("../wasm/inline.js");
        compiled = inlineModule();
    } catch (error) {
        const [said = ""] = saidBy(error);
        throw failure(
            [
                ...why,
                `WebAssembly cannot take its place: ${said.slice(0, MAX_WORDS)}`,
                "Without an engine no request can be accepted."
            ],
            cause ?? error
        );
    }
    return createWasmAddon({
        compiled: () => compiled,
        newSignatures: () => new Signatures(),
        newQuestions: null,
        keepRunning: () => undefined,
        hasTimers: true,
        hasFiles: true
    });
}

function reasonAndRemedy(said: readonly string[]): string[] {
    const platform = platformOfProcess();
    const built = builtPlatforms();
    if (!built.includes(platform)) {
        return [`There is no build for it yet. There is one for: ${built.join(", ")}.`];
    }
    if (said.some(message => message.includes("loading addons is disabled"))) {
        return [
            "Node.js was told to load no addons. Under its permission model it needs --allow-addons:",
            "node --permission --allow-addons --allow-fs-read=* app.js",
            "Without that model, leave out --no-addons."
        ];
    }
    if (said.some(message => message.startsWith("__filename is not defined"))) {
        return [
            "A bundler put this library into an ECMAScript module, from which no addon is found.",
            "To use the addon, leave oidc-spa-native outside of the bundle, and install it beside."
        ];
    }
    const words = said.find(message => !/^Cannot find (module|native binding)|WASI/.test(message));
    if (words !== undefined) {
        return [`It is there, but the system's loader refused it: ${words.slice(0, MAX_WORDS)}`];
    }
    const name = `oidc-spa-native-${platform}`;
    return [
        `It comes in the package "${name}", an optional dependency of oidc-spa-native:`,
        "npm leaves it out with --omit=optional, and when node_modules was installed on another platform.",
        `Install again on this machine, or run: npm install ${name}`
    ];
}

const MAX_WORDS = 500;

/** The messages of an error and of its causes. */
function saidBy(error: unknown): string[] {
    const said: string[] = [];
    for (let cause = error; typeof cause === "object" && cause !== null && said.length < MAX_CAUSES; ) {
        const { message, cause: next } = cause as { message?: unknown; cause?: unknown };
        said.push(String(message));
        cause = next;
    }
    return said;
}

const MAX_CAUSES = 20;

/** The platform of this process, as napi-rs names its packages. */
function platformOfProcess(): string {
    const { platform, arch } = process;
    switch (platform) {
        case "linux":
            return `linux-${arch}-${isMusl() ? "musl" : "gnu"}`;
        case "win32":
            return `win32-${arch}-msvc`;
        default:
            return `${platform}-${arch}`;
    }
}

/** Node's own report names the glibc it runs on; there is none on musl. */
function isMusl(): boolean {
    const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
    return report?.header !== undefined && report.header.glibcVersionRuntime === undefined;
}

const ARCHITECTURES: { readonly [triple: string]: string } = {
    x86_64: "x64",
    aarch64: "arm64",
    i686: "ia32"
};
const SYSTEMS: { readonly [triple: string]: string } = { windows: "win32" };

/** The platforms that are built, by the same names: package.json's targets, such as `x86_64-unknown-linux-gnu`. */
function builtPlatforms(): string[] {
    const { napi } = require("../../package.json") as { napi: { targets: readonly string[] } };
    return napi.targets.map(target => {
        const [arch = "", , system = "", ...libc] = target.split("-");
        return [SYSTEMS[system] ?? system, ARCHITECTURES[arch] ?? arch, ...libc].join("-");
    });
}
