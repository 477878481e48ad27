// Panics behind the native door, in a build of the addon that panics where a test says. Each refuses or rejects, the
// process lives on, and the next request is answered.

import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { napiBuild } from "../../scripts/prepare.mjs";
import { root, script } from "../support/script.js";

const FOLDER = join(root, "target/fault");

/** The addon that has `injectFault`. */
let addon: string;

beforeAll(async () => {
    const { command, args } = napiBuild({
        title: "Building the addon with faults",
        usually: "a minute the first time, then seconds",
        outputDir: FOLDER,
        cargo: ["--features", "fault"]
    });
    await promisify(execFile)(command, args, { cwd: root, maxBuffer: 1 << 26 });
    const name = readdirSync(FOLDER).find(name => name.endsWith(".node"));
    addon = join(FOLDER, String(name));
}, 900_000);

const PROGRAM = `
    const { injectFault } = require(process.env.NAPI_RS_NATIVE_LIBRARY_PATH);
    const { createValidator } = require("oidc-spa-native");
    const { createTestIssuer } = require("oidc-spa-native/testing");
    const issuer = createTestIssuer();
    const authorization = "Bearer " + issuer.sign();
    const wordOf = verdict => (verdict.isSuccess ? "granted" : verdict.code);
    const word = promise => promise.then(wordOf, error => error.message);
    /** The answer while the place panics, of one request and of many at once, and the one after. */
    const during = async (place, ask) => {
        injectFault(place);
        const words = await Promise.all(Array.from({ length: 20 }, ask));
        injectFault(null);
        return [...new Set(words)].concat(await ask());
    };
    const told = {};
`;

const run = async (program: string) => {
    const { stdout, stderr } = await script(
        `${PROGRAM}(async () => {${program}
            console.log(JSON.stringify(told));
        })();`,
        "commonjs",
        { NAPI_RS_NATIVE_LIBRARY_PATH: addon, RUST_BACKTRACE: "0" }
    );
    return { told: JSON.parse(stdout.split("\n").at(-1) ?? "") as Record<string, string[]>, stderr };
};

const ENDED = "oidc-spa-native: internal error: a validation ended unexpectedly";

test("while a request is judged, on the calling thread and on others, and while it is explained", async () => {
    const { told, stderr } = await run(`
        for (const verification of ["inline", "threads"]) {
            const options = { ...issuer.options, verification, verifiedTokenMemory: false };
            const validator = createValidator(options);
            const ask = () => word(validator.validateRequest({ authorization }));
            told[verification] = await during("judge", ask);
            const explain = async () => {
                try {
                    const { refusal } = await validator.explain({ authorization });
                    return refusal === null ? "nothing against it" : refusal.code;
                } catch (error) {
                    return error.message;
                }
            };
            told["explain " + verification] = await during("wait", explain);
        }`);
    const explained = [ENDED, "nothing against it"];
    expect(told).toEqual({
        inline: [ENDED, "granted"],
        threads: [ENDED, "granted"],
        "explain inline": explained,
        "explain threads": explained
    });
    // The place, and none of the panic's own words, which could be those of a request.
    const lines = stderr.trim().split("\n");
    expect(lines.length).toBe(80);
    const line =
        /^oidc-spa-native: internal error at host.src.fault\.rs:\d+:\d+\. Please report this place\.$/;
    expect(lines.filter(said => !line.test(said))).toEqual([]);
});

test("while requests wait for keys, and in the task that fetches the keys", async () => {
    const { told } = await run(`
        for (const place of ["wait", "fetch", "document", "settle"]) {
            const listening = await issuer.listen();
            const validator = createValidator({
                ...listening.options,
                keysTimeoutMs: 500,
                onWarning: () => undefined
            });
            const authorization = "Bearer " + listening.sign();
            const ask = () => word(validator.validateRequest({ authorization }));
            const words = await during(place, ask);
            // The pause after a failed attempt goes by.
            while (words.at(-1) === "keys_unavailable") {
                await new Promise(resolve => setTimeout(resolve, 100));
                words.push(await ask());
            }
            told[place] = [words[0], words.at(-1)];
            await listening.close();
        }`);
    expect(told).toEqual({
        wait: [ENDED, "granted"],
        fetch: ["keys_unavailable", "granted"],
        document: ["keys_unavailable", "granted"],
        settle: ["keys_unavailable", "granted"]
    });
});

test("while a refusal is written, and while an issuer's name is looked for: no word of the panic is told", async () => {
    const { told } = await run(`
        const { allScopes } = require("oidc-spa-native/authorization");
        const { clock, ...options } = issuer.options;
        const validator = createValidator({ clock, issuers: () => options });
        const granted = await validator.validateRequest({ authorization });
        const word = ask => {
            try {
                return String(ask());
            } catch (error) {
                return error.message;
            }
        };
        const asked = {
            refuse: () => validator.authorize(granted, allScopes(["none"])).code,
            name: () => validator.forgetIssuer("https://another.test")
        };
        for (const [place, ask] of Object.entries(asked)) {
            injectFault(place);
            const words = word(ask);
            injectFault(null);
            told[place] = [words, word(ask)];
        }`);
    expect(told).toEqual({ refuse: [ENDED, "scope_insufficient"], name: [ENDED, "false"] });
});

test("the addon that users get has no such function", () => {
    const load = createRequire(import.meta.url);
    const names = (path: string) => Object.keys(load(path) as object);
    const shipped = readdirSync(join(root, "binding")).filter(name => name.endsWith(".node"));
    expect(shipped.length).toBeGreaterThan(0);
    for (const name of shipped) {
        expect(names(join(root, "binding", name))).not.toContain("injectFault");
    }
    expect(names(addon)).toContain("injectFault");
});
